import Testing

@testable import SIPCore

/// Typed header values and the collection that holds them.
@Suite struct FieldTests {
    /// A literal would make a `HeaderName` or trap; this takes any text.
    private func name(_ text: String) -> HeaderName? { HeaderName(text) }

    @Test func headerNamesIgnoreCaseAndLength() {
        #expect(name("v") == .via)
        #expect(name("V") == .via)
        #expect(name("cOnTeNt-LeNgTh") == .contentLength)
        #expect(name("l") == .contentLength)
        #expect(name("X-Wa-Meta-Wacid") == name("x-wa-meta-wacid"))
        #expect(name("X-Wa-Meta-Wacid")?.hashValue == name("x-wa-meta-wacid")?.hashValue)
        #expect(name("x-wa-meta-wacid")?.canonical == "x-wa-meta-wacid")
        #expect(name("call-id")?.canonical == "Call-ID")
        #expect(name("q") != .via)
        #expect(name("") == nil)
        #expect(name("a b") == nil)
        #expect(name("a:b") == nil)
        #expect(name("имя") == nil)
    }

    @Test func compactFormsMeanTheirLongNames() {
        let forms: [(String, HeaderName)] = [
            ("a", .acceptContact), ("b", .referredBy), ("c", .contentType), ("d", .requestDisposition),
            ("e", .contentEncoding), ("f", .from), ("i", .callID), ("j", .rejectContact), ("k", .supported),
            ("l", .contentLength), ("m", .contact), ("n", .identityInfo), ("o", .event), ("r", .referTo),
            ("s", .subject), ("t", .to), ("u", .allowEvents), ("v", .via), ("x", .sessionExpires), ("y", .identity),
        ]
        for (compact, name) in forms { #expect(HeaderName(compact) == name) }
    }

    struct Value<Expected: Sendable>: Sendable, CustomTestStringConvertible {
        var text: String
        var expected: Expected
        var testDescription: String { text.isEmpty ? "empty" : text }

        init(_ text: String, _ expected: Expected) {
            self.text = text
            self.expected = expected
        }
    }

    @Test(arguments: [
        Value("<sip:a@example.com>", "<sip:a@example.com>"),
        Value("sip:a@example.com", "<sip:a@example.com>"),
        Value("sip:a@example.com;tag=1", "<sip:a@example.com>;tag=1"),
        Value("  Alice   <sip:a@example.com> ; tag = 1 ;x", "\"Alice\" <sip:a@example.com>;tag=1;x"),
        Value("Алиса Б. <sip:a@example.com>", "\"Алиса Б.\" <sip:a@example.com>"),
        Value("\"\" <sip:a@example.com>", "<sip:a@example.com>"),
        Value("\"A \\\"B\\\\\" <sip:a@example.com>", "\"A \\\"B\\\\\" <sip:a@example.com>"),
        Value("\"<sip:evil@example.org>\" <sip:a@example.com>", "\"<sip:evil@example.org>\" <sip:a@example.com>"),
        Value("<sip:a@example.com;transport=tls;ob>;isfocus", "<sip:a@example.com;transport=tls;ob>;isfocus"),
        Value(
            "<sip:a@example.com>;+sip.instance=\"<urn:uuid:0>\";reg-id=1",
            "<sip:a@example.com>;+sip.instance=\"<urn:uuid:0>\";reg-id=1"),
        Value("<tel:+15550100001>", "<tel:+15550100001>"),
        Value("<sip:a@example.com?Replaces=x>", "<sip:a@example.com?Replaces=x>"),
    ])
    func nameAddrReads(_ value: Value<String>) throws {
        let read = try NameAddr(parsing: value.text.utf8Span.span)
        #expect(read.description == value.expected)
        #expect(NameAddr(read.description) == read)
    }

    @Test(arguments: [
        Value("", NameAddrError.uri(.missingScheme)),
        Value("Alice", .uri(.missingScheme)),
        Value("\"Alice <sip:a@example.com>", .unterminatedQuote),
        Value("\"Alice\\", .unterminatedQuote),
        Value("\"Alice\" sip:a@example.com", .badDisplayName),
        Value("Bell, A <sip:a@example.com>", .badDisplayName),
        Value("sip:x@example.org;y <sip:a@example.com>", .badDisplayName),
        Value("<sip:a@example.com", .unterminatedAngle),
        Value("<>", .uri(.missingScheme)),
        Value("< sip:a@example.com>", .uri(.missingScheme)),
        Value("<sip:a@example.com>>", .badParameters),
        Value("<sip:a@example.com>tag=1", .badParameters),
        Value("<sip:a@example.com>;", .badParameters),
        Value("<sip:a@example.com>;tag=\"1", .badParameters),
        Value("<sip:a@example.com>;tag=1 2", .badParameters),
        Value("sip:a@example.com?x=y", .needsAngleBrackets),
        Value("sip:a,b@example.com", .needsAngleBrackets),
        Value("sip:a@example.com tag", .badParameters),
    ])
    func nameAddrRefuses(_ value: Value<NameAddrError>) {
        #expect(throws: value.expected) { try NameAddr(parsing: value.text.utf8Span.span) }
    }

    @Test func tagIsSetAndRemoved() throws {
        var party = try #require(NameAddr("<sip:a@example.com>;x=1"))
        party.tag = "t-1"
        #expect(party.description == "<sip:a@example.com>;x=1;tag=t-1")
        party.tag = nil
        #expect(party.description == "<sip:a@example.com>;x=1")
    }

    @Test(arguments: [
        Value("SIP/2.0/TLS 198.51.100.20:5061;rport;branch=z9hG4bKPj0;alias", "198.51.100.20:5061"),
        Value("SIP/2.0/TLS [2001:db8:6080::b]:63057;rport=63057;received=2001:db8:6080::b", "[2001:db8:6080::b]:63057"),
        Value("SIP/2.0/UDP host_1.example.com", "host_1.example.com"),
        Value("sip / 2.0 / udp  host.example.com : 5060 ; branch = z9hG4bK1", "host.example.com:5060"),
    ])
    func viaReads(_ value: Value<String>) throws {
        let via = try #require(Via(value.text))
        #expect(via.sentBy == value.expected)
        #expect(Via(via.description) == via)
    }

    @Test(arguments: [
        "", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 host", "SIP/3.0/UDP host", "HTTP/2.0/UDP host", "SIP/2.0/UDP:host",
        "SIP/2.0/UDP host:0", "SIP/2.0/UDP host:", "SIP/2.0/UDP host:70000", "SIP/2.0/UDP host;;x",
        "SIP/2.0/UDP host x",
        "SIP/2.0/UDP 2001:db8::1", "SIP/2.0/UDP [2001:db8::1", "SIP/2.0/UDP host;branch=\"x",
    ])
    func viaRefuses(_ text: String) {
        #expect(Via(text) == nil)
    }

    @Test func cseq() {
        #expect(CSeq("4711 INVITE") == CSeq(number: 4711, method: .invite))
        #expect(CSeq("0 invite") == CSeq(number: 0, method: "invite"))
        #expect(CSeq("2147483647\tACK ")?.description == "2147483647 ACK")
        for bad in ["", "1", "INVITE", "1INVITE", "1 ", "-1 INVITE", "+1 INVITE", "2147483648 INVITE", "1 IN VITE"] {
            #expect(CSeq(bad) == nil, "\(bad)")
        }
    }

    @Test func parametersKeepOrderAndSpelling() {
        var parameters = Parameters([.init(name: "Rport"), .init(name: "branch", value: "b"), .init(name: "alias")])
        #expect(parameters["rport"] == "")
        #expect(parameters["absent"] == nil)
        #expect(parameters.contains("ALIAS"))
        parameters["RPORT"] = "5060"
        #expect(parameters.description == ";RPORT=5060;branch=b;alias")
        parameters["branch"] = nil
        parameters["ob"] = ""
        #expect(parameters.description == ";RPORT=5060;alias;ob")
    }

    @Test func headersSplitOnlyWhereValuesEnd() {
        let headers: Headers = [
            HeaderField(
                .recordRoute, "<sip:a,b@example.com;lr>,<sip:b.example.com;lr> , \"x, \\\"y\" <sip:c.example.com>"),
            HeaderField(.via, "SIP/2.0/UDP a"),
            HeaderField(.recordRoute, " ,, <sip:d.example.com>;q=\"1,2\","),
        ]
        #expect(
            headers.recordRoutes == [
                "<sip:a,b@example.com;lr>", "<sip:b.example.com;lr>", "\"x, \\\"y\" <sip:c.example.com>",
                "<sip:d.example.com>;q=\"1,2\"",
            ])
        #expect(headers.all(.recordRoute).count == 2)
        #expect(headers.elements(.route).isEmpty)
    }

