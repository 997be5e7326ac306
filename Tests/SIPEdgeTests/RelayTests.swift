import Media
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    @Suite("A call that is relayed") struct RelayTests {
        static let pbxAddress = "127.61.0.20"

        static func pbx(_ behaviour: PBXStandIn.Behaviour = .echo, address: String = pbxAddress) async throws
            -> PBXStandIn
        {
            try await PBXStandIn(
                address: address, port: 0, edge: TestEdge.address,
                certificate: .init(
                    chainFile: TestCertificates.pbx.certificate, keyFile: TestCertificates.pbx.key),
                behaviour: behaviour, logger: TestEdge.quiet)
        }

        static func peer(_ pbx: PBXStandIn, _ transport: Peer.Transport, ringTimeout: Duration = .seconds(20)) async
            -> Peer
        {
            let flow: Flow.Transport =
                switch transport {
                case .udp: .udp
                case .tcp: .tcp
                case .tls: .tls
                }
            return Peer(
                name: "pbx", host: pbx.endpoint.address, port: await pbx.port(flow), transport: transport,
                ringTimeout: ringTimeout, tlsName: transport == .tls ? "pbx.example.com" : nil,
                tlsAuthorityFile: transport == .tls ? TestCertificates.pbx.certificate : nil)
        }

        @Test("ringing, answer, media both ways and hang-up", arguments: Peer.Transport.allCases)
        func relay(transport: Peer.Transport) async throws {
            let pbx = try await Self.pbx()
            let peer = await Self.peer(pbx, transport)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let caller = try await TestEdge.caller()
                let tone = try Prompt.tone(hertz: 1_000, seconds: 1, levelDBFS: -12)
                let report = try await caller.place(
                    test.call {
                        $0.says = tone
                        $0.talk = .seconds(2)
                        $0.recordSeconds = 4
                        $0.whatsApp = ["cta-payload": "order 42", "user-country-code": "US", "secret": "no"]
                    })
                await caller.shutdown()
                #expect(report.outcome == .talked(endedByUs: true))
                #expect(report.ringing != nil)
                #expect(report.statistics.lost == 0)
                let heard = try #require(report.heard)
                let tail = ToneAnalysis.analyse(Array(heard.samples.dropFirst(24_000).prefix(48_000)), rate: 48_000)
                #expect(abs(tail.peakHz - 1_000) < 5)
                #expect(abs(tail.levelDBFS + 12) < 3)
                let answer = try #require(report.response)
                let toMeta = String(decoding: answer.encoded(), as: UTF8.self)
                #expect(!toMeta.contains(Self.pbxAddress), "Meta must not see the PBX")
                #expect(!toMeta.contains("PBX stand-in"))
                let invite = try #require(await pbx.invites.first)
                check(invite, transport: transport)
                await test.edge.settle { $0.dialogs == 0 }
                let bye = try #require(await pbx.byes.first)
                #expect(bye.headers.value("Reason")?.hasPrefix("Q.850;cause=16") == true)
            }
            let totals = await pbx.totals
            #expect(totals.calls == 1 && totals.lost == 0 && totals.packetsReceived > 50)
            await pbx.shutdown()
        }

        private func check(_ invite: Request, transport: Peer.Transport) {
            let text = String(decoding: invite.encoded(), as: UTF8.self)
            for secret in ["wa.meta.vc", "127.69.171", "fbinfra", "2001:db8", "Facebook", "no\r\n", "outgoing:"] {
                #expect(!text.contains(secret), "\(secret) crosses to the PBX")
            }
            #expect(invite.uri.description.hasPrefix("sip:+15550100001@\(Self.pbxAddress):"))
            #expect(
                invite.headers.value("From")?.hasPrefix("\"15550100199\" <sip:+15550100199@\(TestEdge.address)>;tag=")
                    == true)
            #expect(
                invite.headers.value("P-Asserted-Identity")
                    == "\"15550100199\" <sip:+15550100199@\(TestEdge.address)>")
            #expect(invite.headers.value("X-WA-Call-ID")?.hasPrefix("wacid.") == true)
            #expect(invite.headers.value("X-WA-CTA-Payload") == "order 42")
            #expect(invite.headers.value("X-WA-Country") == "US")
            #expect(invite.headers.values("Via").count == 1)
            #expect(
                invite.headers.values("Via")[0].hasPrefix("SIP/2.0/\(transport.rawValue.uppercased()) 127.61.0.1:"))
            let sdp = String(decoding: invite.body, as: UTF8.self)
            #expect(sdp.contains("c=IN IP4 \(TestEdge.address)\r\n"))
            #expect(sdp.contains(" RTP/AVP 111 "))
            #expect(!sdp.contains("a=crypto"))
        }

        @Test("a business-scoped user id goes where the number would")
        func bsuid() async throws {
            let pbx = try await Self.pbx()
            let peer = await Self.peer(pbx, .tcp)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let caller = try await TestEdge.caller()
                let report = try await caller.place(test.call { $0.user = "US.13491208655302741918" })
                await caller.shutdown()
                #expect(report.isSuccess)
                let invite = try #require(await pbx.invites.first)
                #expect(
                    invite.headers.value("P-Asserted-Identity")?.hasSuffix(
                        "<sip:US.13491208655302741918@\(TestEdge.address)>") == true)
            }
            await pbx.shutdown()
        }

        @Test("the PBX hangs up", arguments: [Peer.Transport.udp, .tcp])
        func pbxHangsUp(transport: Peer.Transport) async throws {
            let pbx = try await Self.pbx(.hangUp(after: .milliseconds(300)))
            let peer = await Self.peer(pbx, transport)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let caller = try await TestEdge.caller()
                let report = try await caller.place(test.call { $0.talk = .seconds(30) })
                await caller.shutdown()
                #expect(report.outcome == .talked(endedByUs: false))
            }
            await pbx.shutdown()
        }

        @Test("the edge hangs up: both sides hear BYE")
        func edgeHangsUp() async throws {
            let pbx = try await Self.pbx()
            let peer = await Self.peer(pbx, .tcp)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                try await test.duringCall {}
                await test.settled()
                #expect(await pbx.byes.count == 1)
            }
            await pbx.shutdown()
        }

        @Test("the caller gives up while it rings: CANCEL crosses", arguments: [Peer.Transport.udp, .tcp])
        func cancel(transport: Peer.Transport) async throws {
            let pbx = try await Self.pbx(.ringForever)
            let peer = await Self.peer(pbx, transport)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let caller = try await TestEdge.caller()
                let report = try await caller.place(test.call { $0.patience = .milliseconds(300) })
                await caller.shutdown()
                #expect(report.outcome == .gaveUp)
                #expect(report.ringing != nil)
                #expect(report.response?.status == 487)
                await test.edge.settle { $0.dialogs == 0 }
            }
            #expect(await pbx.cancelled == 1)
            await pbx.shutdown()
        }

        @Test("the caller's connection breaks while it rings: as good as a CANCEL")
        func connectionLost() async throws {
            let pbx = try await Self.pbx(.ringForever)
            let peer = await Self.peer(pbx, .tcp)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let wire = try await test.wire()
                try await wire.send(MetaCall().invite)
                _ = try await wire.response(180)
                await wire.close()
                await test.settled()
            }
            #expect(await pbx.cancelled == 1)
            await pbx.shutdown()
        }

        struct Outcome: Sendable, CustomTestStringConvertible {
            let behaviour: PBXStandIn.Behaviour
            let status: Int
            let says: String
            var testDescription: String { "\(behaviour) → \(status)" }
        }

        @Test(
            "what Meta hears of the PBX's answer",
            arguments: [
                Outcome(behaviour: .reject(486), status: 486, says: "busy"),
                Outcome(behaviour: .reject(600), status: 486, says: "busy"),
                Outcome(behaviour: .reject(603), status: 603, says: "declined"),
                Outcome(behaviour: .reject(403), status: 603, says: "declined"),
                Outcome(behaviour: .reject(404), status: 404, says: "does not know this number"),
                Outcome(behaviour: .reject(480), status: 480, says: "nobody is available"),
                Outcome(behaviour: .reject(503), status: 503, says: "out of reach or overloaded"),
                Outcome(behaviour: .reject(500), status: 503, says: "the PBX failed"),
                Outcome(behaviour: .reject(488), status: 488, says: "takes no Opus"),
                Outcome(behaviour: .reject(401), status: 503, says: "asks for a password"),
                Outcome(behaviour: .reject(407), status: 503, says: "asks for a password"),
                Outcome(behaviour: .reject(302), status: 480, says: "redirected"),
                Outcome(behaviour: .ringForever, status: 480, says: "nobody answered in time"),
            ])
        func outcome(_ outcome: Outcome) async throws {
            let pbx = try await Self.pbx(outcome.behaviour)
            let peer = await Self.peer(pbx, .tcp, ringTimeout: .milliseconds(400))
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let caller = try await TestEdge.caller()
                let report = try await caller.place(test.call())
                await caller.shutdown()
                let response = try #require(report.response)
                #expect(response.status == outcome.status)
                #expect(response.warning.contains(outcome.says), "\(response.warning)")
                #expect(
                    (response.headers.value("Retry-After") != nil)
                        == (outcome.says == "the PBX failed" || outcome.says == "out of reach or overloaded"))
                await test.settled()
            }
            #expect(await pbx.cancelled == (outcome.behaviour == .ringForever ? 1 : 0))
            await pbx.shutdown()
        }

        @Test(
            "no PBX there at all",
            arguments: [
                (Peer.Transport.udp, 480, "the PBX did not answer"), (.tcp, 503, "out of reach"),
                (.tls, 503, "out of reach"),
            ])
        func nobody(transport: Peer.Transport, status: Int, says: String) async throws {
            let peer = Peer(
                name: "pbx", host: Self.pbxAddress, port: try await TestEdge.freePort(Self.pbxAddress),
                transport: transport)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let caller = try await TestEdge.caller()
                let report = try await caller.place(test.call())
                await caller.shutdown()
                let response = try #require(report.response)
                #expect(response.status == status)
                #expect(response.warning.contains(says), "\(response.warning)")
                #expect((response.headers.value("Retry-After") != nil) == (status == 503))
                await test.settled()
            }
        }

        @Test("a PBX whose certificate is not the one that was named")
        func wrongCertificate() async throws {
            let pbx = try await Self.pbx()
            var peer = await Self.peer(pbx, .tls)
            peer.tlsName = "other.example.com"
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let caller = try await TestEdge.caller()
                let report = try await caller.place(test.call())
                await caller.shutdown()
                #expect(report.response?.status == 503)
                #expect(await pbx.invites.isEmpty)
                await test.settled()
            }
            await pbx.shutdown()
        }

        @Test("a PBX by host name")
        func hostName() async throws {
            let pbx = try await Self.pbx(address: "127.0.0.1")
            var peer = await Self.peer(pbx, .udp)
            peer.host = "localhost"
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let caller = try await TestEdge.caller()
                // The name is being looked up at first.
                var report = try await caller.place(test.call())
                while report.response?.status == 503 { report = try await caller.place(test.call()) }
                await caller.shutdown()
                #expect(report.isSuccess)
                #expect(await pbx.invites.first?.uri.description.hasPrefix("sip:+15550100001@localhost:") == true)
            }
            await pbx.shutdown()
        }

        @Test("the PBX moves its media with a re-INVITE")
        func moved() async throws {
            let signalling = try await Datagrams(address: Self.pbxAddress)
            let first = try await Datagrams(address: Self.pbxAddress)
            let second = try await Datagrams(address: Self.pbxAddress)
            let peer = Peer(name: "pbx", host: Self.pbxAddress, port: signalling.port)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                let invite = try await signalling.request(.invite)
                let contact = "<sip:pbx@\(Self.pbxAddress):\(signalling.port)>"
                let ok = invite.response(
                    200, toTag: "pbx",
                    headers: [
                        HeaderField(name: .contact, value: contact),
                        HeaderField(name: .contentType, value: "application/sdp"),
                    ], body: Array(sdp(first.port).utf8))
                try await signalling.send(ok.encoded(), to: TestEdge.address, test.peerPort)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                let ack = try await signalling.request(.ack)
                _ = try await first.next()
                let body = sdp(second.port)
                let again = MetaCall.lines([
                    "INVITE \(invite.headers.contact?.uri.description ?? "") SIP/2.0",
                    "Via: SIP/2.0/UDP \(Self.pbxAddress):\(signalling.port);branch=z9hG4bKmoved", "Max-Forwards: 70",
                    "From: \(ack.headers.value("To") ?? "")", "To: \(ack.headers.value("From") ?? "")",
                    "Call-ID: \(ack.headers.callID ?? "")", "CSeq: 7 INVITE", "Contact: \(contact)",
                    "Content-Type: application/sdp", "Content-Length: \(body.utf8.count)", "",
                ])
                try await signalling.send(Array((again + body).utf8), to: TestEdge.address, test.peerPort)
                _ = try await second.next()
                try await wire.send(call.bye())
                let bye = try await signalling.request(.bye)
                try await signalling.send(bye.response(200).encoded(), to: TestEdge.address, test.peerPort)
                await wire.close()
            }
            for socket in [signalling, first, second] { await socket.close() }
        }

        private func sdp(_ port: UInt16) -> String {
            MetaCall.lines([
                "v=0", "o=- 1 1 IN IP4 \(Self.pbxAddress)", "s=-", "c=IN IP4 \(Self.pbxAddress)", "t=0 0",
                "m=audio \(port) RTP/AVP 111 101", "a=rtpmap:111 opus/48000/2", "a=rtpmap:101 telephone-event/8000",
                "a=sendrecv",
            ])
        }
    }

    @Suite("Where our BYE to Meta goes") struct ByeRouteTests {
        private func run(trust: String, _ body: (TestEdge, WireServer, Wire, MetaCall) async throws -> Void)
            async throws
        {
            let server = try await WireServer(address: "127.69.171.200", certificate: TestCertificates.meta)
            let meta = MetaTrunkConfiguration(
                host: "127.69.171.200", port: server.port, trustRootsFile: trust)
            try await TestEdge.run(meta: meta) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                try await wire.send(MetaCall("options").options)
                _ = try await wire.response(200)
                test.edge.hangUpAll()
                try await body(test, server, wire, call)
                await test.edge.settle { $0.dialogs == 0 }
                await wire.close()
            }
            await server.close()
        }

        @Test("by a connection of our own, whose certificate is Meta's")
        func own() async throws {
            try await run(trust: TestCertificates.meta.certificate) { _, server, _, call in
                let ours = try await server.next()
                let bye = try await ours.request(.bye)
                #expect(bye.headers.value("Call-ID") == call.callID)
                #expect(bye.headers.values("Route") == MetaCall.recordRoutes)
                try await ours.send(bye.response(200).encoded())
            }
        }

        @Test("by the call's own connection when that certificate is not Meta's")
        func inbound() async throws {
            try await run(trust: TestCertificates.pbx.certificate) { _, _, wire, call in
                let bye = try await wire.request(.bye)
                #expect(bye.headers.value("Call-ID") == call.callID)
                try await wire.send(bye.response(200).encoded())
            }
        }
    }
}
