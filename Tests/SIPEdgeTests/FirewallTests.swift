import SIPCore
import SIPEdge
import Testing

extension EdgeSuite {
    /// What the PBX does in a call ends here: Meta's side gets no message of it, and one stream without a gap.
    @Suite("What the PBX does in mid-call") struct FirewallTests {
        /// A call that is answered, and its three ends.
        private struct Talk {
            let test: TestEdge
            let pbx: ScriptedPBX
            var call: ScriptedPBX.Call
            let invite: Request
            let stream: StreamWatch
        }

        /// The body runs in mid-call; then the caller hangs up, and nothing but the answer to his BYE may have come.
        /// - Parameter body: gives the dialog of the PBX that has the call in the end.
        private func talking(
            sourceLocation: SourceLocation = #_sourceLocation, _ body: (inout Talk) async throws -> ScriptedPBX.Call
        ) async throws {
            let socket = try await ScriptedPBX(edge: 0)
            try await TestEdge.run(TestEdge.relay(to: socket.peer)) { test in
                let pbx = socket.facing(test.peerPort)
                let wire = try await test.wire()
                let stream = try await StreamWatch(address: "127.69.171.11")
                var meta = MetaCall()
                meta.mediaPort = stream.socket.port
                try await wire.send(meta.invite)
                let invite = try await pbx.signalling.request(.invite)
                try await pbx.answer(invite, 200, toTag: "pbx", body: pbx.sdp())
                meta.answered(try await wire.response(200))
                try await wire.send(meta.ack)
                let ack = try await pbx.signalling.request(.ack)
                await stream.more(5)
                var talk = Talk(
                    test: test, pbx: pbx, call: .init(pbx, invite: invite, ack: ack), invite: invite, stream: stream)
                let last = try await body(&talk)
                await stream.more(10)
                #expect(stream.ssrcs.count == 1, sourceLocation: sourceLocation)
                #expect(stream.breaks.isEmpty, "\(stream.breaks)", sourceLocation: sourceLocation)
                try await wire.send(meta.bye())
                // Our 200 may have been repeated before the ACK was there.
                var isOver = false
                while !isOver {
                    switch try await wire.next() {
                    case .request(let request):
                        Issue.record("Meta was sent \(request.method)", sourceLocation: sourceLocation)
                        isOver = true
                    case .response(let response): isOver = response.headers.cseq?.method == .bye
                    }
                }
                let bye = try await pbx.signalling.request(.bye)
                #expect(bye.headers.callID == last.callID, sourceLocation: sourceLocation)
                try await pbx.answer(bye, 200)
                await wire.close()
                await stream.close()
            }
            await socket.close()
        }

        @Test("the INVITE offers what a PBX may use, and Meta's answer none of it")
        func extensions() async throws {
            try await talking { talk in
                #expect(talk.invite.headers.value("Supported") == "100rel, norefersub, timer")
                #expect(talk.invite.headers.value("Session-Expires") == "1800")
                #expect(talk.invite.headers.value("Allow")?.contains("UPDATE") == true)
                return talk.call
            }
        }

        @Test("hold and resume, by re-INVITE and UPDATE, with a direction and with 0.0.0.0")
        func hold() async throws {
            try await talking { talk in
                let pbx = talk.pbx
                for (offer, answer) in [
                    (pbx.sdp("sendonly"), "a=recvonly"), (pbx.sdp("inactive"), "a=inactive"),
                    (pbx.sdp("sendrecv", address: "0.0.0.0"), "a=recvonly"), (pbx.sdp(), "a=sendrecv"),
                ] {
                    let response = try await talk.call.reinvite(body: offer)
                    #expect(response.status == 200 && response.text.contains(answer), "\(response.text)")
                    await talk.stream.more(5)
                    try await talk.call.send("UPDATE", body: offer)
                    #expect(try await pbx.response(.update).text.contains(answer))
                }
                // Resumed: the PBX hears the caller again.
                _ = try await pbx.media.next()
                return talk.call
            }
        }

        @Test("another codec than Opus is refused, and the call goes on")
        func codec() async throws {
            try await talking { talk in
                let offer = talk.pbx.sdp().replacing("111 101", with: "8 101").replacing(
                    "111 opus/48000/2", with: "8 PCMA/8000")
                let response = try await talk.call.reinvite(body: offer)
                #expect(response.status == 488)
                return talk.call
            }
        }

