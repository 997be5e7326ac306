/// What a TLS ClientHello says in clear text: server name and ALPN (RFC 8446 §4.1.2, RFC 6066 §3, RFC 7301 §3.1).
///
/// NIOSSL does not tell a server that a client offered protocols which it does not know, and Meta's alert 120 is about
/// exactly that.
struct ClientHello: Hashable, Sendable {
    enum Reading: Hashable, Sendable {
        /// More octets are needed.
        case incomplete
        case notTLS
        case hello(ClientHello)
    }

    var serverName: String?
    /// The protocols offered; nil without the extension.
    var protocols: [String]?

    /// Larger ones than any client sends are no ClientHello.
    private static let longest = 32_768

    /// Reads the first handshake message of the octets, from one or more TLS records.
    static func read(_ octets: [UInt8]) -> Reading {
        var handshake: [UInt8] = []
        var position = 0
        while true {
            guard octets.count - position >= 5 else { return first(octets, isHandshake: 0x16) }
            guard octets[position] == 0x16, octets[position + 1] == 3 else { return .notTLS }
            let length = Int(octets[position + 3]) << 8 | Int(octets[position + 4])
            guard octets.count - position - 5 >= length else { return .incomplete }
            handshake += octets[position + 5..<position + 5 + length]
            position += 5 + length
            guard handshake.count >= 4 else { continue }
            guard handshake[0] == 1 else { return .notTLS }
            let message = Int(handshake[1]) << 16 | Int(handshake[2]) << 8 | Int(handshake[3])
            guard message <= longest else { return .notTLS }
            guard handshake.count >= 4 + message else { continue }
            var reader = Reader(handshake[4..<4 + message])
            return parse(&reader).map { .hello($0) } ?? .notTLS
        }
    }

    private static func first(_ octets: [UInt8], isHandshake type: UInt8) -> Reading {
        octets.first.map { $0 == type ? .incomplete : .notTLS } ?? .incomplete
    }

    private static func parse(_ reader: inout Reader) -> ClientHello? {
        guard reader.skip(2 + 32), reader.vector(1) != nil, reader.vector(2) != nil, reader.vector(1) != nil else {
            return nil
        }
        var hello = ClientHello()
        guard !reader.isEmpty else { return hello }  // no extensions at all
        guard var extensions = reader.vector(2) else { return nil }
        while !extensions.isEmpty {
            guard let type = extensions.number(2), var body = extensions.vector(2) else { return nil }
            switch type {
            case 0:
                guard var list = body.vector(2), list.number(1) == 0, let name = list.vector(2) else { return nil }
                hello.serverName = name.text
            case 16:
                guard var list = body.vector(2) else { return nil }
                var protocols: [String] = []
                while !list.isEmpty {
                    guard let name = list.vector(1) else { return nil }
                    protocols.append(name.text)
                }
                hello.protocols = protocols
            default: break
            }
        }
        return hello
    }

    /// Vectors with a length in front, as TLS writes them; never reads past its end.
    private struct Reader {
        private var rest: ArraySlice<UInt8>

        init(_ octets: ArraySlice<UInt8>) { rest = octets }

        var isEmpty: Bool { rest.isEmpty }
        var text: String { String(decoding: rest, as: UTF8.self) }

        mutating func skip(_ count: Int) -> Bool {
            guard rest.count >= count else { return false }
            rest = rest.dropFirst(count)
            return true
        }

        mutating func number(_ octets: Int) -> Int? {
            guard rest.count >= octets else { return nil }
            let value = rest.prefix(octets).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(octets)
            return value
        }

        mutating func vector(_ lengthOctets: Int) -> Reader? {
            guard let count = number(lengthOctets), rest.count >= count else { return nil }
            let body = rest.prefix(count)
            rest = rest.dropFirst(count)
            return Reader(body)
        }
    }
}
