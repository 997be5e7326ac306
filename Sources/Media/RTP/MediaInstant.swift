import CMediaIO

/// A reading of the monotonic clock (our clock; a *timestamp* is the media's). The worker reads it once per wake-up and
/// hands it to everything below, so that the logic can be tested on virtual time.
public struct MediaInstant: Hashable, Comparable, Sendable {
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    @inline(__always)
    public static func < (left: MediaInstant, right: MediaInstant) -> Bool { left.nanoseconds < right.nanoseconds }

    @inline(__always)
    static func + (instant: MediaInstant, nanoseconds: UInt64) -> MediaInstant {
        MediaInstant(nanoseconds: instant.nanoseconds &+ nanoseconds)
    }

    /// Nanoseconds since `earlier`; 0 when that is in the future.
    @inline(__always)
    func since(_ earlier: MediaInstant) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds &- earlier.nanoseconds : 0
    }

    static let never = MediaInstant(nanoseconds: .max)

    static func monotonic() -> MediaInstant { MediaInstant(nanoseconds: cmio_clock(Int32(CMIO_MONOTONIC))) }
}

extension Duration {
    /// Whole nanoseconds, 0 for a negative duration, capped at about 146 years.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(min(seconds, 4_600_000_000)) &* 1_000_000_000 &+ UInt64(attoseconds / 1_000_000_000)
    }

    init(wholeNanoseconds: UInt64) {
        self = .nanoseconds(Int64(clamping: wholeNanoseconds))
    }
}

/// Nanoseconds to ticks of a media clock, rounded down. Counts up to a day, which is beyond any gap that matters.
@inline(__always)
func mediaTicks(_ nanoseconds: UInt64, rate: UInt32) -> UInt64 {
    min(nanoseconds, 86_400_000_000_000) &* UInt64(rate) / 1_000_000_000
}
