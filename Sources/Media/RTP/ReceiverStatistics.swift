/// Loss, order and jitter of one received source: RFC 3550 A.1 (sequence numbers), A.3 (loss), A.8 (jitter).
/// Packets are shown to it at arrival, before any reordering.
public struct ReceiverStatistics: Hashable, Sendable {
    public enum Arrival: Hashable, Sendable {
        case inOrder, reordered, duplicate
        /// The sequence number is far from the others: not counted, unless its successor comes next.
        case suspect
        /// The source began anew at this sequence number.
        case restarted
    }

    /// RFC 3550 A.1 MAX_DROPOUT and MAX_MISORDER: a step beyond these is a restart, not loss or reordering.
    static let maxDropout: UInt16 = 3_000
    static let maxMisorder: UInt16 = 100

    public let ssrc: UInt32
    public let clockRate: UInt32
    public private(set) var received: UInt64 = 0
    public private(set) var duplicates: UInt64 = 0
    public private(set) var reordered: UInt64 = 0

    private var highest: UInt16 = 0
    private var cycles: UInt32 = 0
    private var base: UInt32 = 0
    private var restartAt: UInt16?
    /// Bit n: sequence number `highest - n` has come.
    private var window: UInt64 = 0
    /// Loss and packets of spans before a restart.
    private var lostBefore: Int64 = 0
    private var receivedBefore: UInt64 = 0
    private var transit: UInt32?
    /// A.8's estimate, in ticks times 16.
    private var scaledJitter: UInt32 = 0
    private var expectedAtReport: UInt64 = 0
    private var receivedAtReport: UInt64 = 0

    public init(ssrc: UInt32, clockRate: UInt32) {
        self.ssrc = ssrc
        self.clockRate = clockRate
    }

    /// Counts a packet. `timestamp` is nil for packets whose timestamp is not their sampling instant (RFC 4733 events).
    public mutating func arrived(sequenceNumber: UInt16, timestamp: UInt32?, now: MediaInstant) -> Arrival {
        let arrival = countSequence(sequenceNumber)
        if arrival == .restarted { transit = nil }
        if let timestamp, arrival == .inOrder || arrival == .reordered || arrival == .restarted {
            measure(timestamp, now: now)
        }
        return arrival
    }

    private mutating func countSequence(_ number: UInt16) -> Arrival {
        if received == 0 {
            begin(at: number)
            return .inOrder
        }
        let step = number &- highest
        if step == 0 {
            duplicates &+= 1
            received &+= 1
            return .duplicate
        }
        if step < Self.maxDropout {
            if number < highest { cycles &+= 0x1_0000 }
            highest = number
            window = step < 64 ? window << UInt64(step) | 1 : 1
            received &+= 1
            restartAt = nil
            return .inOrder
        }
        if step > 0 &- Self.maxMisorder {
            let behind = UInt64(0 &- step)
            received &+= 1
            if behind < 64, window & 1 << behind != 0 {
                duplicates &+= 1
                return .duplicate
            }
            if behind < 64 { window |= 1 << behind }
            reordered &+= 1
            return .reordered
        }
        if restartAt == number {
            lostBefore &+= lostInSpan
            receivedBefore = received
            begin(at: number)
            return .restarted
        }
        restartAt = number &+ 1
        return .suspect
    }

    private mutating func begin(at number: UInt16) {
        base = UInt32(number)
        highest = number
        cycles = 0
        window = 1
        restartAt = nil
        received &+= 1
        expectedAtReport = 0
        receivedAtReport = received &- 1
    }

    private mutating func measure(_ timestamp: UInt32, now: MediaInstant) {
        let arrival = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000 &* UInt64(clockRate) / 1_000_000)
        let transit = arrival &- timestamp
        if let last = self.transit {
            let change = Int32(bitPattern: transit &- last).magnitude
            // A step beyond two seconds is a new timeline of the source, not jitter.
            if change < clockRate &* 2 {
                scaledJitter = scaledJitter &+ change &- (scaledJitter &+ 8) >> 4
            }
        }
        self.transit = transit
    }

    /// RFC 3550 §6.4.1 "extended highest sequence number received".
    public var extendedHighest: UInt32 { cycles | UInt32(highest) }

    private var expectedInSpan: UInt64 { received == 0 ? 0 : UInt64(extendedHighest &- base) &+ 1 }
    private var lostInSpan: Int64 { Int64(expectedInSpan) &- Int64(received &- receivedBefore) }

    /// Expected minus received, negative when duplicates outnumber losses (A.3).
    public var lost: Int64 { lostBefore &+ lostInSpan }

    /// Interarrival jitter in ticks of the media clock.
    public var jitter: UInt32 { scaledJitter >> 4 }

    public var jitterMilliseconds: Double {
        clockRate == 0 ? 0 : Double(scaledJitter) / 16 * 1_000 / Double(clockRate)
    }

    /// Fraction lost since the last call of this, in 1/256, and lost in all as a report block holds it (24 bits, A.3).
    public mutating func takeReport() -> (fraction: UInt8, lost: Int32) {
        let expected = expectedInSpan &- expectedAtReport
        let lostNow = Int64(expected) &- Int64(received &- receivedAtReport)
        expectedAtReport = expectedInSpan
        receivedAtReport = received
        let fraction = expected == 0 || lostNow <= 0 ? 0 : min(255, lostNow * 256 / Int64(expected))
        return (UInt8(fraction), Int32(max(-0x80_0000, min(0x7f_ffff, lost))))
    }
}
