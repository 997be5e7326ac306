import Testing

@testable import SIPCore

@Suite struct SIPURITests {
    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var expected: SIPURI
        var testDescription: String { text }

        init(_ text: String, _ expected: SIPURI) {
            self.text = text
            self.expected = expected
        }
    }

    private static func uri(
        _ scheme: SIPURI.Scheme = .sip, _ user: String? = nil, password: String? = nil, _ host: String,
        _ port: UInt16? = nil, _ parameters: [(String, String?)] = [], headers: String? = nil
    ) -> SIPURI {
        var uri = SIPURI(
            scheme: scheme, user: user, host: host, port: port,
            parameters: Parameters(parameters.map { Parameters.Parameter(name: $0.0, value: $0.1) }))
        uri.password = password
        uri.headers = headers
        return uri
    }

    /// The forms of RFC 3261 §19.1.3 and those of meta-calling §7.
    static let readable = [
        Case("sip:alice@example.com", uri(.sip, "alice", "example.com")),
        Case(
            "sip:alice:secretword@example.com;transport=tcp",
            uri(.sip, "alice", password: "secretword", "example.com", nil, [("transport", "tcp")])),
        Case(
            "sips:alice@example.com?subject=project%20x&priority=urgent",
            uri(.sips, "alice", "example.com", headers: "subject=project%20x&priority=urgent")),
        Case(
            "sip:+15550100001:1234@gateway.example.com;user=phone",
            uri(.sip, "+15550100001", password: "1234", "gateway.example.com", nil, [("user", "phone")])),
        Case("sips:1212@gateway.example.com", uri(.sips, "1212", "gateway.example.com")),
        Case("sip:alice@192.0.2.4", uri(.sip, "alice", "192.0.2.4")),
        Case(
            "sip:example.com;method=REGISTER?to=alice%40example.com",
            uri(.sip, nil, "example.com", nil, [("method", "REGISTER")], headers: "to=alice%40example.com")),
        Case("sip:alice;day=tuesday@example.com", uri(.sip, "alice;day=tuesday", "example.com")),
        Case(
            "sip:+15550100199@wa.meta.vc;transport=tls;ob;X-FB-Sip-Smc-Tier=collaboration.sip_gateway.sip.prod",
            uri(
                .sip, "+15550100199", "wa.meta.vc", nil,
                [("transport", "tls"), ("ob", nil), ("X-FB-Sip-Smc-Tier", "collaboration.sip_gateway.sip.prod")])),
        Case("sip:US.13491208655302741918@wa.meta.vc", uri(.sip, "US.13491208655302741918", "wa.meta.vc")),
        Case(
            "sip:wa.meta.vc;transport=tls;lr", uri(.sip, nil, "wa.meta.vc", nil, [("transport", "tls"), ("lr", nil)])),
        Case("SIP:Alice@EXAMPLE.com:5061", uri(.sip, "Alice", "example.com", 5061)),
        Case("sip:[2001:DB8::1]:5060;a=", uri(.sip, nil, "2001:db8::1", 5060, [("a", "")])),
        Case("sip:*21#@pbx_1.example.com", uri(.sip, "*21#", "pbx_1.example.com")),
        Case("sip:иван@example.com", uri(.sip, "иван", "example.com")),
        Case("tel:+15550100001;phone-context=x", uri(.other("tel"), "+15550100001;phone-context=x", "")),
    ]

    @Test(arguments: readable)
    func readsAndGivesBackTheOctets(_ row: Case) throws {
        let uri = try SIPURI(parsing: row.text.utf8Span.span)
        #expect(uri == row.expected)
        #expect(uri.hashValue == row.expected.hashValue)
        #expect(uri.description == row.text)
    }

    @Test(arguments: readable)
    func writesWhatItReads(_ row: Case) {
        #expect(SIPURI(row.expected.description) == row.expected)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var text: String
        var error: URIError
        var testDescription: String { text.isEmpty ? "empty" : text }
    }

    @Test(arguments: [
        Bad(text: "", error: .missingScheme),
        Bad(text: "alice@example.com", error: .missingScheme),
        Bad(text: ":alice", error: .missingScheme),
        Bad(text: "1sip:alice", error: .missingScheme),
        Bad(text: "sip:", error: .badHost),
        Bad(text: "sip:alice@", error: .badHost),
        Bad(text: "sip:@example.com", error: .badUser),
        Bad(text: "sip::pw@example.com", error: .badUser),
        Bad(text: "sip:a@b@example.com", error: .badHost),
        Bad(text: "sip:alice@exa mple.com", error: .badCharacter(offset: 13)),
        Bad(text: "sip:alice@example.com>", error: .badCharacter(offset: 21)),
        Bad(text: "sip:alice@example.com\r\nX: y", error: .badCharacter(offset: 21)),
        Bad(text: "sip:\"alice\"@example.com", error: .badCharacter(offset: 4)),
        Bad(text: "sip:alice%4@example.com", error: .badEscape),
        Bad(text: "sip:alice@example.com;x=%", error: .badEscape),
        Bad(text: "sip:alice@example.com:", error: .badPort),
        Bad(text: "sip:alice@example.com:0", error: .badPort),
        Bad(text: "sip:alice@example.com:65536", error: .badPort),
        Bad(text: "sip:alice@example.com:99999999999999999999", error: .badPort),
        Bad(text: "sip:alice@example.com:50x", error: .badHost),
        Bad(text: "sip:alice@example.com: 5060", error: .badCharacter(offset: 22)),
        Bad(text: "sip:alice@example.com;", error: .badParameters),
        Bad(text: "sip:alice@example.com;;lr", error: .badParameters),
        Bad(text: "sip:alice@example.com;=x", error: .badParameters),
        Bad(text: "sip:example.com" + String(repeating: ";x", count: 65), error: .badParameters),
        Bad(text: "sip:[2001:db8::1", error: .badHost),
        Bad(text: "sip:[]", error: .badHost),
        Bad(text: "sip:[fe80::1%25eth0]", error: .badHost),
        Bad(text: "tel:", error: .badUser),
    ])
    func refuses(_ bad: Bad) {
        #expect(throws: bad.error) { try SIPURI(parsing: bad.text.utf8Span.span) }
    }

    @Test func refusesWhatIsNotUTF8() {
        let octets = Array("sip:".utf8) + [0xC3, 0x28] + Array("@example.com".utf8)
        #expect(throws: URIError.badCharacter(offset: 0)) { try SIPURI(parsing: octets.span) }
    }

    @Test func changedPartsShow() throws {
        var uri = try #require(SIPURI("SIP:+15550100001@Example.COM;transport=tls;x=1"))
        #expect(uri.isTLS)
        uri.host = "2001:db8::7"
        uri.port = 5061
        uri.parameters["X"] = nil
        uri.parameters["ob"] = ""
        #expect(uri.description == "sip:+15550100001@[2001:db8::7]:5061;transport=tls;ob")
        uri.user = nil
        uri.scheme = .sips
        uri.parameters["transport"] = "tcp"
        #expect(uri.description == "sips:[2001:db8::7]:5061;transport=tcp;ob")
        #expect(uri.isTLS)
    }

    struct Pair: Sendable, CustomTestStringConvertible {
        var a: String
        var b: String
        var equivalent: Bool
        var testDescription: String { "\(a) \(equivalent ? "=" : "≠") \(b)" }
    }

    /// The rules of RFC 3261 §19.1.4, one a row.
    @Test(arguments: [
        Pair(a: "sip:%61lice@example.com;transport=TCP", b: "sip:alice@EXAMPLE.com;Transport=tcp", equivalent: true),
        Pair(a: "sip:carol@example.com", b: "sip:carol@example.com;newparam=5", equivalent: true),
        Pair(
            a: "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            b: "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", equivalent: true),
        Pair(
            a: "sip:alice@example.com?subject=x&priority=urgent", b: "sip:alice@example.com?priority=urgent&subject=x",
            equivalent: true),
        Pair(a: "SIP:ALICE@example.com", b: "sip:alice@example.com", equivalent: false),
        Pair(a: "sip:bob@example.com", b: "sip:bob@example.com:5060", equivalent: false),
        Pair(a: "sip:bob@example.com", b: "sip:bob@example.com;transport=udp", equivalent: false),
        Pair(a: "sip:bob@example.com;user=phone", b: "sip:bob@example.com", equivalent: false),
        Pair(a: "sip:bob@example.com;security=on", b: "sip:bob@example.com;security=off", equivalent: false),
        Pair(a: "sip:carol@example.com", b: "sip:carol@example.com?Subject=next", equivalent: false),
        Pair(a: "sip:carol@example.com", b: "sips:carol@example.com", equivalent: false),
        Pair(a: "sip:carol@example.com", b: "sip:carol@192.0.2.4", equivalent: false),
    ])
    func equivalence(_ pair: Pair) throws {
        let (a, b) = (try #require(SIPURI(pair.a)), try #require(SIPURI(pair.b)))
        #expect(a.isEquivalent(to: b) == pair.equivalent)
        #expect(b.isEquivalent(to: a) == pair.equivalent)
    }

    @Test func escapesUsers() {
        #expect(SIPURI.escaped(user: "+15550100001") == "+15550100001")
        #expect(SIPURI.escaped(user: "a b@c;d>\r\n") == "a%20b%40c%3Bd%3E%0D%0A")
        #expect(SIPURI.unescaped(SIPURI.escaped(user: "Жук & Co.")) == "Жук & Co.")
        #expect(SIPURI.unescaped("100%") == "100%")
    }

    struct Address: Sendable, CustomTestStringConvertible {
        var text: String
        var isIPv6: Bool
        var testDescription: String { text }
    }

    @Test(
        arguments: [
            "::", "::1", "1::", "2001:db8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
            "::ffff:192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "ABCD:EF01::9",
        ].map { Address(text: $0, isIPv6: true) }
            + [
                "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "1::2::3", "12345::",
                ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "::192.0.2.256", "::192.0.2", "::192.0.2.1.1", "192.0.2.1",
                "1:2:3:4:5:6:7:192.0.2.1", "::192.0.2.1:1", "g::", "2001:db8:::1", "::0192.0.2.", "::.1.2.3",
            ].map { Address(text: $0, isIPv6: false) })
    func ipv6(_ address: Address) {
        let octets = address.text.utf8Span.span
        #expect(Host.isIPv6(octets, 0..<octets.count) == address.isIPv6)
    }
}
