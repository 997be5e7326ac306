import SIPCore
import SIPEdge
import ServiceLifecycleTestKit
import Simulators
import Testing

extension EdgeSuite {
    @Suite("What is refused, and why") struct RefusalTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let status: Int
            /// Part of the Warning text.
            let says: String
            let change: @Sendable (inout MetaCall) -> Void

            init(_ name: String, _ status: Int, _ says: String, _ change: @escaping @Sendable (inout MetaCall) -> Void)
            {
                testDescription = name
                self.status = status
                self.says = says
                self.change = change
            }
        }

        static let cases = [
            Case("no Opus", 488, "no Opus") {
                $0.body = $0.sdp.replacing("SAVP 111 126", with: "SAVP 0 126")
                    .replacing("a=rtpmap:111 opus/48000/2\r\n", with: "")
            },
            Case("no a=crypto", 488, "no a=crypto") { $0.body = $0.sdp.replacing(MetaCall.crypto + "\r\n", with: "") },
            Case("DTLS only", 488, "set srtp_key_exchange_protocol of the number to SDES") {
                $0.body = $0.sdp.replacing("RTP/SAVP", with: "UDP/TLS/RTP/SAVPF")
                    .replacing(MetaCall.crypto, with: "a=fingerprint:sha-256 00:11\r\na=setup:actpass")
            },
            Case("plain RTP", 488, "encryption is required") {
                $0.body = $0.sdp.replacing("RTP/SAVP", with: "RTP/AVP").replacing(MetaCall.crypto + "\r\n", with: "")
            },
            Case("a suite that we do not have", 488, "No a=crypto line can be used") {
                $0.body = $0.sdp.replacing("AES_CM_128_HMAC_SHA1_80", with: "F8_128_HMAC_SHA1_80")
            },
            Case("port 0", 488, "port 0") { $0.body = $0.sdp.replacing("m=audio 3480", with: "m=audio 0") },
            Case("video only", 488, "no audio") { $0.body = $0.sdp.replacing("m=audio", with: "m=video") },
            Case("no address", 488, "no unicast IP address") {
                $0.body = $0.sdp.replacing("c=IN IP4 127.69.171.11", with: "c=IN IP4 example.com")
            },
            Case("no body", 488, "no session description") {
                $0.body = ""
                $0.contentType = nil
            },
            Case("another content type", 415, "send the offer as application/sdp") { $0.contentType = "text/plain" },
            Case("malformed SDP", 400, "The SDP cannot be read") { $0.body = "v=0\r\nhello" },
            Case("an unknown number", 404, "no route here") { $0.uri = "sip:+15550100002@sip.example.com" },
            Case("no number at all", 404, "no number in E.164 form") { $0.uri = "sip:alice@sip.example.com" },
            Case("a scheme of which nobody knows", 416, "only sip, sips and tel") {
                $0.uri = "nobodyKnowsThisScheme:totallyopaquecontent"
            },
            Case("Require: 100rel", 420, "100rel") { $0.headers = ["Require: 100rel"] },
        ]

        @Test("INVITEs", arguments: cases)
        func invite(_ refusal: Case) async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                var call = MetaCall()
                refusal.change(&call)
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == refusal.status)
                #expect(answer.warning.contains(refusal.says), "\(answer.warning)")
                #expect(answer.headers.to?.tag != nil)
                if refusal.status == 420 { #expect(answer.headers.value("Unsupported") == "100rel") }
                if refusal.status == 415 { #expect(answer.headers.value("Accept") == "application/sdp") }
                try await wire.send(call.ack(answer))
                await test.settled()
                #expect(test.edge.counters[.callsRefused] == 1)
                #expect(test.edge.counters[.callsStarted] == 0)
                await wire.close()
            }
        }

        @Test(
            "requests outside a dialog",
            arguments: [
                ("OPTIONS", 200), ("REGISTER", 405), ("MESSAGE", 405), ("SUBSCRIBE", 405), ("BREW", 501), ("BYE", 405),
            ])
        func outside(method: String, status: Int) async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                let call = MetaCall()
                try await wire.send(call.request(method, uri: call.uri, sequence: 1))
                let answer = try await wire.response()
                #expect(answer.status == status)
                #expect(answer.headers.value("Allow")?.contains("INVITE") == true)
                await test.settled()
                await wire.close()
            }
        }

        @Test("requests inside a dialog that is not there", arguments: ["BYE", "INFO", "INVITE", "UPDATE", "OPTIONS"])
        func noDialog(method: String) async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                var call = MetaCall()
                call.to += ";tag=gone"
                try await wire.send(call.request(method, uri: call.uri, sequence: 1))
                #expect(try await wire.response().status == 481)
                #expect(test.edge.counters[.requestsOutsideDialog] == 1)
                await wire.close()
            }
        }

        @Test("a CANCEL of nothing")
        func cancelOfNothing() async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                try await wire.send(MetaCall().cancel)
                #expect(try await wire.response().status == 481)
                await wire.close()
            }
        }

        @Test("a re-INVITE gets 488 and the call lives on")
        func reinvite() async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                let again = call.request("INVITE", branch: "z9hG4bKPjre", sequence: 9_990, body: call.sdp)
                try await wire.send(again)
                let answer = try await wire.response()
                #expect(answer.status == 488)
                #expect(answer.warning.contains("Media is settled once per call"))
                try await wire.send(call.request("ACK", branch: "z9hG4bKPjre", sequence: 9_990))
                #expect(await test.edge.activeCalls == 1)
                try await wire.send(call.request("BYE", sequence: 9_991))
                #expect(try await wire.response().status == 200)
                await wire.close()
            }
        }

        @Test("more calls than the limit: 503 and when to come back")
        func limit() async throws {
            try await TestEdge.run(limits: EdgeLimits(calls: 1)) { test in
                try await test.duringCall {
                    let wire = try await test.wire()
                    let call = MetaCall()
                    try await wire.send(call.invite)
                    let answer = try await wire.response()
                    #expect(answer.status == 503)
                    #expect(answer.headers.value("Retry-After") == "10")
                    #expect(test.edge.counters[.callsShed] == 1)
                    try await wire.send(call.ack(answer))
                    await wire.close()
                }
            }
        }

        @Test("while stopping: 503, and calls end")
        func draining() async throws {
            try await TestEdge.run { test in
                let caller = try await TestEdge.caller()
                let answered = Inbox<Response>()
                async let report = caller.place(
                    test.call {
                        $0.talk = .seconds(50)
                        $0.onAnswered = { answered.push($0) }
                    })
                _ = await answered.next()
                test.edge.startDraining()
                let wire = try await test.wire()
                let call = MetaCall()
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == 503)
                #expect(answer.headers.value("Retry-After") == "30")
                try await wire.send(call.ack(answer))
                try await wire.send(call.options)
                #expect(try await wire.response().status == 503)
                let edge = test.edge
                try await testGracefulShutdown { trigger in
                    trigger.triggerGracefulShutdown()
                    try await edge.run()
                }
                #expect(try await report.outcome == .talked(endedByUs: false))
                await wire.ended()
                await caller.shutdown()
            }
        }

        @Test("a number that is added while we run")
        func routing() async throws {
            try await TestEdge.run(RoutingTable()) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                let refused = try await wire.response()
                #expect(refused.status == 404)
                try await wire.send(call.ack(refused))
                test.edge.update(routing: TestEdge.echo)
                #expect(await test.edge.activeCalls == 0)  // the update has been taken
                call = MetaCall()
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == 200)
                call.answered(answer)
                try await wire.send(call.ack)
                // Calls in progress do not notice.
                test.edge.update(routing: RoutingTable())
                try await wire.send(call.bye())
                #expect(try await wire.response().status == 200)
                await wire.close()
            }
        }
    }
}
