/// Hands out even UDP ports, the longest unused first, and lets each rest after use. A value on virtual time; whether a
/// port can really be bound is the caller's to find out.
public struct PortAllocator: Sendable {
    private enum State: UInt8, Sendable { case free, used, resting, squatted }

    /// Ports in the order in which they become free.
    private struct Queue: Sendable {
        private var entries: [(port: UInt16, ready: MediaInstant)] = []
        private var head = 0

        var count: Int { entries.count - head }
        var first: (port: UInt16, ready: MediaInstant)? { count > 0 ? entries[head] : nil }

        mutating func append(_ port: UInt16, ready: MediaInstant) { entries.append((port, ready)) }

        mutating func removeFirst() {
            head += 1
            if head >= 64, head * 2 >= entries.count {
                entries.removeFirst(head)
                head = 0
            }
        }
    }

    /// How long a port that another program holds is left alone.
    static let squattedRest: UInt64 = 30_000_000_000

    public let ports: ClosedRange<UInt16>
    private let rest: UInt64
    private let first: Int
    private var states: [State]
    private var free = Queue()
    private var resting = Queue()
    private var squatted = Queue()

    /// Pairs of an even port and the odd one above it, both within `ports`; there may be none.
    public init(ports: ClosedRange<UInt16>, rest: Duration) {
        self.ports = ports
        self.rest = rest.wholeNanoseconds
        first = (Int(ports.lowerBound) + 1) / 2 * 2
        let count = max(0, (Int(ports.upperBound) - first + 1) / 2)
        states = [State](repeating: .free, count: count)
        for index in 0..<count {
            free.append(UInt16(first + 2 * index), ready: MediaInstant(nanoseconds: 0))
        }
    }

    public var capacity: Int { states.count }
    public var freeCount: Int { free.count }
    public var usedCount: Int { capacity - free.count - resting.count - squatted.count }
    public var restingCount: Int { resting.count }
    public var squattedCount: Int { squatted.count }

    /// A port to use now; nil when all are in use or resting.
    public mutating func take(now: MediaInstant) -> UInt16? {
        wake(now: now)
        guard let port = free.first?.port else { return nil }
        free.removeFirst()
        set(port, .used)
        return port
    }

    /// Gives a port back after use. A port that was not taken is left as it is.
    public mutating func release(_ port: UInt16, now: MediaInstant) {
        guard isUsed(port) else { return }
        set(port, .resting)
        resting.append(port, ready: now + rest)
    }

    /// Gives back a port that turned out to be another program's: it is tried again later.
    public mutating func refuse(_ port: UInt16, now: MediaInstant) {
        guard isUsed(port) else { return }
        set(port, .squatted)
        squatted.append(port, ready: now + Self.squattedRest)
    }

    /// Lets the ports go whose rest is over; ``take(now:)`` does it too.
    public mutating func wake(now: MediaInstant) {
        while let entry = resting.first, entry.ready <= now {
            resting.removeFirst()
            set(entry.port, .free)
            free.append(entry.port, ready: entry.ready)
        }
        while let entry = squatted.first, entry.ready <= now {
            squatted.removeFirst()
            set(entry.port, .free)
            free.append(entry.port, ready: entry.ready)
        }
    }

    private func index(_ port: UInt16) -> Int? {
        let distance = Int(port) - first
        guard distance >= 0, distance % 2 == 0, distance / 2 < states.count else { return nil }
        return distance / 2
    }

    private func isUsed(_ port: UInt16) -> Bool { index(port).map { states[$0] == .used } ?? false }

    private mutating func set(_ port: UInt16, _ state: State) {
        if let index = index(port) { states[index] = state }
    }
}
