import Media
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    /// What the PBX and Meta each see, message by message; Meta is played by the test.
    @Suite("A call to a WhatsApp user") struct BusinessCallTests {
        static let user = "+15550100199"

        /// A PBX that dials, an edge, and Meta.
        struct Scene {
            let test: TestEdge
            let pbx: PBXStandIn
            let meta: MetaHost

            func call(_ change: (inout PBXCall) -> Void = { _ in }) -> PBXCall {
                var call = PBXCall(
                    target: Target(transport: .tcp, host: TestEdge.address, port: test.peerPort), user: user,
                    from: TestEdge.number, talk: .milliseconds(200), patience: .seconds(20))
                change(&call)
                return call
            }

            func dial(_ change: (inout PBXCall) -> Void = { _ in }) async throws -> WhatsAppCallReport {
                try await pbx.endpoint.place(call(change))
            }
        }

        static func run(
            numbers: [String] = [TestEdge.number], password: String? = MetaHost.password, domain: String? = nil,
            ringTimeout: Duration = .seconds(20), certificate: TestCertificates.Pair = TestCertificates.meta,
            transport: Peer.Transport = .tcp, secure: Bool = false, _ body: (Scene) async throws -> Void
        ) async throws {
            let pbx = try await RelayTests.pbx()
            var peer = await RelayTests.peer(pbx, transport)
            peer.secureMedia = secure
            let meta = try await MetaHost(certificate: certificate)
            try await TestEdge.run(
                MetaHost.routing(to: peer, numbers: numbers, password: password, domain: domain),
                meta: meta.trunk(ringTimeout: ringTimeout)
            ) { test in
                try await body(Scene(test: test, pbx: pbx, meta: meta))
            }
            await pbx.shutdown()
            await meta.server.close()
        }

        @Test("INVITE, challenge, ringing, answer and hang-up as in Meta's own traces")
        func wholeCall() async throws {
            try await Self.run { scene in
                async let report = scene.dial()
                let wire = try await scene.meta.server.next()
                let first = try await wire.request(.invite)
                check(first)
                #expect(first.headers[first: .proxyAuthorization] == nil)
                try await wire.send(MetaHost.challenge(first))
                let refusalACK = try await wire.request(.ack)
                #expect(refusalACK.headers.topVia?.branch == first.headers.topVia?.branch)
                let second = try await wire.request(.invite)
                check(second)
                try checkCredentials(second, after: first)
                try await wire.send(second.response(100))
                try await wire.send(MetaHost.ringing(second))
                try await wire.send(MetaHost.answer(second))
                let ack = try await wire.request(.ack)
                checkRoutes(ack)
                #expect(ack.headers.value("CSeq") == "2 ACK")
                let bye = try await wire.request(.bye)
                checkRoutes(bye)
                #expect(bye.headers.value("Reason")?.hasPrefix("Q.850;cause=16") == true)
                try await wire.send(bye.response(200))

                let ended = try await report
                #expect(ended.outcome == .talked(endedByUs: true))
                #expect(ended.ringing != nil)
                let answer = try #require(ended.response)
                #expect(answer.headers.value("X-WA-User-ID") == "US.10000000000000000001")
                let text = String(decoding: answer.encoded(), as: UTF8.self)
                for secret in ["wa.meta.vc", "127.69.171", "fbinfra", "Facebook", "for nobody", "a=crypto"] {
                    #expect(!text.contains(secret), "\(secret) crosses to the PBX")
                }
            }
        }

        /// The INVITE of meta-calling §12.2 (1), and nothing of the PBX.
        private func check(_ invite: Request) {
            #expect(invite.uri.description == "sip:+15550100199@wa.meta.vc;transport=tls")
            #expect(invite.headers.value("From")?.hasPrefix("<sip:+15550100001@sip.example.com>;tag=") == true)
            #expect(invite.headers.value("To") == "<sip:+15550100199@wa.meta.vc>")
            let contact = invite.headers.value("Contact") ?? ""
            #expect(contact.hasPrefix("<sip:+15550100001@sip.example.com:"))
            #expect(contact.hasSuffix(";transport=tls>"))
            let names = Set(invite.headers.map(\.name.canonical))
            #expect(
                names.subtracting(["Proxy-Authorization"]) == [
                    "Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Contact", "Allow", "User-Agent",
                    "Content-Type",
                ])
            #expect(invite.headers.values("Via").count == 1)
            #expect(invite.headers.values("Via")[0].hasPrefix("SIP/2.0/TLS sip.example.com:"))
            let sdp = String(decoding: invite.body, as: UTF8.self)
            #expect(sdp.contains(" RTP/SAVP 111 126\r\n"))
            #expect(sdp.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"))
            #expect(sdp.contains("a=rtcp-mux\r\n"))
            let text = String(decoding: invite.encoded(), as: UTF8.self)
            for secret in [RelayTests.pbxAddress, "pbx.internal", "Reception", PBXCall.userAgent, "X-Secret"] {
                #expect(!text.contains(secret), "\(secret) reaches Meta")
            }
        }

        private func checkCredentials(_ second: Request, after first: Request) throws {
            #expect(second.headers.callID == first.headers.callID)
            #expect(second.headers.from?.tag == first.headers.from?.tag)
            #expect(second.headers.to?.tag == nil)
            #expect(second.headers.value("CSeq") == "2 INVITE")
            #expect(second.headers.topVia?.branch != first.headers.topVia?.branch)
            #expect(second.body == first.body)
            let answer = try DigestAnswer(parsing: try #require(second.headers.value("Proxy-Authorization")))
            #expect(answer.username == "15550100001")
            #expect(answer.algorithm == .sha256)
            #expect(answer.nonce == "aaaabbbbccccdddd")
            #expect(answer.uri == "sip:+15550100199@wa.meta.vc;transport=tls")
            #expect(answer.isCorrect(password: MetaHost.password, method: .invite))
        }

        /// Meta's Contact to the last odd parameter, and the Routes turned round (meta-calling §7.3).
        private func checkRoutes(_ request: Request) {
            #expect(
                request.uri.description
                    == "sip:+15550100199@wa.meta.vc;transport=tls;ob;X-FB-Sip-Smc-Tier=collaboration.sip_gateway.sip.prod"
            )
            #expect(request.headers.values("Route") == MetaHost.routes)
        }

        @Test("nothing that a PBX writes into its INVITE reaches Meta")
        func nothingCrosses() async throws {
            try await Self.run { scene in
                async let report = scene.dial {
                    $0.from = "100"
                    $0.headers = [
                        HeaderField("X-Secret", "internal"),
                        HeaderField(.pAssertedIdentity, "<sip:+15550100001@10.0.0.1>"),
                        HeaderField("Diversion", "<sip:+15550100077@10.0.0.1>"), HeaderField("Subject", "X-Secret"),
                    ]
                }
                let wire = try await scene.meta.server.next()
                let invite = try await wire.request(.invite)
                check(invite)
                try await wire.send(MetaHost.refusal(invite, 486))
                #expect(try await report.response?.status == 486)
            }
        }

        @Test("a business-scoped user id is dialled as it is")
        func scopedID() async throws {
            try await Self.run { scene in
                async let report = scene.dial { $0.user = "US.13491208655302741918" }
                let wire = try await scene.meta.server.next()
                let invite = try await wire.request(.invite)
                #expect(invite.uri.description == "sip:US.13491208655302741918@wa.meta.vc;transport=tls")
                #expect(invite.headers.value("To") == "<sip:US.13491208655302741918@wa.meta.vc>")
                try await wire.send(MetaHost.refusal(invite, 480))
                #expect(try await report.response?.status == 480)
            }
        }

        @Test("From has the host name that is entered at Meta for the number, and the user always a +")
        func otherHost() async throws {
            try await Self.run(domain: "voice.example.com") { scene in
                async let report = scene.dial { $0.user = "15550100199" }
                let wire = try await scene.meta.server.next()
                let invite = try await wire.request(.invite)
                #expect(invite.uri.description == "sip:+15550100199@wa.meta.vc;transport=tls")
                #expect(invite.headers.value("From")?.hasPrefix("<sip:+15550100001@voice.example.com>;tag=") == true)
                #expect(invite.headers.value("Contact")?.hasPrefix("<sip:+15550100001@sip.example.com:") == true)
                try await wire.send(MetaHost.refusal(invite, 480))
                _ = try await report
            }
        }

        // MARK: Digest

        @Test("401 as well as 407")
        func unauthorized() async throws {
            try await Self.run { scene in
                async let report = scene.dial()
                let wire = try await scene.meta.server.next()
                try await wire.send(MetaHost.challenge(try await wire.request(.invite), status: 401))
                let second = try await wire.request(.invite)
                let answer = try DigestAnswer(parsing: try #require(second.headers.value("Authorization")))
                #expect(answer.isCorrect(password: MetaHost.password, method: .invite))
                try await wire.send(MetaHost.refusal(second, 486))
                _ = try await report
            }
        }

        struct NoAnswer: CustomTestStringConvertible {
            let testDescription: String
            var realm = "wa.meta.vc"
            var password: String? = MetaHost.password
            let warning: String
        }

        @Test(
            "challenges that get no answer",
            arguments: [
                NoAnswer(
                    testDescription: "of another realm", realm: "evil.example.com", warning: "somebody else than Meta"),
                NoAnswer(
                    testDescription: "of our own realm", realm: "sip.example.com", warning: "somebody else than Meta"),
                NoAnswer(
                    testDescription: "without a password", password: nil,
                    warning: "ibis number add --replace --password-stdin"),
            ])
        func unanswered(row: NoAnswer) async throws {
            try await Self.run(password: row.password) { scene in
                async let report = scene.dial()
                let wire = try await scene.meta.server.next()
                let first = try await wire.request(.invite)
                try await wire.send(MetaHost.challenge(first, realm: row.realm))
                _ = try await wire.request(.ack)
                let answer = try #require(try await report.response)
                #expect(answer.status == 503)
                #expect(answer.headers.value("Warning")?.contains(row.warning) == true)
                #expect(answer.headers.value("Reason")?.hasPrefix("Q.850;cause=38") == true)
                await scene.test.edge.settle { $0.dialogs == 0 }
                #expect(scene.test.edge.counters[.challengesRefused] == 1)
                // Nothing more came to Meta: the next message there is of the next call.
                try await scene.expectNextCall(on: wire)
            }
        }

        @Test("a wrong answer is not given twice", arguments: [403, 407])
        func wrongPassword(status: Int) async throws {
            try await Self.run(password: "another") { scene in
                async let report = scene.dial()
                let wire = try await scene.meta.server.next()
                let second = try await wire.challenge()
                try await wire.send(
                    status == 403
                        ? MetaHost.refusal(second, 403, "Invalid digest auth response") : MetaHost.challenge(second))
                _ = try await wire.request(.ack)
                let answer = try #require(try await report.response)
                #expect(answer.status == 503)
                #expect(answer.headers.value("Warning")?.contains("sip_user_password") == true)
                await scene.test.edge.settle { $0.dialogs == 0 }
                try await scene.expectNextCall(on: wire)
            }
        }

        @Test("a BYE of ours that is challenged is answered, once")
        func challengedBye() async throws {
            try await Self.run { scene in
                async let report = scene.dial()
                let wire = try await scene.meta.server.next()
                let invite = try await wire.challenge()
                try await wire.send(MetaHost.answer(invite))
                let bye = try await wire.request(.bye)
                try await wire.send(MetaHost.challenge(bye))
                let again = try await wire.request(.bye)
                #expect(again.headers.cseq?.number == (bye.headers.cseq?.number ?? 0) + 1)
                #expect(again.headers.topVia?.branch != bye.headers.topVia?.branch)
                #expect(again.headers.values("Route") == bye.headers.values("Route"))
                let answer = try DigestAnswer(parsing: try #require(again.headers.value("Proxy-Authorization")))
                #expect(answer.isCorrect(password: MetaHost.password, method: .bye))
                try await wire.send(MetaHost.challenge(again))
                #expect(try await report.outcome == .talked(endedByUs: true))
                await scene.test.edge.settle { $0.dialogs == 0 }
            }
        }

        // MARK: Endings

        @Test("the user hangs up, over another connection and from another address of Meta's")
        func userHangsUp() async throws {
            try await Self.run { scene in
                async let report = scene.dial { $0.talk = .seconds(30) }
                let wire = try await scene.meta.server.next()
                let invite = try await wire.challenge()
                let answer = MetaHost.answer(invite)
                try await wire.send(answer)
                _ = try await wire.request(.ack)
                let other = try await scene.test.wire(from: "127.69.171.31")
                try await other.send(
                    MetaCall.lines([
                        "BYE sip:+15550100001@sip.example.com:5061;transport=tls SIP/2.0",
                        "Via: SIP/2.0/TLS [2001:db8:6080::c]:56843;rport;branch=z9hG4bKPj\(IDSource.random.next());alias",
                        "Max-Forwards: 69", "From: \(answer.headers.value("To") ?? "")",
                        "To: \(answer.headers.value("From") ?? "")", "Call-ID: \(answer.headers.callID ?? "")",
                        "CSeq: 9991 BYE", "x-wa-meta-call-duration: 42", "Reason: Q.850;cause=31", "Content-Length:  0",
                        "",
                    ]))
                #expect(try await other.response(200).headers.cseq?.method == .bye)
                #expect(try await report.outcome == .talked(endedByUs: false))
                let bye = try #require(await scene.pbx.byes.first)
                #expect(bye.headers.value("Reason")?.hasPrefix("Q.850;cause=31") == true)
                await other.close()
            }
        }

        @Test("the PBX gives up while it rings: CANCEL, 487", arguments: [Peer.Transport.udp, .tcp])
        func cancelled(transport: Peer.Transport) async throws {
            try await Self.run(transport: transport) { scene in
                async let report = scene.dial {
                    $0.target.transport = transport == .udp ? .udp : .tcp
                    $0.patience = .milliseconds(200)
                }
                let wire = try await scene.meta.server.next()
                let invite = try await wire.challenge()
                try await wire.send(MetaHost.ringing(invite, status: 183))
                let cancel = try await wire.request(.cancel)
                #expect(cancel.headers.value("CSeq") == "2 CANCEL")
                #expect(cancel.headers.topVia?.branch == invite.headers.topVia?.branch)
                #expect(cancel.uri == invite.uri)
                try await wire.send(cancel.response(200))
                try await wire.send(MetaHost.refusal(invite, 487))
                _ = try await wire.request(.ack)
                let ended = try await report
                #expect(ended.outcome == .gaveUp)
                #expect(ended.response?.status == 487)
                #expect(ended.ringing != nil)
            }
        }

        @Test("the user answers as the CANCEL is on its way: ACK and BYE, and the PBX never hears of it")
        func glare() async throws {
            try await Self.run { scene in
                async let report = scene.dial { $0.patience = .milliseconds(200) }
                let wire = try await scene.meta.server.next()
                let invite = try await wire.challenge()
                try await wire.send(MetaHost.ringing(invite))
                let cancel = try await wire.request(.cancel)
                try await wire.send(MetaHost.answer(invite))
                try await wire.send(cancel.response(200))
                checkRoutes(try await wire.request(.ack))
                let bye = try await wire.request(.bye)
                checkRoutes(bye)
                try await wire.send(bye.response(200))
                #expect(try await report.outcome == .gaveUp)
                await scene.test.edge.settle { $0.dialogs == 0 }
            }
        }

        @Test("nobody answers in time: CANCEL, and 480 with cause 19 for the PBX")
        func ringsForEver() async throws {
            try await Self.run(ringTimeout: .milliseconds(200)) { scene in
                async let report = scene.dial()
                let wire = try await scene.meta.server.next()
                let invite = try await wire.challenge()
                try await wire.send(MetaHost.ringing(invite))
                let cancel = try await wire.request(.cancel)
                try await wire.send(cancel.response(200))
                let answer = try #require(try await report.response)
                #expect(answer.status == 480)
                #expect(answer.headers.value("Reason")?.hasPrefix("Q.850;cause=19") == true)
                try await wire.send(MetaHost.refusal(invite, 487))
                await scene.test.edge.settle { $0.dialogs == 0 }
            }
        }

        @Test("Meta's refusal reaches the PBX as status, cause, sentence and Meta's own words")
        func refused() async throws {
            try await Self.run { scene in
                async let report = scene.dial()
                let wire = try await scene.meta.server.next()
                let invite = try await wire.challenge()
                let phrase =
                    "SIP server other.example.com from INVITE does not match any SIP server configured for phone "
                    + "number id 100000000000002"
                try await wire.send(MetaHost.refusal(invite, 403, phrase, warning: phrase))
                let answer = try #require(try await report.response)
                #expect(answer.status == 503)
                #expect(answer.headers.value("Reason") == "Q.850;cause=38;text=\"Network out of order\"")
                #expect(answer.headers.value("Warning")?.contains("ibis number add --domain") == true)
                #expect(
                    answer.headers.value("X-WA-Reason")
                        == "403 SIP server other.example.com from INVITE does not match any SIP server configured for phone "
                        + "number id (number)")
            }
        }

        @Test("a 503 is tried once more, after its INVITE is over")
        func triedAgain() async throws {
            try await Self.run { scene in
                async let report = scene.dial()
                let wire = try await scene.meta.server.next()
                let first = try await wire.challenge()
                try await wire.send(MetaHost.refusal(first, 503))
                _ = try await wire.request(.ack)
                let second = try await wire.challenge()
                #expect(second.headers.callID != first.headers.callID)
                #expect(second.body == first.body)
                try await wire.send(MetaHost.refusal(second, 503))
                _ = try await wire.request(.ack)
                let answer = try #require(try await report.response)
                #expect(answer.status == 503)
                #expect(answer.headers.value("Retry-After") == "10")
                #expect(answer.headers.value("X-WA-Reason") == "503 Service Unavailable")
                await scene.test.edge.settle { $0.dialogs == 0 }
                try await scene.expectNextCall(on: wire)
            }
        }

        @Test("the PBX gives up between the two tries: there is no second one")
        func gaveUpBetween() async throws {
            try await Self.run { scene in
                let pbx = try await Wire.connect(
                    to: TestEdge.address, scene.test.peerPort, from: RelayTests.pbxAddress)
                let call = scene.pbxInvite()
                try await pbx.send(call.invite)
                let wire = try await scene.meta.server.next()
                try await wire.send(MetaHost.refusal(try await wire.challenge(), 503))
                _ = try await wire.request(.ack)
                try await pbx.send(call.cancel)
                try await pbx.send(call.ack(try await pbx.response(487)))
                await pbx.close()
                try await scene.expectNextCall(on: wire)
            }
        }

        @Test("a host whose certificate is not Meta's gets no INVITE")
        func wrongCertificate() async throws {
            try await Self.run(certificate: TestCertificates.pbx) { scene in
                let answer = try #require(try await scene.dial().response)
                #expect(answer.status == 503)
                #expect(answer.headers.value("Retry-After") == "10")
                #expect(answer.headers.value("Warning")?.contains("no connection to Meta") == true)
                #expect(answer.headers.value("X-WA-Reason") == nil)
            }
        }

        @Test("an answer without usable media: BYE to Meta, 488 to the PBX")
        func unusableAnswer() async throws {
            try await Self.run { scene in
                async let report = scene.dial()
                let wire = try await scene.meta.server.next()
                var answer = MetaHost.answer(try await wire.challenge())
                answer.body = Array(
                    String(decoding: answer.body, as: UTF8.self).replacing("RTP/SAVP", with: "UDP/TLS/RTP/SAVPF").utf8)
                try await wire.send(answer)
                _ = try await wire.request(.ack)
                let bye = try await wire.request(.bye)
                #expect(bye.headers.value("Reason")?.hasPrefix("Q.850;cause=88") == true)
                try await wire.send(bye.response(200))
                let refused = try #require(try await report.response)
                #expect(refused.status == 488)
                #expect(refused.headers.value("Warning")?.contains("srtp_key_exchange_protocol") == true)
            }
        }
    }
}

extension EdgeSuite.BusinessCallTests.Scene {
    /// Places a call and sees that its INVITE is the next thing that comes.
    func expectNextCall(on wire: Wire) async throws {
        let marker = "US.1"
        async let report = dial { $0.user = marker }
        guard case .request(let request) = try await wire.next() else {
            Issue.record("a response came instead of the next call")
            return
        }
        #expect(request.method == .invite)
        #expect(request.uri.user == marker, "another message came before the next call")
        try await wire.send(MetaHost.refusal(request, 486))
        _ = try await wire.next()
        _ = try await report
    }
}
