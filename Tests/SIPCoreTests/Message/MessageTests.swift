import Testing

@testable import SIPCore

@Suite struct MessageTests {
    // MARK: Answers

    @Test func responseCopiesOctetForOctet() throws {
        let octets = wire(
            """
            INVITE sip:bob@example.com SIP/2.0
            v: SIP / 2.0 / UDP  host.example.com ; branch = z9hG4bK1 , SIP/2.0/UDP b.example.com;branch=z9hG4bK0
            Record-Route: <sip:p2.example.com;lr> ,<sip:p1.example.com;lr>
            f:   Alice <sip:alice@example.com> ; tag = 1
            t: Bob   <sip:bob@example.com>
            Via: SIP/2.0/UDP c.example.com;branch=z9hG4bK00
            i: a=b@example.com
            CSeq:  1   INVITE
            Record-Route: <sip:p0.example.com;lr>
            Timestamp: 54
            """)
        let invite = try #require(try Message(octets).request)
        let ringing = invite.response(180, toTag: "bob-1", headers: [HeaderField(.server, "x")])
        #expect(
            ringing.headers.map(\.description) == [
                "Via: SIP / 2.0 / UDP  host.example.com ; branch = z9hG4bK1 , SIP/2.0/UDP b.example.com;branch=z9hG4bK0",
                "Via: SIP/2.0/UDP c.example.com;branch=z9hG4bK00",
                "Record-Route: <sip:p2.example.com;lr> ,<sip:p1.example.com;lr>",
                "Record-Route: <sip:p0.example.com;lr>",
                "From: Alice <sip:alice@example.com> ; tag = 1", "To: Bob   <sip:bob@example.com>;tag=bob-1",
                "Call-ID: a=b@example.com", "CSeq: 1   INVITE", "Server: x",
            ])
        #expect(ringing.reason == "Ringing")