        @Test("a re-INVITE without a description moves media by its ACK")
        func delayedOffer() async throws {
            try await talking { talk in
                let elsewhere = try await Datagrams(address: ScriptedPBX.address)
                let response = try await talk.call.reinvite(answer: talk.pbx.sdp(port: elsewhere.port))
                #expect(response.status == 200 && response.text.contains("a=sendrecv"))
                _ = try await elsewhere.next()
                await elsewhere.close()
                return talk.call
            }
        }

        @Test("connected line, session timer and other requests are answered here")
        func answered() async throws {
            try await talking { talk in
                let pbx = talk.pbx
                let identity = "P-Asserted-Identity: <sip:200@\(ScriptedPBX.address)>"
                let updated = try await talk.call.reinvite(headers: [identity], body: pbx.sdp())
                #expect(updated.status == 200)
                try await talk.call.send("UPDATE", headers: [identity])
                #expect(try await pbx.response(.update).status == 200)
                try await talk.call.send(
                    "UPDATE", headers: ["Supported: timer", "Session-Expires: 90;refresher=uac"])
                let refreshed = try await pbx.response(.update)
                #expect(refreshed.headers.value("Session-Expires") == "90;refresher=uac")
                #expect(refreshed.headers.value("Require") == "timer")
                try await talk.call.send("UPDATE", headers: ["Supported: timer", "Session-Expires: 30"])
                #expect(try await pbx.response(.update).status == 422)
                try await talk.call.send("OPTIONS")
                #expect(try await pbx.response(.options).status == 200)
                try await talk.call.send("MESSAGE", type: "text/plain", body: "hello")
                #expect(try await pbx.response("MESSAGE").status == 405)
                try await talk.call.send("NOTIFY", headers: ["Event: refer"])
                #expect(try await pbx.response(.notify).status == 481)
                return talk.call
            }
        }

        @Test("digits by INFO become digits of RFC 4733")
        func info() async throws {
            try await talking { talk in
                try await talk.call.send(
                    "INFO", type: "application/dtmf-relay", body: "Signal=5\r\nDuration=100\r\n")
                #expect(try await talk.pbx.response(.info).status == 200)
                await talk.stream.more(20)
                #expect(talk.stream.all.contains { $0.payloadType == 126 })
                try await talk.call.send("INFO", type: "text/plain", body: "5")
                #expect(try await talk.pbx.response(.info).status == 415)
                return talk.call
            }
        }

        @Test("ringing that must be acknowledged gets its PRACK; early media is nobody's")
        func reliable() async throws {
            let socket = try await ScriptedPBX(edge: 0)
            try await TestEdge.run(TestEdge.relay(to: socket.peer)) { test in
                let pbx = socket.facing(test.peerPort)
                let wire = try await test.wire()
                var meta = MetaCall()
                try await wire.send(meta.invite)
                let invite = try await pbx.signalling.request(.invite)
                try await pbx.answer(
                    invite, 183, toTag: "pbx",
                    headers: [HeaderField(name: .require, value: "100rel"), HeaderField(name: .rSeq, value: "41")],
                    body: pbx.sdp())
                let prack = try await pbx.signalling.request(.prack)
                #expect(prack.headers.value("RAck")?.hasPrefix("41 ") == true)
                try await pbx.answer(prack, 200)
                // 180 without a body, whatever the PBX sends.
                let ringing = try await wire.response(180)
                #expect(ringing.body.isEmpty && ringing.headers.value("Require") == nil)
                // The answer came with the 183.
                try await pbx.answer(invite, 200, toTag: "pbx")
                meta.answered(try await wire.response(200))
                try await wire.send(meta.ack)
                _ = try await pbx.media.next()
                try await wire.send(meta.bye())
                try await pbx.answer(try await pbx.signalling.request(.bye), 200)
                await wire.close()
            }
            await socket.close()
        }

        // MARK: Transfers

