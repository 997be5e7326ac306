import Glibc
public import NIOCore

/// An address range, `69.171.251.0/24` or `2a03:2880::/32`.
public struct CIDR: Sendable, Hashable, CustomStringConvertible {
    /// Network order, 4 or 16 octets, host bits cleared.
    private let network: [UInt8]
    public let prefixLength: Int

    /// Nil when the text is no address with an optional prefix length that fits it; a bare address is one host.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first, let octets = CIDR.octets(of: String(address)) else { return nil }
        var length = octets.count * 8
        if parts.count == 2 {
            guard let given = Int(parts[1]), (0...length).contains(given) else { return nil }
            length = given
        }
        prefixLength = length
        network = CIDR.masked(octets, length)
    }

    /// IPv4-mapped IPv6 addresses match IPv4 ranges, since a dual-stack listener reports them so.
    public func contains(_ address: SocketAddress) -> Bool {
        guard let octets = CIDR.octets(of: address) else { return false }
        return contains(octets: octets)
    }

    func contains(octets: [UInt8]) -> Bool {
        var octets = octets
        if network.count == 4, octets.count == 16, octets.starts(with: CIDR.mappedPrefix) {
            octets = Array(octets.suffix(4))
        }
        guard octets.count == network.count else { return false }
        return CIDR.masked(octets, prefixLength) == network
    }

    public var description: String {
        let host = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: network), port: 0).ipAddress
        return "\(host ?? "?")/\(prefixLength)"
    }

    /// The octets of a range that is one address; nil for wider ones.
    var host: [UInt8]? { prefixLength == network.count * 8 ? network : nil }

    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]

    fileprivate static func mapped(_ octets: [UInt8]) -> [UInt8] { mappedPrefix + octets }

    private static func masked(_ octets: [UInt8], _ length: Int) -> [UInt8] {
        octets.enumerated().map { index, octet in
            let kept = min(max(length - index * 8, 0), 8)
            return octet & UInt8(truncatingIfNeeded: 0xFF00 >> kept)
        }
    }

    /// Network order, 4 octets also for an IPv4-mapped address, otherwise 16.
    static func octets(of address: SocketAddress) -> [UInt8]? {
        // By offset: the structure's fields belong to a module of NIO's own.
        let octets = address.withSockAddr { pointer, size -> [UInt8] in
            let raw = UnsafeRawBufferPointer(start: pointer, count: size)
            return switch address.protocol {
            case .inet where size >= 8: Array(raw[4..<8])
            case .inet6 where size >= 24: Array(raw[8..<24])
            default: []
            }
        }
        guard !octets.isEmpty else { return nil }
        return octets.starts(with: mappedPrefix) ? Array(octets.suffix(4)) : octets
    }

    /// Network order, 4 or 16 octets; nil when the text is no address literal.
    static func octets(of text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var octets = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &octets) == 1 { return octets }
        }
        return nil
    }
}

extension SocketAddress {
    /// IPv4 for an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), as sockets of both families report them.
    var unmapped: SocketAddress {
        guard case .v6 = self, let octets = CIDR.octets(of: self), octets.count == 4 else { return self }
        return (try? SocketAddress(packedIPAddress: ByteBuffer(bytes: octets), port: port ?? 0)) ?? self
    }

    /// The same for a socket of IPv6.
    var mapped: SocketAddress {
        guard case .v4 = self, let octets = CIDR.octets(of: self) else { return self }
        return (try? SocketAddress(packedIPAddress: ByteBuffer(bytes: CIDR.mapped(octets)), port: port ?? 0)) ?? self
    }
}
