import CMediaIO
import Glibc

/// An IPv4 or IPv6 address with a UDP port, comparable octet by octet. IPv4 is held as an IPv4-mapped IPv6 address
/// (RFC 4291 §2.5.5.2), so that a packet's source compares the same on sockets of either family.
public struct MediaAddress: Hashable, Sendable, CustomStringConvertible {
    /// The 128 bits of the address, most significant first.
    let high: UInt64
    let low: UInt64
    public let port: UInt16

    /// Parses a literal: `192.0.2.1`, `2001:db8::1`. Host names, brackets and zone ids are refused.
    public init?(_ host: String, port: UInt16) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, host, &v4) == 1 {
            self.init(high: 0, low: Self.mappedPrefix | UInt64(UInt32(bigEndian: v4.s_addr)), port: port)
        } else if inet_pton(AF_INET6, host, &v6) == 1 {
            let (high, low) = withUnsafeBytes(of: &v6) { octets in
                (octets.load(as: UInt64.self), octets.load(fromByteOffset: 8, as: UInt64.self))
            }
            self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low), port: port)
        } else {
            return nil
        }
    }

    init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    static let mappedPrefix: UInt64 = 0xffff_0000_0000

    /// True for a native IPv6 address, false for IPv4.
    public var isIPv6: Bool { !(high == 0 && low & 0xffff_ffff_0000_0000 == Self.mappedPrefix) }

    /// 0.0.0.0 or `::`: fit for binding, not for sending.
    public var isUnspecified: Bool { high == 0 && (low == 0 || low == Self.mappedPrefix) }

    /// The address without port, in its usual text form.
    public var host: String {
        if !isIPv6 {
            let octets = UInt32(truncatingIfNeeded: low)
            return "\(octets >> 24).\(octets >> 16 & 255).\(octets >> 8 & 255).\(octets & 255)"
        }
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) { octets in
            octets.storeBytes(of: high.bigEndian, as: UInt64.self)
            octets.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            guard let base = text.baseAddress,
                inet_ntop(AF_INET6, &address, base, socklen_t(INET6_ADDRSTRLEN)) != nil
            else { return "::" }
            return String(cString: base)
        }
    }

    public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    public func with(port: UInt16) -> MediaAddress { MediaAddress(high: high, low: low, port: port) }

    @inline(__always)
    func hasSameHost(as other: MediaAddress) -> Bool { high == other.high && low == other.low }
}
