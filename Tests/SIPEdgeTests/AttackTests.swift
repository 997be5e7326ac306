import Media
import NIOCore
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    @Suite("Forged, looped and too many requests") struct AttackTests {
        static let otherPBX = "127.61.0.21"

        /// Echo for the number, and two PBXs that are let in.
        static let peers = RoutingTable(
            numbers: TestEdge.echo.numbers,
            peers: [
                "pbx": Peer(name: "pbx", host: RelayTests.pbxAddress), "other": Peer(name: "other", host: otherPBX),
            ])

        @Test("a BYE for Meta's dialog: from Meta's ranges it ends the call, from a PBX it is a 481")
        func forgedBye() async throws {
            try await TestEdge.run(Self.peers) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                let forger = try await Wire.connect(to: TestEdge.address, test.peerPort, from: RelayTests.pbxAddress)
                try await forger.send(call.bye())
                #expect(try await forger.response().status == 481)
                #expect(test.edge.counters[.messagesFromElsewhere] == 1)
                #expect(await test.edge.activeCalls == 1)
                let elsewhere = try await test.wire(from: "127.69.171.77")
                try await elsewhere.send(call.bye())
                #expect(try await elsewhere.response().status == 200)
                await test.edge.settle { $0.calls == 0 }
                for wire in [wire, forger, elsewhere] { await wire.close() }
            }
        }

        @Test("a BYE for the PBX's dialog: from another PBX and from Meta's side it is a 481")
        func forgedByeToPeer() async throws {
            let pbx = try await RelayTests.pbx()
            let peer = await RelayTests.peer(pbx, .udp)
            var routing = TestEdge.relay(to: peer)
            routing.peers["other"] = Peer(name: "other", host: Self.otherPBX)
            try await TestEdge.run(routing) { test in
                try await test.duringCall {
                    let invite = try #require(await pbx.invites.first)
                    var forged = MetaCall()
                    forged.to = invite.headers.value("From") ?? ""
                    let bye = forged.request("BYE", uri: "sip:ibis@\(TestEdge.address)", sequence: 77)
                        .replacing("Call-ID: \(forged.callID)", with: "Call-ID: \(invite.headers.callID ?? "")")
                    let other = try await Wire.connect(to: TestEdge.address, test.peerPort, from: Self.otherPBX)
                    let meta = try await test.wire(from: "127.69.171.77")
                    for (number, wire) in [other, meta].enumerated() {
                        try await wire.send(bye.replacing("z9hG4bKPj", with: "z9hG4bK\(number)"))
                        #expect(try await wire.response().status == 481)
                        #expect(test.edge.counters[.messagesFromElsewhere] == number + 1)
                        await wire.close()
                    }
                    #expect(await test.edge.activeCalls == 1)
                }
            }
            await pbx.shutdown()
        }

        @Test("a CANCEL counts from the INVITE's own host alone")
        func forgedCancel() async throws {
            let pbx = try await RelayTests.pbx(.ringForever)
            let peer = await RelayTests.peer(pbx, .udp)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let wire = try await test.wire()
                let call = MetaCall()
                try await wire.send(call.invite)
                _ = try await wire.response(180)
                let forger = try await Wire.connect(to: TestEdge.address, test.peerPort, from: RelayTests.pbxAddress)
                let meta = try await test.wire(from: "127.69.171.77")
                for (number, wire) in [forger, meta].enumerated() {
                    try await wire.send(call.cancel)
                    #expect(try await wire.response().status == 481)
                    #expect(test.edge.counters[.cancelsUnmatched] == number + 1)
                    await wire.close()
                }
                #expect(await test.edge.activeCalls == 1)
                try await wire.send(call.cancel)
                var statuses: Set<Int> = [try await wire.response().status]
                let second = try await wire.response()
                statuses.insert(second.status)
                #expect(statuses == [200, 487])
                await wire.close()
            }
            await pbx.shutdown()
        }

        @Test("the same INVITE on another branch is a 482, and one call is enough")
        func merged() async throws {
            try await TestEdge.run { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                var copy = call
                copy.to = MetaCall().to
                copy.branch += "b"
                try await wire.send(copy.invite)
                let answer = try await wire.response()
                #expect(answer.status == 482)
                #expect(answer.warning.contains("by another way"))
                try await wire.send(copy.ack(answer))
                #expect(test.edge.counters[.invitesMerged] == 1)
                #expect(await test.edge.activeCalls == 1)
                try await wire.send(call.bye())
                #expect(try await wire.response().status == 200)
                await wire.close()
            }
        }

        @Test(
            "Max-Forwards: one less for the PBX, and 0 is a 483",
            arguments: [("0", 483, nil), ("5", 0, "4"), ("255", 0, "70")])
        func maxForwards(received: String, status: Int, sent: String?) async throws {
            let signalling = try await Datagrams(address: RelayTests.pbxAddress)
            let peer = Peer(name: "pbx", host: RelayTests.pbxAddress, port: signalling.port)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let wire = try await test.wire()
                let call = MetaCall()
                try await wire.send(call.invite.replacing("Max-Forwards: 69", with: "Max-Forwards: \(received)"))
                if let sent {
                    let invite = try await signalling.request(.invite)
                    #expect(invite.headers.value("Max-Forwards") == sent)
                    try await signalling.send(
                        invite.response(404, toTag: "x").encoded(), to: TestEdge.address, test.peerPort)
                }
                let answer = try await wire.response()
                #expect(status == 0 || answer.status == status)
                #expect(test.edge.counters[.invitesLooped] == (status == 483 ? 1 : 0))
                try await wire.send(call.ack(answer))
                await wire.close()
            }
            await signalling.close()
        }

        @Test("our own INVITE that comes back is a 482")
        func loop() async throws {
            let signalling = try await Datagrams(address: RelayTests.pbxAddress)
            let peer = Peer(name: "pbx", host: RelayTests.pbxAddress, port: signalling.port)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let wire = try await test.wire()
                let call = MetaCall()
                try await wire.send(call.invite)
                let invite = try await signalling.request(.invite)
                var back = invite
                back.headers.prepend(
                    .via, "SIP/2.0/UDP \(RelayTests.pbxAddress):\(signalling.port);branch=z9hG4bKproxy")
                try await signalling.send(back.encoded(), to: TestEdge.address, test.peerPort)
                var status = 0
                while status < 200 {
                    let octets = try await signalling.next()
                    if case .response(let response) = try Message(parsing: octets.span) {
                        status = response.status
                        try await signalling.send(
                            Array(Self.ack(response, of: back).utf8), to: TestEdge.address, test.peerPort)
                    }
                }
                #expect(status == 482)
                #expect(test.edge.counters[.invitesLooped] == 1)
                try await signalling.send(
                    invite.response(404, toTag: "x").encoded(), to: TestEdge.address, test.peerPort)
                try await wire.send(call.ack(try await wire.response()))
                await wire.close()
            }
            await signalling.close()
        }

        private static func ack(_ response: Response, of invite: Request) -> String {
            MetaCall.lines([
                "ACK \(invite.uri) SIP/2.0", "Via: \(invite.headers.values("Via")[0])",
                "From: \(invite.headers.value("From") ?? "")", "To: \(response.headers.value("To") ?? "")",
                "Call-ID: \(invite.headers.callID ?? "")", "CSeq: \(invite.headers.cseq?.number ?? 1) ACK",
                "Content-Length: 0", "",
            ])
        }

        @Test("a source over its rate: 503 without a transaction, its calls and other sources go on")
        func rate() async throws {
            let limits = EdgeLimits(callsPerSecond: 100, callsPerSecondPerSource: 5, maximumLag: .zero)
            try await TestEdge.run(limits: limits) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                let flood = (0..<200).map { _ in MetaCall() }
                try await wire.send(flood.map { $0.invite.replacing("sip:+15550100001@", with: "sip:x@") }.joined())
                var statuses: [String: Int] = [:]
                while statuses.count < flood.count {
                    let answer = try await wire.response()
                    statuses[answer.headers.callID ?? ""] = answer.status
                    if answer.status == 503 { #expect(answer.headers.value("Retry-After") == "2") }
                }
                let shed = statuses.values.count { $0 == 503 }
                #expect(shed > 150)
                #expect(test.edge.counters[.invitesShedSourceRate] == shed)
                let another = try await test.wire(from: "127.69.171.78")
                var second = MetaCall()
                try await another.send(second.invite)
                second.answered(try await another.response())
                #expect(!second.remoteTarget.isEmpty)
                try await another.send(second.ack)
                try await another.send(second.bye())
                #expect(try await another.response().status == 200)
                try await wire.send(call.bye())
                while try await wire.response().headers.callID != call.callID {}
                await another.close()
                await wire.close()
            }
        }

        @Test("more transactions than the limit: 503 without one")
        func transactions() async throws {
            let pbx = try await RelayTests.pbx(.ringForever)
            let peer = await RelayTests.peer(pbx, .udp)
            try await TestEdge.run(TestEdge.relay(to: peer), limits: EdgeLimits(maximumLag: .zero, transactions: 1)) {
                test in
                let wire = try await test.wire()
                let first = MetaCall()
                try await wire.send(first.invite)
                _ = try await wire.response(180)
                try await wire.send(MetaCall().invite)
                let answer = try await wire.response()
                #expect(answer.status == 503)
                #expect(answer.headers.value("Retry-After") == "10")
                #expect(test.edge.counters[.transactionsShed] == 1)
                try await wire.send(first.cancel)
                _ = try await wire.response(487)
                await wire.close()
            }
            await pbx.shutdown()
        }
    }
}