        let trying = invite.response(100)
        #expect(trying.headers[first: .recordRoute] == nil)
        #expect(trying.headers[first: .timestamp] == "54")
        #expect(trying.headers.to?.tag == nil)
        let busy = invite.response(486, reason: "No", toTag: "bob-1")
        #expect(busy.headers[first: .recordRoute] == nil)
        #expect(busy.headers.to?.tag == "bob-1")
        #expect(busy.reason == "No")
    }

    @Test func responseKeepsATagThatIsThere() throws {
        let bye = try #require(try Message(MetaExamples.bye).request)
        let ok = bye.response(200, toTag: "other")
        #expect(ok.headers[first: .to] == "<sip:+15550100001@sip.example.com>;tag=b2b-0001")
    }

    struct Stamp: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var via: String
        var stamped: String
    }

    /// RFC 3261 §18.2.1 and RFC 3581 §4, for a request from 192.0.2.77:4711.
    @Test(arguments: [
        Stamp(
            testDescription: "rport asked", via: "SIP/2.0/UDP 192.0.2.77;rport;branch=z9hG4bK1",
            stamped: "SIP/2.0/UDP 192.0.2.77;rport=4711;received=192.0.2.77;branch=z9hG4bK1"),
        Stamp(
            testDescription: "other address", via: "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1",
            stamped: "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;received=192.0.2.77"),
        Stamp(
            testDescription: "host name", via: "SIP/2.0/TLS sip.example.com;branch=z9hG4bK1",
            stamped: "SIP/2.0/TLS sip.example.com;branch=z9hG4bK1;received=192.0.2.77"),
        Stamp(
            testDescription: "same address, no rport", via: "SIP/2.0/UDP 192.0.2.77:9;branch=z9hG4bK1",
            stamped: "SIP/2.0/UDP 192.0.2.77:9;branch=z9hG4bK1"),
        Stamp(
            testDescription: "lies of the sender", via: "SIP/2.0/UDP 192.0.2.77;rport=1;received=203.0.113.9",
            stamped: "SIP/2.0/UDP 192.0.2.77;rport=4711;received=192.0.2.77"),
        Stamp(
            testDescription: "several values",
            via: "SIP/2.0/UDP 10.0.0.1;branch=a , SIP / 2.0 /UDP  b;received=10.0.0.9",
            stamped: "SIP/2.0/UDP 10.0.0.1;branch=a;received=192.0.2.77, SIP / 2.0 /UDP  b;received=10.0.0.9"),
    ])
    func topViaIsStamped(_ stamp: Stamp) {
        var request = Request(
            method: .options, uri: SIPURI(host: "example.com"),
            headers: [HeaderField(.to, "x"), HeaderField(.via, stamp.via), HeaderField(.via, "SIP/2.0/UDP z")])
        request.stampTopVia(received: "192.0.2.77", port: 4711)
        #expect(request.headers.all(.via) == [stamp.stamped, "SIP/2.0/UDP z"])
    }

    @Test func ipv6SourceIsStampedAsMetaWritesIt() throws {
        var request = try #require(try Message(MetaExamples.bye).request)
        request.stampTopVia(received: "2001:db8:6080::c", port: 443)
        let via = try #require(request.headers.topVia)
        #expect(via.received == "2001:db8:6080::c")
        #expect(via.rport == 443)
        #expect(via.description.hasPrefix("SIP/2.0/TLS [2001:db8:6080::c]:56843;rport=443;received=2001:db8:6080::c;"))
    }

    // MARK: Writing

    @Test func contentLengthIsCountedAndLast() {
        let request = Request(
            method: .info, uri: SIPURI(user: "a", host: "example.com"),
            headers: [HeaderField(.contentLength, "999"), HeaderField(.contentType, "text/plain")],
            body: Array("hé".utf8))
        #expect(
            request.encoded().text
                == "INFO sip:a@example.com SIP/2.0\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nhé")
    }

    /// Values come from one peer and go to another, so none may begin a line of its own.
    @Test func lineEndsInValuesAreDisarmed() throws {
        var message = try Message(MetaExamples.ack)
        message.headers.append("X-WA-Payload", "a\r\nEvil: yes\r\n\r\nbody\n")
        let text = message.encoded().text
        #expect(text.contains("X-WA-Payload: a  Evil: yes    body \r\n"))
        #expect(try Message(message.encoded()).headers["Evil"] == nil)
        let response = Response(status: 400, reason: "x\r\nEvil: yes")
        #expect(response.encoded().text.hasPrefix("SIP/2.0 400 x  Evil: yes\r\n"))
    }

    @Test func unknownCodesHaveAPhrase() {
        for status in 100...699 { #expect(!Response.defaultReason(status).isEmpty) }
        #expect(Response(status: 488).reason == "Not Acceptable Here")
    }

    // MARK: Folding

    @Test func foldsBecomeOneSpace() throws {
        let octets = wire(
            """
            OPTIONS sip:bob@example.com SIP/2.0
            Via: SIP/2.0/UDP a.example.com
            \t;branch=z9hG4bK1
            From: <sip:alice@example.com>;tag=1
            To: <sip:bob@example.com>
            Call-ID:
              folded@example.com
            CSeq: 1   \u{20}
               OPTIONS
            Subject: one   \t
             \t two
            \u{20}
             three
            """)
        let headers = try Message(octets).headers
        #expect(headers[first: .via] == "SIP/2.0/UDP a.example.com ;branch=z9hG4bK1")
        #expect(headers.callID == "folded@example.com")
        #expect(headers[first: .cseq] == "1 OPTIONS")
        #expect(headers[first: .subject] == "one two three")
    }

    // MARK: Bad input

    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var octets: [UInt8]
        var reason: MalformedMessage.Reason
        var status: Int
        var isAnswerable = true

        init(
            _ name: String, _ octets: [UInt8], _ reason: MalformedMessage.Reason, _ status: Int = 400,
            isAnswerable: Bool = true
        ) {
            testDescription = name
            self.octets = octets
            self.reason = reason
            self.status = status
            self.isAnswerable = isAnswerable
        }
    }

    static let small = MessageLimits(maxHead: 600, maxBody: 100, maxHeaderFields: 10, maxURILength: 60)

    static let bad: [Bad] = [
        Bad("nothing", [], .notSIP, isAnswerable: false),
        Bad("line ends only", Array("\r\n\r\n".utf8), .notSIP, isAnswerable: false),
        Bad("HTTP", Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), .notSIP, isAnswerable: false),
        Bad(
            "TLS hello", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x0D, 0x0A, 0x0D, 0x0A], .notSIP,
            isAnswerable: false),
        Bad("garbage before", Array("garbage\r\n".utf8) + Torture.request(), .notSIP, isAnswerable: false),
        Bad("garbage glued before", [0, 0xFF] + Torture.request(), .badStartLine, isAnswerable: false),
        Bad("cut in the start line", Array("OPTIONS sip:bo".utf8), .truncatedHead, isAnswerable: false),
        Bad("cut in the fields", Torture.request().dropLast(40), .truncatedHead, isAnswerable: false),
        Bad("cut before the blank line", Torture.request().dropLast(2), .truncatedHead),
        Bad(
            "cut in the body", Torture.options("Content-Length: 9", body: "123"),
            .truncatedBody(expected: 9, received: 3)),
        Bad(
            "head too large", Torture.options("X: " + String(repeating: "x", count: 600)), .headTooLarge(limit: 600),
            513),
        Bad(
            "head too large and endless",
            Array("OPTIONS sip:b@example.com SIP/2.0\r\nX: ".utf8)
                + [UInt8](repeating: 120, count: 700), .headTooLarge(limit: 600), 513, isAnswerable: false),
        Bad(
            "body too large", Torture.options(body: String(repeating: "x", count: 101)), .bodyTooLarge(limit: 100), 413),
        Bad("body said to be huge", Torture.options("Content-Length: 2147483647"), .bodyTooLarge(limit: 100), 413),
        Bad(
            "length beyond any number", Torture.options("Content-Length: 99999999999999999999"),
            .malformed(.contentLength)),
        Bad("length with a sign", Torture.options("Content-Length: +0"), .malformed(.contentLength)),
        Bad("length of letters", Torture.options("Content-Length: ten"), .malformed(.contentLength)),
        Bad("empty length", Torture.options("Content-Length:"), .malformed(.contentLength)),
        Bad(
            "two lengths that differ", Torture.options("l: 0", "Content-Length: 1", body: "x"),
            .repeated(.contentLength)),
        Bad(
            "too many fields", Torture.options("A: 1", "B: 2", "C: 3", "D: 4", "E: 5", "F: 6"),
            .tooManyHeaderFields(limit: 10), 513),
        Bad(
            "URI too long",
            Torture.request("OPTIONS sip:" + String(repeating: "u", count: 60) + "@example.com SIP/2.0"),
            .uriTooLong(limit: 60), 414),
        Bad("field not UTF-8", replacing(Torture.options("X: ?"), "?", with: [0xC3, 0x28]), .notUTF8),
        Bad(
            "URI not UTF-8", replacing(Torture.request("OPTIONS sip:?@example.com SIP/2.0"), "?", with: [0xFF]),
            .badRequestURI(.badCharacter(offset: 0))),
        Bad("line without a colon", Torture.options("no colon here"), .badHeaderLine),
        Bad("name that is no token", Torture.options("Bad Name: x"), .badHeaderLine),
        Bad("empty name", Torture.options(": x"), .badHeaderLine),
        Bad("CR in a value", replacing(Torture.options("X: ?"), "?", with: [0x0D]), .badHeaderLine),
        Bad("LF in a value", replacing(Torture.options("X: ?"), "?", with: [0x0A]), .badHeaderLine),
        Bad(
            "method that is no token", Torture.request("OPT:IONS sip:b@example.com SIP/2.0"), .badStartLine,
            isAnswerable: false),
        Bad("no CSeq", Torture.request(cseq: ""), .missing(.cseq), isAnswerable: false),
        Bad("no Via", Torture.request(via: ""), .missing(.via), isAnswerable: false),
        Bad("bad CSeq", Torture.request(cseq: "CSeq: one OPTIONS"), .malformed(.cseq)),
        Bad("Call-ID with a space", Torture.request(callID: "Call-ID: a b"), .malformed(.callID)),
        Bad("empty Call-ID", Torture.request(callID: "Call-ID:"), .malformed(.callID)),
        Bad("bad Route", Torture.options("Route: nowhere"), .malformed(.route)),
        Bad("bad Record-Route", Torture.options("Record-Route: <sip:a;lr>, <"), .malformed(.recordRoute)),
        Bad(
            "ACK is never answered", Torture.request("ACK sip:b@example.com SIP/2.0", cseq: "CSeq: 1 BYE"),
            .methodMismatch, isAnswerable: false),
        Bad(
            "response with a bad To", replacing(Torture.response("SIP/2.0 200 OK"), "to-1", with: Array("\"".utf8)),
            .malformed(.to), isAnswerable: false),
        Bad(
            "response of another version", Torture.response("SIP/3.0 200 OK"), .unsupportedVersion, 505,
            isAnswerable: false),
        Bad("response with two digits", Torture.response("SIP/2.0 20 OK"), .badStatusCode, isAnswerable: false),
    ]

    private static func replacing(_ octets: [UInt8], _ text: String, with other: [UInt8]) -> [UInt8] {
        guard let range = octets.firstRange(of: Array(text.utf8)) else { return [] }
        var octets = octets
        octets.replaceSubrange(range, with: other)
        return octets
    }

    @Test(arguments: bad)
    func badInputIsRefusedWithTheReason(_ bad: Bad) {
        do throws(MalformedMessage) {
            let message = try Message(bad.octets, limits: Self.small)
            Issue.record("accepted: \(message)")
        } catch {
            #expect(error.reason == bad.reason)
            #expect(error.status == bad.status)
            #expect((error.request != nil) == bad.isAnswerable)
            #expect(!error.description.isEmpty)
        }
    }

    /// The answer to a request that was not understood carries what its sender matches on.
    @Test func malformedRequestIsAnswered() throws {
        let octets = Torture.request("INVITE sip:user@example.com; lr SIP/2.0")
        let error = try #require(throws: MalformedMessage.self) { try Message(octets) }
        let answer = try #require(error.request).response(error.status, toTag: "t")
        let read = try #require(try Message(answer.encoded()).response)
        #expect(read.status == 400)
        #expect(read.headers.topVia?.branch == "z9hG4bKplain")
        #expect(read.headers.callID == "plain@192.0.2.1")
    }

    @Test func faultIsLocated() throws {
        let octets = Torture.options("Subject: fine", "broken")
        let error = try #require(throws: MalformedMessage.self) { try Message(octets) }
        #expect(String(decoding: octets[error.offset...], as: UTF8.self).hasPrefix("broken"))
    }

    // MARK: Leniency that Meta needs

    @Test func equalRepetitionsAreOne() throws {
        let octets = Torture.options(
            "Content-Type: text/plain", "Content-Length: 2", "Content-Type: text/plain", "Content-Length:   2",
            "Max-Forwards: 70", "Max-Forwards: 70", body: "hi")
        let message = try Message(octets)
        #expect(message.headers.all(.contentType) == ["text/plain"])
        #expect(message.headers.all(.maxForwards) == ["70"])
        #expect(message.body == Array("hi".utf8))
    }

    @Test func datagramsMayComeWithoutLengthOrWithMore() throws {
        let head =
            "OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n"
            + "Call-ID: x\r\nCSeq: 1 OPTIONS\r\n"
        #expect(try Message(Array((head + "\r\nrest").utf8)).body == Array("rest".utf8))
        #expect(try Message(Array((head + "Content-Length: 2\r\n\r\nrest").utf8)).body == Array("re".utf8))
        #expect(try Message(Array(("\r\n\r\n" + head + "\r\n").utf8)).body.isEmpty)
    }
}

extension Headers {
    fileprivate subscript(name: String) -> String? { HeaderName(name).flatMap { self[first: $0] } }
}
