import Testing

@testable import SIPCore

/// meta-calling §7 and §12 on the wire.
@Suite struct MetaExamplesTests {
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
    @Test(arguments: MetaExamples.all)
    func survivesDecodingAndEncoding(_ example: Example) throws {
        let message = try Message(example.octets)
        let again = message.encoded()
        #expect(try Message(again) == message)
        func lines(_ text: String) -> [Substring] {
            text.split(separator: "\r\n").filter { !$0.hasPrefix("Content-Length") }
        }
        #expect(lines(example.octets.text) == lines(again.text))
    }
}
