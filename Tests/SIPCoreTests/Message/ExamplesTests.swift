import Testing

@testable import SIPCore

/// meta-calling §7 and §12, and the flows of RFC 3261 §24, on the wire.
@Suite struct ExamplesTests {
    @Test func inviteReadsInMetasForm() throws {
        let invite = try #require(try Message(MetaExamples.invite).request)
        #expect(invite.method == .invite)
        #expect(invite.uri.userWithoutParameters == "+15550100001")
        #expect(invite.uri.host == "sip.example.com")
        #expect(invite.uri.isTLS)
        #expect(invite.headers.callID == "outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==")
        #expect(invite.headers.cseq == CSeq(number: 9989, method: .invite))
        #expect(invite.headers.maxForwards == 69)
        #expect(invite.headers.from?.displayName == "15550100199")
        #expect(invite.headers.from?.tag == "11111111-2222-4333-8444-555555555555")
        #expect(invite.headers.to?.tag == nil)
        #expect(invite.headers.contact?.uri.description == "sip:+15550100199@wa.meta.vc;transport=tls;ob")
        #expect(invite.headers.contact?.parameters.contains("isfocus") == true)
        #expect(invite.headers[first: "X-WA-Meta-WACID"] == "wacid.RVhBTVBMRV9OT1RfUkVBTA==")
        #expect(invite.headers.contentType == "application/sdp")
        #expect(invite.headers.vias.map(\.host) == ["198.51.100.20", "2001:db8:6080::a", "2001:db8:6080::b"])
        #expect(invite.headers.vias.last?.received == "2001:db8:6080::b")
        #expect(invite.headers.vias.last?.rport == 63057)
        #expect(
            invite.headers.recordRoutes == [
                "<sip:wa.meta.vc;transport=tls;lr>",
                "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>",
            ])
    }

    @Test func challengeToTheInviteIsTheSample() throws {
        var invite = try #require(try Message(MetaExamples.invite).request)
        invite.stampTopVia(received: "203.0.113.115", port: 62080)
        let challenge = HeaderField(
            .proxyAuthenticate,
            "Digest realm=\"sip.example.com\",nonce=\"n0nce-example-0001\",opaque=\"0paque01\",algorithm=MD5,qop=\"auth\""
        )
        let response = invite.response(407, toTag: "b2b-407", headers: [challenge])
        #expect(response.encoded().text == MetaExamples.challenge.text)
    }

    /// Only Content-Length may move and lose its extra spaces.
    @Test(arguments: MetaExamples.all + RFC3261Examples.all)
    func survivesDecodingAndEncoding(_ example: Example) throws {
        let message = try Message(example.octets)
        let again = message.encoded()
        #expect(try Message(again) == message)
        func lines(_ text: String) -> [Substring] {
            text.split(separator: "\r\n").filter { !$0.hasPrefix("Content-Length") }
        }
        #expect(lines(example.octets.text) == lines(again.text))
    }

    @Test func rfc3261FlowReads() throws {
        let invite = try #require(try Message(RFC3261Examples.invite).request)
        #expect(invite.uri == SIPURI(user: "bob", host: "192.0.2.4"))
        #expect(invite.headers.vias.map(\.received) == [nil, "192.0.2.2", "192.0.2.1"])
        #expect(invite.headers.from?.displayName == "Alice")
        #expect(
            invite.headers.recordRoutes == [
                "<sip:server10.biloxi.example.com;lr>", "<sip:bigbox3.site3.atlanta.example.com;lr>",
            ])
        #expect(invite.body.text.hasSuffix("m=audio 49172 RTP/AVP 0\r\n"))

        let ringing = try #require(try Message(RFC3261Examples.ringing).response)
        #expect(ringing.isProvisional)
        #expect(ringing.headers.to?.tag == "a6c85cf")
        #expect(ringing.headers.cseq == CSeq(number: 314_159, method: .invite))

        let ack = try #require(try Message(RFC3261Examples.ack).request)
        #expect(
            ack.headers.routes.map(\.uri.host) == ["bigbox3.site3.atlanta.example.com", "server10.biloxi.example.com"])
        #expect(ack.headers.routes.allSatisfy { $0.uri.parameters.contains("lr") })

        let registered = try #require(try Message(RFC3261Examples.registered).response)
        #expect(registered.headers.contact?.parameters["expires"] == "7200")
        let contacts = registered.headers.elements(.contact).compactMap { NameAddr($0) }
        #expect(contacts.last?.displayName == "Bob, home")
        #expect(contacts.last?.uri == SIPURI(scheme: .sips, user: "bob", host: "2001:db8::4"))

        let capabilities = try #require(try Message(RFC3261Examples.capabilities).response)
        #expect(capabilities.headers.contact?.uri.scheme == .other("mailto"))
        #expect(capabilities.headers.elements(.allow) == ["INVITE", "ACK", "CANCEL", "OPTIONS", "BYE"])
    }
}
