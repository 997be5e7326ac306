import NIOCore

/// An IP address as 128 bits, to be compared without making text of it; IPv4 as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2).
struct HostAddress: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Nil for addresses that are not of IP.
    init?(_ address: SocketAddress) {
        // Where sockaddr_in and sockaddr_in6 have their address, in network order.
        switch address {
        case .v4:
            let octets = address.withSockAddr { pointer, _ in
                UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            }
            self.init(high: 0, low: Self.mappedPrefix | UInt64(UInt32(bigEndian: octets)))
        case .v6:
            let words = address.withSockAddr { pointer, _ in
                let start = UnsafeRawPointer(pointer)
                return (
                    start.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
                    start.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
                )
            }
            self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
        case .unixDomainSocket:
            return nil
        }
    }

    /// Nil when the text is no address literal.
    init?(_ text: String) {
        guard let address = try? SocketAddress(ipAddress: text, port: 0) else { return nil }
        self.init(address)
    }

    /// What counts as one source: an IPv4 address, or a /64 of IPv6, where one host has as many addresses as it likes.
    var source: HostAddress {
        high == 0 && low & ~0xFFFF_FFFF == Self.mappedPrefix ? self : HostAddress(high: high, low: 0)
    }

    private static let mappedPrefix: UInt64 = 0xFFFF << 32
}
