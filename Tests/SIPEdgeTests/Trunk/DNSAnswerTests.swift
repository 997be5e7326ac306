import Testing

@testable import SIPEdge

@Suite("Answers of a name server") struct DNSAnswerTests {
    static func name(_ text: String) -> [UInt8] {
        text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    static func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }

    static func record(_ owner: [UInt8] = [0xC0, 12], type: Int, ttl: Int = 60, data: [UInt8], length: Int? = nil)
        -> [UInt8]
    {
        owner + number(type) + number(1) + number(ttl >> 16) + number(ttl & 0xFFFF) + number(length ?? data.count)
            + data
    }

    /// One question, whose name begins at octet 12.
    static func message(_ records: [[UInt8]], flags: Int = 0x8180) -> [UInt8] {
        number(0x1234) + number(flags) + number(1) + number(records.count) + number(0) + number(0)
            + name("_sip._udp.pbx.example.com") + number(33) + number(1) + records.joined()
    }

    @Test("addresses, services and the shortest time to live")
    func records() throws {
        // "example.com" begins at octet 12 + 5 + 5 + 4.
        let target: [UInt8] = [3] + Array("Sip".utf8) + [0xC0, 26]
        let answer = try DNSAnswer(
            parsing: Self.message([
                Self.record(type: 33, ttl: 300, data: [0, 10, 0, 60, 0x13, 0xC4] + target),
                Self.record(type: 1, ttl: 86_400, data: [192, 0, 2, 10]),
                Self.record(type: 28, ttl: 120, data: [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]),
                Self.record(type: 5, ttl: 30, data: target),
                Self.record(type: 16, ttl: 90, data: [4] + Array("text".utf8)),
            ]))
        #expect(answer.code == 0)
        #expect(answer.services == [.init(priority: 10, weight: 60, port: 5060, target: "sip.example.com")])
        #expect(answer.ipv4 == [[192, 0, 2, 10]])
        #expect(answer.ipv6 == [[0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]])
        #expect(answer.secondsToLive == 30)
    }

    @Test("no such name, and a service that is decidedly not there")
    func negative() throws {
        let absent = try DNSAnswer(parsing: Self.message([], flags: 0x8183))
        #expect(absent.code == 3 && absent.secondsToLive == nil && absent.services.isEmpty)
        let refused = try DNSAnswer(parsing: Self.message([Self.record(type: 33, data: [0, 0, 0, 0, 0, 0, 0])]))
        #expect(refused.services == [.init(priority: 0, weight: 0, port: 0, target: "")])
    }

    @Test("a time to live of more than 2^31 is none (RFC 2181 §8); a name that no host has is skipped")
    func odd() throws {
        let answer = try DNSAnswer(
            parsing: Self.message([
                Self.record(type: 33, ttl: 0x8000_0000, data: [0, 0, 0, 0, 0, 9, 3, 0x61, 0x20, 0x62, 0]),
                Self.record(type: 1, data: [192, 0, 2, 1]),
            ]))
        #expect(answer.secondsToLive == 0)
        #expect(answer.services.isEmpty)
        #expect(answer.ipv4.count == 1)
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let message: [UInt8]
        let problem: DNSAnswer.Problem

        init(_ name: String, _ message: [UInt8], _ problem: DNSAnswer.Problem) {
            testDescription = name
            self.message = message
            self.problem = problem
        }
    }

    static let end = message([]).count

    @Test(
        "what is refused",
        arguments: [
            Wrong("nothing", [], .truncated),
            Wrong("a query", message([], flags: 0x0100), .notAResponse),
            Wrong("an update", message([], flags: 0xA800), .notAResponse),
            Wrong(
                "a pointer to itself", message([record([0xC0, UInt8(end)], type: 1, data: [1, 2, 3, 4])]), .badName),
            Wrong("a pointer ahead", message([record([0xC0, 0xFF], type: 1, data: [1, 2, 3, 4])]), .badName),
            Wrong(
                "labels that lead into their own pointer",
                message([record([1, 0x61, 0xC0, UInt8(end)], type: 1, data: [1, 2, 3, 4])]), .badName),
            Wrong("an undefined label kind", message([record([0x40, 0], type: 1, data: [1, 2, 3, 4])]), .badName),
            Wrong(
                "a name of more than 255 octets",
                message([
                    record(
                        (0..<5).flatMap { _ in [63] + [UInt8](repeating: 0x61, count: 63) } + [0], type: 1,
                        data: [1, 2, 3, 4])
                ]), .badName),
            Wrong("an address of three octets", message([record(type: 1, data: [1, 2, 3])]), .badData),
            Wrong("an IPv6 address of four", message([record(type: 28, data: [1, 2, 3, 4])]), .badData),
            Wrong("data beyond the message", message([record(type: 1, data: [1, 2, 3, 4], length: 400)]), .truncated),
            Wrong(
                "a service whose target is shorter than its data",
                message([record(type: 33, data: [0, 0, 0, 0, 0, 9, 0, 0])]), .badData),
        ])
    func refused(_ wrong: Wrong) {
        #expect(throws: wrong.problem) { try DNSAnswer(parsing: wrong.message) }
    }

    @Test("every prefix of a good answer, and every octet of it changed: no trap")
    func mutated() {
        let good = Self.message([
            Self.record(type: 33, data: [0, 1, 0, 2, 0x13, 0xC4, 1, 0x61, 0xC0, 26]),
            Self.record(type: 1, data: [192, 0, 2, 1]),
        ])
        for count in 0..<good.count {
            #expect(throws: DNSAnswer.Problem.truncated) { try DNSAnswer(parsing: Array(good.prefix(count))) }
        }
        for index in good.indices {
            for value in [0, 1, 0x3F, 0x40, 0x80, 0xC0, 0xFF] as [UInt8] {
                var bad = good
                bad[index] = value
                _ = try? DNSAnswer(parsing: bad)
            }
        }
    }
}
