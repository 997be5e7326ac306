/// When the next frame of a leg is due, counted in samples from where the run began, so that rounding and late wake-ups
/// do not add up.
struct PlayoutClock: Hashable, Sendable {
    private var origin: MediaInstant
    private var samples: UInt64 = 0
    private let rate: UInt32

    init(origin: MediaInstant, rate: UInt32) {
        self.origin = origin
        self.rate = max(1, rate)
    }

    /// A day of samples times 10^9 is beyond 64 bits at 48 kHz: whole seconds and the rest are taken apart.
    var due: MediaInstant {
        let (seconds, rest) = samples.quotientAndRemainder(dividingBy: UInt64(rate))
        return origin + (seconds &* 1_000_000_000 &+ rest &* 1_000_000_000 / UInt64(rate))
    }

    mutating func restart(at instant: MediaInstant) {
        origin = instant
        samples = 0
    }

    mutating func advance(_ count: UInt32) {
        samples &+= UInt64(count)
    }
}
