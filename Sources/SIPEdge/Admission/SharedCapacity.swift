/// Places that Meta's side and the peers' side share, where neither can take the last tenth that is kept for the other:
/// a flood from one side leaves the calls of the other alone.
struct SharedCapacity: Sendable {
    let total: Int
    /// Kept for each side.
    let reserve: Int
    private var meta = 0
    private var peer = 0

    init(total: Int) {
        self.total = total
        reserve = Self.reserve(of: total)
    }

    /// A tenth; nothing of fewer than ten.
    static func reserve(of total: Int) -> Int { total / 10 }

    /// Whether this side finds no place now.
    func isFull(for side: TransportLayer.Side) -> Bool {
        let other = side == .meta ? peer : meta
        return meta + peer + max(reserve - other, 0) >= total
    }

    /// Takes a place, to be given back; false when there is none.
    mutating func take(_ side: TransportLayer.Side) -> Bool {
        guard !isFull(for: side) else { return false }
        switch side {
        case .meta: meta += 1
        case .peer: peer += 1
        }
        return true
    }

    mutating func give(_ side: TransportLayer.Side) {
        switch side {
        case .meta: meta = max(meta - 1, 0)
        case .peer: peer = max(peer - 1, 0)
        }
    }
}
