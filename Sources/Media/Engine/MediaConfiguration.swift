import Glibc

/// Settings of the media engine. ``MediaEngine/init(_:)`` checks them.
public struct MediaConfiguration: Sendable, Hashable {
    /// Worker threads; a call lives on one of them. Default: one per processor.
    public var workers: Int
    /// IPv4 or IPv6 literal that legs bind to unless they name another.
    public var bindAddress: String
    /// UDP ports: each leg takes an even one and, unless its RTCP is muxed, the odd one above it (RFC 3550 §11).
    public var ports: ClosedRange<UInt16>
    /// How long a port stays unused after its leg closed, so that late packets of one call do not reach the next.
    public var portRest: Duration
    /// Legs at once, over all workers.
    public var maxLegs: Int
    /// A started leg that received nothing valid for this long reports ``MediaEvent/noMedia(_:since:)``.
    public var noMediaAfter: Duration

    public init(
        workers: Int? = nil, bindAddress: String = "0.0.0.0", ports: ClosedRange<UInt16> = 20_000...29_999,
        portRest: Duration = .seconds(5), maxLegs: Int = 4_096, noMediaAfter: Duration = .seconds(15)
    ) {
        self.workers = workers ?? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        self.bindAddress = bindAddress
        self.ports = ports
        self.portRest = portRest
        self.maxLegs = maxLegs
        self.noMediaAfter = noMediaAfter
    }
}
