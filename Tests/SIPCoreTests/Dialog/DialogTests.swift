import Testing

@testable import SIPCore

@Suite struct DialogTests {
    static let party = LocalParty(
        contact: "<sip:+15550100001@sip.example.com:5061;transport=tls>", viaSentBy: "sip.example.com:5061",
        transport: "TLS", userAgent: "")

    private func request(_ octets: [UInt8]) throws -> Request { try #require(Message(octets).request) }
    private func response(_ octets: [UInt8]) throws -> Response { try #require(Message(octets).response) }

    /// meta-calling §12.1 (8b).
    @Test func ourBYEToMetaIsTheReferences() throws {
        var dialog = Dialog.uas(invite: try request(MetaExamples.authorizedInvite), localTag: "b2b-0001")
        #expect(
            dialog.id
                == DialogID(
                    callID: "outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==", localTag: "b2b-0001",
                    remoteTag: "11111111-2222-4333-8444-555555555555"))
        #expect(dialog.remoteTarget == "sip:+15550100199@wa.meta.vc;transport=tls;ob")
        let bye = dialog.request(
            .bye, branch: "z9hG4bK-b2b-77", party: Self.party,
            headers: [HeaderField(.reason, "Q.850;cause=16;text=\"Normal call clearing\"")])
        #expect(
            bye.encoded().text == """
                BYE sip:+15550100199@wa.meta.vc;transport=tls;ob SIP/2.0\r
                Via: SIP/2.0/TLS sip.example.com:5061;rport;branch=z9hG4bK-b2b-77;alias\r
                Route: <sip:wa.meta.vc;transport=tls;lr>\r
                Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\r
                Max-Forwards: 70\r
                From: <sip:+15550100001@sip.example.com>;tag=b2b-0001\r
                To: "15550100199" <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-555555555555\r
                Call-ID: outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==\r
                CSeq: 1 BYE\r
                Reason: Q.850;cause=16;text="Normal call clearing"\r
                Content-Length: 0\r
                \r

                """)
        #expect(bye.nextHop.host == "wa.meta.vc" && bye.nextHop.isTLS)
    }

