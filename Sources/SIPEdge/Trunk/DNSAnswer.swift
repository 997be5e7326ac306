/// What a name server answered (RFC 1035 §4.1), as far as a peer's addresses need it: A, AAAA (RFC 3596), SRV (RFC 2782).
///
/// Records of other types are skipped. Names are followed through compression pointers that lead strictly back, so no
/// message makes it loop; the number of records is bounded by the message's own length of at most 64 kB.
struct DNSAnswer: Sendable, Hashable {
    enum Problem: Error, Hashable, Sendable {
        case truncated
        /// A query, or an operation other than one.
        case notAResponse
        /// A label's length octet of an undefined kind, a pointer that does not lead back, or more than 255 octets.
        case badName
        /// Record data of the wrong length for its type.
        case badData
    }

    struct Service: Sendable, Hashable {
        var priority: UInt16
        var weight: UInt16
        var port: UInt16
        /// Lower-cased, without the final dot; empty says that the service is decidedly not available.
        var target: String
    }

    /// RCODE: 0 no error, 2 server failure, 3 no such name.
    private(set) var code: UInt8
    /// 4 octets each, network order.
    private(set) var ipv4: [[UInt8]] = []
    /// 16 octets each.
    private(set) var ipv6: [[UInt8]] = []
    private(set) var services: [Service] = []
    /// The smallest of all records of the answer, aliases included: when it has to be asked for again. Nil without any.
    private(set) var secondsToLive: UInt32?

    init(parsing message: [UInt8]) throws(Problem) {
        var reader = Reader(message: message)
        _ = try reader.number16()
        let flags = try reader.number16()
        // QR set and OPCODE 0.
        guard flags & 0xF800 == 0x8000 else { throw .notAResponse }
        code = UInt8(truncatingIfNeeded: flags & 0x000F)
        let questions = try reader.number16()
        let answers = try reader.number16()
        _ = try reader.number16()
        _ = try reader.number16()
        for _ in 0..<questions {
            _ = try reader.name()
            _ = try reader.number16()
            _ = try reader.number16()
        }
        for _ in 0..<answers { try record(&reader) }
    }

    private mutating func record(_ reader: inout Reader) throws(Problem) {
        _ = try reader.name()
        let type = try reader.number16()
        let kind = try reader.number16()
        let high = try reader.number16()
        let low = try reader.number16()
        let length = Int(try reader.number16())
        let end = reader.position + length
        guard end <= reader.message.count else { throw .truncated }
        guard kind == 1 else {  // IN
            reader.position = end
            return
        }
        // RFC 2181 §8: with the first bit set it is 0.
        let seconds = high & 0x8000 == 0 ? UInt32(high) << 16 | UInt32(low) : 0
        secondsToLive = min(secondsToLive ?? .max, seconds)
        switch type {
        case 1:
            guard length == 4 else { throw .badData }
            ipv4.append(try reader.octets(4))
        case 28:
            guard length == 16 else { throw .badData }
            ipv6.append(try reader.octets(16))
        case 33:
            let priority = try reader.number16()
            let weight = try reader.number16()
            let port = try reader.number16()
            let target = try reader.name()
            guard reader.position == end else { throw .badData }
            // A target that is no host name cannot be asked for.
            if let target {
                services.append(Service(priority: priority, weight: weight, port: port, target: target))
            }
        default: break
        }
        reader.position = end
    }
}

private struct Reader {
    let message: [UInt8]
    var position = 0

    init(message: [UInt8]) { self.message = message }

    mutating func octet() throws(DNSAnswer.Problem) -> UInt8 {
        guard position < message.count else { throw .truncated }
        defer { position += 1 }
        return message[position]
    }

    mutating func number16() throws(DNSAnswer.Problem) -> UInt16 {
        UInt16(try octet()) << 8 | UInt16(try octet())
    }

    mutating func octets(_ count: Int) throws(DNSAnswer.Problem) -> [UInt8] {
        var octets: [UInt8] = []
        for _ in 0..<count { octets.append(try octet()) }
        return octets
    }

    /// Ends behind the name as it stands here. Nil for a name with a label that no host has.
    mutating func name() throws(DNSAnswer.Problem) -> String? {
        var labels: [String] = []
        var isHost = true
        var length = 0
        var at = position
        var start = position
        /// Where reading goes on after the first pointer.
        var end: Int?
        while true {
            guard at < message.count else { throw .truncated }
            let first = message[at]
            switch first & 0xC0 {
            case 0x00 where first == 0:
                position = end ?? at + 1
                return isHost ? labels.joined(separator: ".") : nil
            case 0x00:
                let next = at + 1 + Int(first)
                guard next <= message.count else { throw .truncated }
                length += Int(first) + 1
                guard length < 255 else { throw .badName }
                var label = ""
                for index in (at + 1)..<next {
                    guard let character = Reader.lowered(message[index]) else {
                        isHost = false
                        continue
                    }
                    label.append(character)
                }
                labels.append(label)
                at = next
            case 0xC0:
                guard at + 1 < message.count else { throw .truncated }
                let target = Int(first & 0x3F) << 8 | Int(message[at + 1])
                // Back beyond all that was read of this name: it cannot come by here again.
                guard target < start else { throw .badName }
                end = end ?? at + 2
                at = target
                start = target
            default: throw .badName
            }
        }
    }

    /// Of a letter, digit, hyphen or underscore.
    private static func lowered(_ octet: UInt8) -> Character? {
        switch octet {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Character(Unicode.Scalar(octet | 0x20))
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            Character(Unicode.Scalar(octet))
        default: nil
        }
    }
}
