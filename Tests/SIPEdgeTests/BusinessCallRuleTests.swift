import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    /// Which calls of a PBX are placed at all.
    @Suite("Which calls to WhatsApp users are placed") struct BusinessCallRuleTests {
        private typealias Calls = BusinessCallTests

        @Test("one call at a time for a number and a user, until its last transaction is over")
        func onePair() async throws {
            try await Calls.run(numbers: [TestEdge.number, "+15550100002"]) { scene in
                async let first = scene.dial { $0.patience = .milliseconds(300) }
                let wire = try await scene.meta.server.next()
                let invite = try await wire.challenge()
                try await wire.send(MetaHost.ringing(invite))
                let second = try #require(try await scene.dial().response)
                #expect(second.status == 486)
                #expect(second.headers.value("Warning")?.contains("already") == true)
                #expect(second.headers.value("Reason")?.hasPrefix("Q.850;cause=17") == true)
                // Another number may call the same user.
                async let other = scene.dial { $0.from = "+15550100002" }
                let third = try await wire.request(.invite)
                #expect(third.headers.from?.uri.user == "+15550100002")
                try await wire.send(MetaHost.refusal(third, 480))
                _ = try await other
                // The first is being cancelled: it still is a call to Meta.
                let cancel = try await wire.request(.cancel)
                try await wire.send(cancel.response(200))
                #expect(try await scene.dial().response?.status == 486)
                try await wire.send(MetaHost.refusal(invite, 487))
                _ = try await wire.request(.ack)
                #expect(try await first.outcome == .gaveUp)
                await scene.test.edge.settle { $0.dialogs == 0 }
                try await scene.expectNextCall(on: wire)
                async let again = scene.dial()
                try await wire.send(MetaHost.refusal(try await wire.request(.invite), 480))
                #expect(try await again.response?.status == 480)
            }
        }

        @Test("a user who is in a call of his own with the number is not called; his call is never kept out by ours")
        func glare() async throws {
            try await Calls.run { scene in
                // We call; the user calls in meanwhile, and his call rings at the PBX.
                await scene.pbx.behave(.ringForever)
                async let ours = scene.dial()
                let meta = try await scene.meta.server.next()
                let invite = try await meta.challenge()
                let wire = try await scene.test.wire()
                let call = MetaCall()
                try await wire.send(call.invite)
                _ = try await wire.response(180)
                // Meta says what becomes of ours.
                try await meta.send(MetaHost.refusal(invite, 403, "Duplicate call"))
                let refused = try #require(try await ours.response)
                #expect(refused.status == 486)
                // His call rings: calling him now would be refused by Meta.
                #expect(try await scene.dial().response?.status == 486)
                try await wire.send(call.cancel)
                try await wire.send(call.ack(try await wire.response(487)))
                await scene.test.edge.settle { $0.dialogs == 0 && $0.calls == 0 }
                async let again = scene.dial()
                try await meta.send(MetaHost.refusal(try await meta.request(.invite), 480))
                #expect(try await again.response?.status == 480)
                await wire.close()
            }
        }

        struct Caller: CustomTestStringConvertible {
            let testDescription: String
            var from = "100"
            var identity: String?
            /// Nil: 403.
            let number: String?
        }

        @Test(
            "which of several numbers calls",
            arguments: [
                Caller(testDescription: "From", from: "+15550100002", number: "+15550100002"),
                Caller(testDescription: "From without +", from: "15550100002", number: "+15550100002"),
                Caller(
                    testDescription: "P-Asserted-Identity", identity: "<sip:+15550100001@192.0.2.1>",
                    number: "+15550100001"),
                Caller(testDescription: "an extension", number: nil),
                Caller(testDescription: "a number of somebody else", from: "+15550100099", number: nil),
            ])
        func callingNumber(row: Caller) async throws {
            try await Calls.run(numbers: [TestEdge.number, "+15550100002"]) { scene in
                async let report = scene.dial {
                    $0.from = row.from
                    if let identity = row.identity { $0.headers = [HeaderField(.pAssertedIdentity, identity)] }
                }
                if let number = row.number {
                    let wire = try await scene.meta.server.next()
                    let invite = try await wire.request(.invite)
                    #expect(invite.headers.from?.uri.user == number)
                    try await wire.send(MetaHost.refusal(invite, 480))
                    _ = try await report
                } else {
                    let answer = try #require(try await report.response)
                    #expect(answer.status == 403)
                    #expect(answer.headers.value("Warning")?.contains("CALLERID(num)") == true)
                }
            }
        }

        @Test("no number goes to the PBX")
        func noNumber() async throws {
            try await Calls.run(numbers: []) { scene in
                let answer = try #require(try await scene.dial().response)
                #expect(answer.status == 403)
                #expect(answer.headers.value("Warning")?.contains("ibis number add") == true)
            }
        }

        @Test(
            "what is no WhatsApp user",
            arguments: ["100", "s", "+0123456789", "+1555010000199999", "us.1", "US.", "US.1.2"])
        func badUser(dialled: String) async throws {
            try await Calls.run { scene in
                let answer = try #require(try await scene.dial { $0.user = dialled }.response)
                #expect(answer.status == 404)
                #expect(answer.headers.value("Warning")?.contains("country code") == true)
            }
        }

        /// As `ibis call --to-whatsapp` calls.
        @Test("a PBX that listens nowhere is served over the connection that it made")
        func listensNowhere() async throws {
            try await Calls.run { scene in
                let endpoint = try await StandInEndpoint(address: RelayTests.pbxAddress, logger: TestEdge.quiet)
                async let report = endpoint.place(scene.call { $0.talk = .seconds(30) })
                let wire = try await scene.meta.server.next()
                let invite = try await wire.challenge()
                try await wire.send(MetaHost.answer(invite))
                _ = try await wire.request(.ack)
                scene.test.edge.hangUpAll()
                let bye = try await wire.request(.bye)
                try await wire.send(bye.response(200))
                #expect(try await report.outcome == .talked(endedByUs: false))
                await endpoint.shutdown()
            }
        }

        /// Offers that cannot be taken, and the answer.
        @Test("media of the PBX that cannot be used costs no call to Meta")
        func badOffer() async throws {
            try await Calls.run { scene in
                let wire = try await Wire.connect(
                    to: TestEdge.address, scene.test.peerPort, from: RelayTests.pbxAddress)
                var call = scene.pbxInvite()
                call.body = MetaCall.lines([
                    "v=0", "o=- 1 1 IN IP4 127.61.0.20", "s=-", "c=IN IP4 127.61.0.20", "t=0 0",
                    "m=audio 4000 RTP/AVP 0",
                ])
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == 488)
                #expect(answer.warning.contains("Opus"))
                try await wire.send(call.ack(answer))
                await wire.close()
            }
        }

        @Test("an INVITE without SDP gets our offer in the 200, and the ACK brings the answer")
        func delayedOffer() async throws {
            try await Calls.run { scene in
                let wire = try await Wire.connect(
                    to: TestEdge.address, scene.test.peerPort, from: RelayTests.pbxAddress)
                var call = scene.pbxInvite()
                call.body = ""
                call.contentType = nil
                try await wire.send(call.invite)
                let meta = try await scene.meta.server.next()
                try await meta.send(MetaHost.answer(try await meta.challenge()))
                let answer = try await wire.response(200)
                let offer = String(decoding: answer.body, as: UTF8.self)
                #expect(offer.contains(" RTP/AVP 111 101\r\n"))
                call.answered(answer)
                let socket = try await Datagrams(address: RelayTests.pbxAddress)
                let sdp = MetaCall.lines([
                    "v=0", "o=- 1 1 IN IP4 \(RelayTests.pbxAddress)", "s=-", "c=IN IP4 \(RelayTests.pbxAddress)",
                    "t=0 0",
                    "m=audio \(socket.port) RTP/AVP 111", "a=rtpmap:111 opus/48000/2",
                ])
                try await wire.send(call.request("ACK", sequence: call.cseq, body: sdp))
                // Our packets find the socket that the answer named.
                #expect(try await socket.next().first == 0x80)
                try await wire.send(call.bye())
                #expect(try await wire.response(200).headers.cseq?.method == .bye)
                let bye = try await meta.request(.bye)
                try await meta.send(bye.response(200))
                await socket.close()
                await wire.close()
            }
        }
    }
}

extension EdgeSuite.BusinessCallTests.Scene {
    /// An INVITE to be written by hand on a connection from the PBX's address.
    func pbxInvite() -> MetaCall {
        var call = MetaCall()
        call.uri = "sip:\(EdgeSuite.BusinessCallTests.user)@\(TestEdge.address):\(test.peerPort);transport=tcp"
        call.user = TestEdge.number
        return call
    }
}