    /// meta-calling §12.2 (7): the Record-Route of the 200 reversed, the Contact's odd parameter kept.
    @Test func ourACKToMetaIsTheReferences() throws {
        let ok = try response(MetaExamples.metaAnswer)
        let invite = Request(
            method: .invite, uri: try #require(SIPURI("sip:+15550100199@wa.meta.vc;transport=tls")),
            headers: [
                HeaderField(.from, "<sip:+15550100001@sip.example.com>;tag=bic-0001"),
                HeaderField(.to, "<sip:+15550100199@wa.meta.vc>"),
                HeaderField(.callID, "7f3a5c1e-0001@sip.example.com"), HeaderField(.cseq, "2 INVITE"),
            ])
        var dialog = Dialog.uac(invite: invite, response: ok)
        let ack = dialog.ack(number: 2, branch: "z9hG4bK-b2b-1003", party: Self.party)
        #expect(
            ack.encoded().text == """
                ACK sip:+15550100199@wa.meta.vc;transport=tls;ob;X-FB-Sip-Smc-Tier=collaboration.sip_gateway.sip.prod SIP/2.0\r
                Via: SIP/2.0/TLS sip.example.com:5061;rport;branch=z9hG4bK-b2b-1003;alias\r
                Route: <sip:wa.meta.vc;transport=tls;lr>\r
                Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\r
                Max-Forwards: 70\r
                From: <sip:+15550100001@sip.example.com>;tag=bic-0001\r
                To: <sip:+15550100199@wa.meta.vc>;tag=66666666-7777-4888-8999-aaaaaaaaaaaa\r
                Call-ID: 7f3a5c1e-0001@sip.example.com\r
                CSeq: 2 ACK\r
                Content-Length: 0\r
                \r

                """)
        #expect(dialog.request(.bye, branch: "z9hG4bK1", party: Self.party).headers.cseq?.number == 3)
    }

    @Test func metasBYEBelongsToTheDialog() throws {
        var dialog = Dialog.uas(invite: try request(MetaExamples.authorizedInvite), localTag: "b2b-0001")
        let bye = try request(MetaExamples.bye)
        #expect(DialogID(received: bye) == dialog.id)
        let accepted = dialog.accepts(bye)
        #expect(accepted)
    }

    @Test func anOlderCSeqIsRefused() throws {
        var dialog = Dialog.uas(invite: Requests.make(.invite, number: 10), localTag: "b")
        func accepts(_ method: Method, _ number: UInt32) -> Bool {
            dialog.accepts(Requests.make(method, number: number, toTag: "b"))
        }
        #expect(accepts(.info, 12))
        #expect(!accepts(.info, 11))
        #expect(accepts(.ack, 10))
        #expect(accepts(.bye, 13))
        #expect(dialog.remoteCSeq == 13)
    }

    /// Spaces, quotes, several routes in one field: the octets stay.
    @Test func routesKeepTheirOctets() throws {
        let routes = [
            "<sip:A.Example.com;lr>;x=\"1,2\"", "\"p\"<sip:b.example.com;lr;p=%41>", "<sip:c.example.com;lr>",
        ]
        var invite = Requests.make(.invite)
        invite.headers.append(.recordRoute, "\(routes[0]) , \(routes[1])")
        invite.headers.append(.recordRoute, routes[2])
        var called = Dialog.uas(invite: invite, localTag: "b")
        #expect(called.routeSet == routes)
        #expect(called.request(.bye, branch: "z9hG4bK1", party: Self.party).headers.all(.route) == routes)
        let calling = Dialog.uac(invite: invite, response: invite.response(200, toTag: "b"))
        #expect(calling.routeSet == routes.reversed())
    }

    /// RFC 3261 §12.2.1.1, the strict router's case.
    @Test func aStrictRouterComesIntoTheRequestURI() {
        var invite = Requests.make(.invite)
        invite.headers.append(.recordRoute, "<sip:old.example.com:5070>, <sip:next.example.com;lr>")
        var dialog = Dialog.uas(invite: invite, localTag: "b")
        let bye = dialog.request(.bye, branch: "z9hG4bK1", party: Self.party)
        #expect(bye.uri.description == "sip:old.example.com:5070")
        #expect(bye.headers.all(.route) == ["<sip:next.example.com;lr>", "<sip:a@192.0.2.1:5060>"])
    }

    @Test func anUnreadableRouteIsCopiedLikeAnyOther() {
        var invite = Requests.make(.invite)
        invite.headers.append(.recordRoute, "what is this")
        var dialog = Dialog.uas(invite: invite, localTag: "b")
        let bye = dialog.request(.bye, branch: "z9hG4bK1", party: Self.party)
        #expect(bye.headers.all(.route) == ["what is this"])
        #expect(bye.uri.description == "sip:a@192.0.2.1:5060")
    }

    @Test func aMissingContactFallsBack() {
        var invite = Requests.make(.invite)
        let response = invite.response(200, toTag: "b")
        invite.headers.remove(.contact)
        #expect(Dialog.uas(invite: invite, localTag: "b").remoteTarget == "sip:a@example.com")
        #expect(Dialog.uac(invite: invite, response: response).remoteTarget == "sip:b@example.net")
    }

    @Test func viaAsksForThePortAndNamesAliasOnStreamsOnly() {
        #expect(Self.party.via(branch: "z9hG4bK1") == "SIP/2.0/TLS sip.example.com:5061;rport;branch=z9hG4bK1;alias")
        var udp = Self.party
        udp.transport = "UDP"
        #expect(udp.via(branch: "z9hG4bK1") == "SIP/2.0/UDP sip.example.com:5061;rport;branch=z9hG4bK1")
    }

    @Test func responsesNameTheDialogToo() throws {
        let ok = try response(MetaExamples.metaAnswer)
        #expect(
            DialogID(received: ok)
                == DialogID(
                    callID: "7f3a5c1e-0001@sip.example.com", localTag: "bic-0001",
                    remoteTag: "66666666-7777-4888-8999-aaaaaaaaaaaa"))
        #expect(DialogID(received: Requests.make(.invite)) == nil)
    }
}
