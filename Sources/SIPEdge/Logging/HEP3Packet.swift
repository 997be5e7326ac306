/// One SIP message for a capture server such as Homer: the chunks of HEP version 3 (HEP3 Network Protocol
/// Specification, revision 36, §4).
struct HEP3Packet: Sendable, Hashable {
    struct Endpoint: Sendable, Hashable {
        /// Network order, 4 or 16 octets, the same for both ends.
        var address: [UInt8]
        var port: UInt16
    }

    enum Transport: UInt8, Sendable {
        /// IP protocol numbers; TLS runs over TCP.
        case udp = 17
        case tcp = 6
    }

    var source: Endpoint
    var destination: Endpoint
    var transport: Transport
    /// Since 1970.
    var seconds: UInt32
    var microseconds: UInt32
    var captureID: UInt32
    /// Shared with the server; nil: none is sent.
    var password: String?
    /// The same for all messages of a call, on both its legs.
    var correlation: String
    var payload: [UInt8]

    private enum Chunk: UInt16 {
        case ipFamily = 1
        case ipProtocol, source4, destination4, source6, destination6, sourcePort, destinationPort
        case seconds, microseconds, payloadType, captureID
        case password = 14
        case payload = 15
        case correlation = 17
    }

    /// Nil when it is larger than the length field, and a datagram, can say.
    func encoded() -> [UInt8]? {
        let isIPv6 = source.address.count == 16
        var octets = Array("HEP3".utf8) + [0, 0]
        func append(_ chunk: Chunk, _ value: some Collection<UInt8>) {
            octets += Self.octets(UInt16(0))  // vendor: the specification's own
            octets += Self.octets(chunk.rawValue)
            octets += Self.octets(UInt16(clamping: value.count + 6))
            octets += value
        }
        guard payload.count < 60_000, correlation.utf8.count < 2_048, password?.utf8.count ?? 0 < 2_048 else {
            return nil
        }
        append(.ipFamily, [isIPv6 ? 10 : 2])
        append(.ipProtocol, [transport.rawValue])
        append(isIPv6 ? .source6 : .source4, source.address)
        append(isIPv6 ? .destination6 : .destination4, destination.address)
        append(.sourcePort, Self.octets(source.port))
        append(.destinationPort, Self.octets(destination.port))
        append(.seconds, Self.octets(seconds))
        append(.microseconds, Self.octets(microseconds))
        append(.payloadType, [1])  // SIP
        append(.captureID, Self.octets(captureID))
        if let password { append(.password, Array(password.utf8)) }
        append(.correlation, Array(correlation.utf8))
        append(.payload, payload)
        octets.replaceSubrange(4..<6, with: Self.octets(UInt16(clamping: octets.count)))
        return octets
    }

    private static func octets(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian, Array.init)
    }
}