    @Test func headersAreEditedInPlace() {
        var headers: Headers = [
            HeaderField(.via, "1"), HeaderField(.to, "a"), HeaderField("X-A", "x"), HeaderField(.to, "b"),
        ]
        headers.set(.to, "c")
        headers.set("x-b", "y")
        headers.prepend(.via, "0")
        headers.append(.via, "2")
        headers.remove("x-a")
        #expect(headers.map(\.description) == ["Via: 0", "Via: 1", "To: c", "x-b: y", "Via: 2"])
        #expect(headers[first: .via] == "0")
        #expect(headers[first: .from] == nil)
    }

    @Test(
        arguments: [
            Value("application/sdp", "application/sdp"), Value("Application / SDP;charset=utf-8", "application/sdp"),
            Value("multipart/mixed; boundary=x", "multipart/mixed"), Value("sdp", nil), Value("application/", nil),
            Value("", nil),
        ] as [Value<String?>])
    func contentType(_ value: Value<String?>) {
        #expect(Headers([HeaderField(.contentType, value.text)]).contentType == value.expected)
    }

    @Test func missingFieldsAreNil() {
        let headers = Headers()
        #expect(headers.topVia == nil)
        #expect(headers.from == nil)
        #expect(headers.to == nil)
        #expect(headers.callID == nil)
        #expect(headers.cseq == nil)
        #expect(headers.maxForwards == nil)
        #expect(headers.contact == nil)
        #expect(headers.contentType == nil)
        #expect(headers.vias.isEmpty)
        #expect(headers.routes.isEmpty)
        #expect(Headers([HeaderField(.contact, "*")]).contact == nil)
    }

    @Test func quotedStrings() {
        #expect(QuotedString.quote("a \"b\" \\ c\r\nX: y") == "\"a \\\"b\\\" \\\\ c  X: y\"")
        #expect(QuotedString.unquote(QuotedString.quote("a \"b\" \\")) == "a \"b\" \\")
        #expect(QuotedString.unquote("plain") == "plain")
        #expect(QuotedString.unquote("\"") == "\"")
    }
}