        @Test("a blind transfer: the target is called, media goes there, the old call is let go")
        func transfer() async throws {
            try await talking { talk in
                let pbx = talk.pbx
                let old = talk.call
                let elsewhere = try await Datagrams(address: ScriptedPBX.address)
                try await talk.call.send(
                    "REFER",
                    headers: [
                        "Refer-To: <sip:200@\(ScriptedPBX.address)>", "Referred-By: <sip:100@\(ScriptedPBX.address)>",
                    ])
                #expect(try await pbx.response(.refer).status == 202)
                // NOTIFY 100 and the INVITE in any order.
                var invite: Request?
                var notices: [String] = []
                func take(_ request: Request) async throws {
                    guard request.method == .notify else {
                        invite = request
                        return
                    }
                    notices.append(String(decoding: request.body, as: UTF8.self))
                    try await pbx.answer(request, 200)
                }
                while invite == nil || notices.isEmpty { try await take(try await pbx.next()) }
                let second = try #require(invite)
                #expect(second.uri.userWithoutParameters == "200")
                #expect(second.headers.value("Referred-By") == "<sip:100@\(ScriptedPBX.address)>")
                // The same port: Meta's side has no part in it.
                #expect(port(of: second) == port(of: talk.invite))
                try await pbx.answer(second, 180, toTag: "target")
                try await pbx.answer(second, 200, toTag: "target", body: pbx.sdp(port: elsewhere.port))
                let ack = try await pbx.signalling.request(.ack)
                #expect(ack.headers.callID == second.headers.callID)
                _ = try await elsewhere.next()
                var bye: Request?
                while bye == nil {
                    let request = try await pbx.next()
                    if request.method == .bye { bye = request } else { try await take(request) }
                }
                #expect(bye?.headers.callID == old.callID)
                #expect(notices.first == "SIP/2.0 100 Trying\r\n" && notices.last == "SIP/2.0 200 OK\r\n")
                if let bye { try await pbx.answer(bye, 200) }
                await talk.stream.more(10)
                await elsewhere.close()
                #expect(talk.test.edge.counters[.transfers] == 1)
                return ScriptedPBX.Call(pbx, invite: second, ack: ack)
            }
        }

        private func port(of invite: Request) -> Substring? {
            String(decoding: invite.body, as: UTF8.self).split(separator: "\r\n").first { $0.hasPrefix("m=audio") }
        }

        @Test("an attended transfer carries the dialog to be replaced")
        func attended() async throws {
            try await talking { talk in
                let pbx = talk.pbx
                try await talk.call.send(
                    "REFER",
                    headers: [
                        "Refer-To: <sip:200@\(ScriptedPBX.address)?Replaces=abc%40x%3Bto-tag%3Dt%3Bfrom-tag%3Df>",
                        "Refer-Sub: false",
                    ])
                #expect(try await pbx.response(.refer).headers.value("Refer-Sub") == "false")
                let invite = try await pbx.signalling.request(.invite)
                #expect(invite.headers.value("Replaces") == "abc@x;to-tag=t;from-tag=f")
                // Its target is gone: the old call goes on.
                try await pbx.answer(invite, 481, toTag: "target")
                _ = try await pbx.signalling.request(.ack)
                await talk.stream.more(5)
                return talk.call
            }
        }

        @Test(
            "a transfer to anywhere but a PBX of ours is refused",
            arguments: [
                ("<sip:200@192.0.2.1>", 403), ("<sip:+15550100099@wa.meta.vc>", 403), ("<tel:+15550100099>", 603),
                ("<sip:\(ScriptedPBX.address)>", 404), ("<sip:2%3B0@\(ScriptedPBX.address)>", 404), ("nobody", 400),
            ])
        func refused(target: String, status: Int) async throws {
            try await talking { talk in
                try await talk.call.send("REFER", headers: ["Refer-To: \(target)"])
                #expect(try await talk.pbx.response(.refer).status == status)
                return talk.call
            }
        }

        @Test("a PBX that hangs up before its transfer is done: the caller waits for the target")
        func departed() async throws {
            try await talking { talk in
                let pbx = talk.pbx
                try await talk.call.send("REFER", headers: ["Refer-To: <sip:200@\(TestEdge.address)>"])
                let invite = try await pbx.signalling.request(.invite)
                try await talk.call.send("BYE")
                #expect(try await pbx.response(.bye).status == 200)
                await talk.stream.more(5)
                try await pbx.answer(invite, 200, toTag: "target", body: pbx.sdp())
                let ack = try await pbx.signalling.request(.ack)
                return ScriptedPBX.Call(pbx, invite: invite, ack: ack)
            }
        }
    }
}

extension ScriptedPBX {
    /// The next request of the edge, repeated ones too.
    fileprivate func next() async throws -> Request {
        while true {
            let octets = try await signalling.next()
            if case .request(let request) = try Message(parsing: octets.span), request.method != .ack { return request }
        }
    }
}
