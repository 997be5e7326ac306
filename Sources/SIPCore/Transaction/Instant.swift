/// A point on the clock that the driver reads: the time since an origin it picks, never going back.
public struct Instant: InstantProtocol, Hashable, Sendable, CustomStringConvertible {
    public var sinceOrigin: Duration

    public init(_ sinceOrigin: Duration) { self.sinceOrigin = sinceOrigin }

    public func advanced(by duration: Duration) -> Instant { Instant(sinceOrigin + duration) }
    public func duration(to other: Instant) -> Duration { other.sinceOrigin - sinceOrigin }
    public static func < (a: Instant, b: Instant) -> Bool { a.sinceOrigin < b.sinceOrigin }
    public var description: String { "\(sinceOrigin)" }
}
