import Media
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    @Suite("A call that ends here") struct EchoCallTests {
        @Test("the greeting, then the caller's own voice")
        func echo() async throws {
            try await TestEdge.run { test in
                let caller = try await TestEdge.caller()
                let tone = try Prompt.tone(hertz: 1_000, seconds: 1, levelDBFS: -12)
                let report = try await caller.place(
                    test.call {
                        $0.says = tone
                        $0.talk = .seconds(3)
                        $0.recordSeconds = 5
                    })
                await caller.shutdown()
                #expect(report.outcome == .talked(endedByUs: true))
                #expect(report.trying != nil && report.ringing != nil)
                #expect(report.firstMedia != nil)
                #expect(report.statistics.lost == 0)
                let heard = try #require(report.heard)
                let greeting = ToneAnalysis.analyse(Array(heard.samples.dropFirst(4_800).prefix(9_600)), rate: 48_000)
                #expect(abs(greeting.peakHz - 440) < 5)
                let own = ToneAnalysis.analyse(Array(heard.samples.dropFirst(72_000).prefix(48_000)), rate: 48_000)
                #expect(abs(own.peakHz - 1_000) < 5)
                #expect(abs(own.levelDBFS + 12) < 3)
                #expect(test.edge.counters[.callsAnswered] == 1)
                await test.settled()
            }
        }

        @Test("we send first, and with the SSRC that the answer names")
        func firstPacket() async throws {
            try await TestEdge.run { test in
                let media = try await Datagrams(address: "127.69.171.11")
                let wire = try await test.wire()
                var call = MetaCall()
                call.mediaPort = media.port
                try await wire.send(call.invite)
                let answer = try await wire.response(200)
                call.answered(answer)
                try await wire.send(call.ack)
                let packet = try await media.next()
                #expect(packet.count > 12 && packet[0] == 0x80 && packet[1] & 0x7F == 111)
                let ssrc = packet.dropFirst(8).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                #expect(answer.text.contains("a=ssrc:\(ssrc) cname:"))
                try await wire.send(call.bye())
                #expect(try await wire.response().status == 200)
                await wire.close()
                await media.close()
            }
        }

        @Test("every header of the 200 is as Meta needs it")
        func answer() async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                let trying = try await wire.response(100)
                #expect(trying.headers.values("Via").dropFirst() == MetaCall.lowerVias[...])
                #expect(try await wire.response(180).body.isEmpty)
                let answer = try await wire.response(200)
                call.answered(answer)
                #expect(answer.headers.values("Record-Route") == MetaCall.recordRoutes)
                let vias = answer.headers.values("Via")
                #expect(vias.count == 3)
                #expect(vias[0].hasPrefix("SIP/2.0/TLS 198.51.100.20:5061;"))
                #expect(vias[0].contains("received=127.69.171.11") && vias[0].contains("rport="))
                #expect(Array(vias.dropFirst()) == MetaCall.lowerVias)
                #expect(answer.headers.value("From") == call.from)
                #expect(answer.headers.value("Call-ID") == call.callID)
                #expect(answer.headers.value("CSeq") == "9989 INVITE")
                #expect(
                    answer.headers.value("Contact")
                        == "<sip:+15550100001@sip.example.com:\(test.tlsPort);transport=tls>")
                #expect(answer.headers.value("Content-Type") == "application/sdp")
                try await wire.send(call.ack)
                try await wire.send(call.bye())
                #expect(try await wire.response().status == 200)
                await wire.close()
                check(answer.text)
            }
        }

        /// The form of meta-calling §12.1 (6).
        private func check(_ sdp: String) {
            #expect(sdp.hasSuffix("\r\n"))
            let lines = sdp.split(separator: "\r\n").map(String.init)
            let expected = [
                "v=0", "o=- ", "s=-", "c=IN IP4 127.61.0.1", "t=0 0", "a=group:BUNDLE audio", "m=audio ", "a=mid:audio",
                "a=rtcp-mux", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 ",
                "a=rtpmap:126 telephone-event/8000", "a=fmtp:126 0-16", "a=ptime:20", "a=maxptime:20", "a=ssrc:",
                "a=sendrecv",
            ]
            #expect(lines.count == expected.count)
            for (line, start) in zip(lines, expected) { #expect(line.hasPrefix(start)) }
            #expect(!sdp.contains("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"), "the key must be our own")
        }

        struct Oddity: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let change: @Sendable (inout MetaCall) -> Void
        }

        @Test(
            "calls that a strict stack refuses",
            arguments: [
                Oddity(testDescription: "a business-scoped user id") { $0.user = "US.13491208655302741918" },
                Oddity(testDescription: "no = at the end of the Call-ID") { $0.wacid = "wacid.HBgLabc" },
                Oddity(testDescription: "user parameters in the Request-URI") {
                    $0.uri = "sip:+15550100001;tgrp=abc;trunk-context=example.com@sip.example.com;transport=tls"
                },
                Oddity(testDescription: "a Request-URI without +") { $0.uri = "sip:15550100001@sip.example.com" },
                Oddity(testDescription: "a Route to an inner host") {
                    $0.headers = ["Route: <sip:onevc-sip-proxy-dev.fbinfra.net:8191;transport=tls;lr>"]
                },
                Oddity(testDescription: "a doubled Content-Type") { $0.headers = ["Content-Type: application/sdp"] },
                Oddity(testDescription: "media of IPv6 in the session's origin") {
                    $0.body = $0.sdp.replacing("IN IP4 127.0.0.1", with: "IN IP6 ::1")
                },
                Oddity(testDescription: "the suite with a short tag") {
                    $0.body = $0.sdp.replacing("SHA1_80", with: "SHA1_32")
                },
            ])
        func oddity(_ oddity: Oddity) async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                var call = MetaCall()
                oddity.change(&call)
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == 200)
                call.answered(answer)
                try await wire.send(call.ack)
                try await wire.send(call.bye())
                #expect(try await wire.response().status == 200)
                await wire.close()
            }
        }

        @Test("the edge hangs up: BYE with both Routes, by the connection of the call")
        func edgeHangsUp() async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                // The ACK is taken before what comes after it.
                try await wire.send(MetaCall("options").options)
                _ = try await wire.response(200)
                test.edge.hangUpAll()
                let bye = try await wire.request(.bye)
                #expect(bye.uri.description == "sip:+15550100199@wa.meta.vc;transport=tls;ob")
                #expect(bye.headers.values("Route") == MetaCall.recordRoutes)
                #expect(bye.headers.value("From") == call.to)
                #expect(bye.headers.value("To") == call.from)
                #expect(bye.headers.value("Reason")?.hasPrefix("Q.850;cause=16") == true)
                try await wire.send(bye.response(200).encoded())
                await test.edge.settle { $0.dialogs == 0 }
                await wire.close()
            }
        }

        @Test("an ACK that never comes ends the call, with a BYE")
        func noACK() async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                let call = MetaCall()
                try await wire.send(call.invite)
                _ = try await wire.response(200)
                let bye = try await wire.request(.bye)
                try await wire.send(bye.response(200).encoded())
                await test.settled()
                await wire.close()
            }
        }

        @Test("a caller of whom nothing is heard any more is hung up")
        func silence() async throws {
            try await TestEdge.run(limits: EdgeLimits(mediaTimeout: .seconds(2))) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                let bye = try await wire.request(.bye)
                #expect(bye.headers.value("Reason")?.hasPrefix("Q.850;cause=102") == true)
                #expect(test.edge.counters[.callsSilent] == 1)
                try await wire.send(bye.response(200).encoded())
                await wire.close()
            }
        }
    }
}

extension MetaCall {
    /// An OPTIONS of no dialog.
    var options: String { request("OPTIONS", uri: uri, sequence: 1) }
}
