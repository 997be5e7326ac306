import SIPCore

/// The calls of one peer, both ways, against its limits.
struct PeerLoad: Hashable, Sendable {
    private(set) var calls = 0
    private var maximumCalls: Int?
    private var rate: CallRate?

    /// - Parameters: nil is no limit.
    init(maximumCalls: Int? = nil, callsPerSecond: Int? = nil) {
        setLimits(maximumCalls: maximumCalls, callsPerSecond: callsPerSecond)
    }

    /// Calls in progress stay, also above the new limit.
    mutating func setLimits(maximumCalls: Int?, callsPerSecond: Int?) {
        self.maximumCalls = maximumCalls
        if rate?.limit != callsPerSecond { rate = callsPerSecond.map(CallRate.init(limit:)) }
    }

    func hasRoom(now: Instant) -> Bool {
        if let maximumCalls, calls >= maximumCalls { return false }
        return rate?.hasToken(now: now) ?? true
    }

    /// Takes a place for a call that begins now; `end` gives it back. False: no room, nothing taken.
    mutating func begin(now: Instant) -> Bool {
        guard hasRoom(now: now) else { return false }
        guard rate?.take(now: now) ?? true else { return false }
        calls += 1
        return true
    }

    mutating func end() { calls = max(calls - 1, 0) }
}
