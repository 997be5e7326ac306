import Media
import NIOCore
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    @Suite("Several peers for one number") struct SeveralPeersTests {
        static let first = "127.61.0.31"
        static let second = "127.61.0.32"

        /// Two PBXs, `a` before `b`; the body runs with an edge that has both.
        private static func run(
            _ a: PBXStandIn.Behaviour, _ b: PBXStandIn.Behaviour = .echo, transport: Peer.Transport = .tcp,
            spread: Spread = .order, change: (inout Peer) -> Void = { _ in },
            _ body: (TestEdge, PBXStandIn, PBXStandIn) async throws -> Void
        ) async throws {
            let pbxA = try await RelayTests.pbx(a, address: first)
            let pbxB = try await RelayTests.pbx(b, address: second)
            var peerA = await RelayTests.peer(pbxA, transport)
            var peerB = await RelayTests.peer(pbxB, transport)
            (peerA.name, peerB.name) = ("a", "b")
            change(&peerA)
            change(&peerB)
            try await TestEdge.run(routing([peerA, peerB], spread)) { try await body($0, pbxA, pbxB) }
            await pbxA.shutdown()
            await pbxB.shutdown()
        }

        private static func routing(_ peers: [Peer], _ spread: Spread = .order) -> RoutingTable {
            RoutingTable(
                numbers: [TestEdge.number: .peers(peers.map { .init($0.name) }, spread, extension: nil)],
                peers: Dictionary(uniqueKeysWithValues: peers.map { ($0.name, $0) }))
        }

        private static func call(
            _ test: TestEdge, _ change: (inout WhatsAppCall) -> Void = { _ in }
        ) async throws -> WhatsAppCallReport {
            let caller = try await TestEdge.caller()
            let report = try await caller.place(test.call(change))
            await caller.shutdown()
            return report
        }

        struct Answer: Sendable, CustomTestStringConvertible {
            let status: Int
            let movesOn: Bool
            var testDescription: String { "\(status) \(movesOn ? "moves on" : "is the answer")" }
        }

        @Test(
            "which answers move the call on to the next peer",
            arguments: [
                Answer(status: 503, movesOn: true), .init(status: 500, movesOn: true),
                .init(status: 504, movesOn: true), .init(status: 408, movesOn: true),
                .init(status: 486, movesOn: false), .init(status: 404, movesOn: false),
                .init(status: 480, movesOn: false), .init(status: 488, movesOn: false),
                .init(status: 302, movesOn: false), .init(status: 600, movesOn: false),
                .init(status: 603, movesOn: false),
            ])
        func answers(_ answer: Answer) async throws {
            try await Self.run(.reject(answer.status)) { test, a, b in
                let report = try await Self.call(test)
                #expect(report.isSuccess == answer.movesOn)
                #expect(await a.invites.count == 1)
                let taken = await b.invites
                #expect(taken.count == (answer.movesOn ? 1 : 0))
                #expect(test.edge.counters[.peerFailovers] == (answer.movesOn ? 1 : 0))
                #expect(test.edge.counters[.peerAttemptsFailed] == (answer.movesOn ? 1 : 0))
                // Each attempt is a dialog of its own.
                let tried = await a.invites + taken
                #expect(Set(tried.compactMap(\.headers.callID)).count == tried.count)
                #expect(Set(tried.compactMap(\.headers.from?.tag)).count == tried.count)
            }
        }

        @Test("nobody listens at the first", arguments: [Peer.Transport.tcp, .tls])
        func refused(transport: Peer.Transport) async throws {
            let pbx = try await RelayTests.pbx(address: Self.second)
            let dead = Peer(
                name: "dead", host: Self.first, port: try await TestEdge.freePort(Self.first), transport: transport)
            let peer = await RelayTests.peer(pbx, transport)
            try await TestEdge.run(Self.routing([dead, peer])) { test in
                let tone = try Prompt.tone(hertz: 1_000, seconds: 1)
                let report = try await Self.call(test) {
                    $0.says = tone
                    $0.talk = .seconds(1)
                }
                #expect(report.isSuccess)
                #expect(report.statistics.packetsReceived > 25, "media both ways after the second attempt")
                #expect(test.edge.counters[.peerFailovers] == 1)
            }
            await pbx.shutdown()
        }

        @Test("the first is silent over UDP; its 200 comes too late and is hung up")
        func silent() async throws {
            let silent = try await Datagrams(address: Self.first)
            let pbx = try await RelayTests.pbx(address: Self.second)
            let peer = await RelayTests.peer(pbx, .udp)
            let dead = Peer(name: "silent", host: Self.first, port: silent.port)
            try await TestEdge.run(Self.routing([dead, peer])) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                let invite = try await silent.request(.invite)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                let late = invite.response(
                    200, toTag: "late",
                    headers: [HeaderField(name: .contact, value: "<sip:late@\(Self.first):\(silent.port)>")])
                try await silent.send(late.encoded(), to: TestEdge.address, test.peerPort)
                _ = try await silent.request(.ack)
                let bye = try await silent.request(.bye)
                try await silent.send(bye.response(200).encoded(), to: TestEdge.address, test.peerPort)
                #expect(await pbx.activeCalls == 1)
                #expect(await test.edge.activeCalls == 1)
                try await wire.send(call.bye())
                _ = try await wire.response(200)
                await wire.close()
            }
            await silent.close()
            await pbx.shutdown()
        }

        @Test("503 after ringing still moves the call on; the caller hears ringing once")
        func rangBefore() async throws {
            let first = try await Datagrams(address: Self.first)
            let pbx = try await RelayTests.pbx(address: Self.second)
            let peers = [Peer(name: "first", host: Self.first, port: first.port), await RelayTests.peer(pbx, .udp)]
            try await TestEdge.run(Self.routing(peers)) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                let invite = try await first.request(.invite)
                try await first.send(
                    invite.response(180, toTag: "x").encoded(), to: TestEdge.address, test.peerPort)
                _ = try await wire.response(180)
                try await first.send(
                    invite.response(503, toTag: "x").encoded(), to: TestEdge.address, test.peerPort)
                _ = try await first.request(.ack)
                // Anything but the 200 next would be a second 180.
                let next = try await wire.response()
                #expect(next.status == 200)
                call.answered(next)
                try await wire.send(call.ack)
                try await wire.send(call.bye())
                _ = try await wire.response(200)
                await wire.close()
            }
            await first.close()
            await pbx.shutdown()
        }

        @Test("the caller gives up while the second rings: no third attempt")
        func cancel() async throws {
            try await Self.run(.reject(503), .ringForever) { test, _, b in
                let report = try await Self.call(test) { $0.patience = .milliseconds(300) }
                #expect(report.outcome == .gaveUp)
                await test.edge.settle { $0.dialogs == 0 }
                #expect(await b.cancelled == 1)
                #expect(test.edge.counters[.peerFailovers] == 1)
            }
        }

        @Test("the ring time is for all attempts together")
        func ringTime() async throws {
            try await Self.run(.reject(503), .ringForever, change: { $0.ringTimeout = .milliseconds(400) }) {
                test, _, b in
                let report = try await Self.call(test)
                #expect(report.response?.status == 480)
                await test.edge.settle { $0.dialogs == 0 }
                #expect(await b.cancelled == 1)
            }
        }

        @Test("all fail: what a PBX said tells more than that the other is not there")
        func allFail() async throws {
            let pbx = try await RelayTests.pbx(.reject(500), address: Self.first)
            let dead = Peer(
                name: "dead", host: Self.second, port: try await TestEdge.freePort(Self.second), transport: .tcp)
            try await TestEdge.run(Self.routing([await RelayTests.peer(pbx, .tcp), dead])) { test in
                let report = try await Self.call(test)
                let response = try #require(report.response)
                #expect(response.status == 503)
                #expect(response.warning.contains("the PBX failed"))
                #expect(response.headers.value("Retry-After") != nil)
                #expect(test.edge.counters[.peerAttemptsFailed] == 2)
                await test.settled()
            }
            await pbx.shutdown()
        }

        @Test("by caller: the same user always reaches the same PBX, users are shared out")
        func hash() async throws {
            try await Self.run(.echo, spread: .hash) { test, a, b in
                let caller = try await TestEdge.caller()
                var seen: Set<Bool> = []
                for user in 0..<6 {
                    let before = await a.invites.count
                    for _ in 0..<2 {
                        let report = try await caller.place(
                            test.call {
                                $0.user = "+1555010019\(user)"
                                $0.talk = .milliseconds(50)
                            })
                        #expect(report.isSuccess)
                    }
                    let taken = await a.invites.count - before
                    #expect(taken == 0 || taken == 2)
                    seen.insert(taken == 2)
                }
                #expect(seen.count == 2, "all went to one PBX")
                await caller.shutdown()
                let both = (await a.invites.count, await b.invites.count)
                #expect(both.0 + both.1 == 12)
            }
        }

        @Test("a PBX with as many calls as it may have is passed over; when all have, 503 with Retry-After")
        func caps() async throws {
            try await Self.run(.echo, change: { $0.maximumCalls = 1 }) { test, a, b in
                let caller = try await TestEdge.caller()
                let answered = Inbox<Response>()
                let long = test.call {
                    $0.talk = .seconds(50)
                    $0.onAnswered = { answered.push($0) }
                }
                async let one = caller.place(long)
                _ = await answered.next()
                #expect(await a.activeCalls == 1)
                async let two = caller.place(long)
                _ = await answered.next()
                #expect(await b.activeCalls == 1)
                #expect(await test.edge.peers.map(\.calls) == [1, 1])
                let third = try await caller.place(test.call())
                let response = try #require(third.response)
                #expect(response.status == 503)
                #expect(response.headers.value("Retry-After") != nil)
                #expect(response.warning.contains("as many calls as it may"))
                #expect(test.edge.counters[.callsRefusedPeersFull] == 1)
                await a.hangUpAll()
                _ = try await one
                await test.edge.settlePeers { $0.map(\.calls) == [0, 1] }
                let last = try await caller.place(test.call())
                #expect(last.isSuccess)
                #expect(await a.invites.count == 2)
                await b.hangUpAll()
                _ = try await two
                await caller.shutdown()
            }
        }

        @Test("calls per second")
        func rate() async throws {
            try await Self.run(.echo, change: { $0.maximumCallsPerSecond = 1 }) { test, a, b in
                let caller = try await TestEdge.caller()
                var successes = 0
                for _ in 0..<3 where try await caller.place(test.call { $0.talk = .milliseconds(50) }).isSuccess {
                    successes += 1
                }
                await caller.shutdown()
                // Less than a second for three; one each, unless this machine is very slow.
                let taken = (await a.invites.count, await b.invites.count)
                #expect(taken.0 >= 1 && taken.1 >= 1)
                #expect(taken.0 + taken.1 == successes)
            }
        }

        @Test("OPTIONS: a PBX that is down gets no calls until it is back", arguments: [Peer.Transport.udp, .tcp])
        func qualify(transport: Peer.Transport) async throws {
            try await Self.run(.echo, transport: transport, change: { $0.qualifyInterval = .milliseconds(40) }) {
                test, a, b in
                await test.edge.settlePeers { $0.map(\.state) == [.up, .up] }
                let report1 = try await Self.call(test)
                #expect(report1.isSuccess)
                #expect(await a.invites.count == 1)
                await a.answerOptions(503)
                await test.edge.settlePeers { $0.map(\.state) == [.down, .up] }
                let report2 = try await Self.call(test)
                #expect(report2.isSuccess)
                #expect(await a.invites.count == 1)
                #expect(await b.invites.count == 1)
                #expect(test.edge.counters[.peerFailovers] == 0, "it was not even tried")
                await a.answerOptions(404)
                await test.edge.settlePeers { $0.map(\.state) == [.up, .up] }
                let report3 = try await Self.call(test)
                #expect(report3.isSuccess)
                #expect(await a.invites.count == 2)
                let status = await test.edge.peers
                #expect(status.map(\.name) == ["a", "b"])
                #expect(status[0].addresses.first?.hasPrefix("\(Self.first):") == true)
                #expect(status[0].roundTrip ?? .seconds(9) < .seconds(1))
            }
        }

        @Test("all are down: tried nevertheless")
        func allDown() async throws {
            try await Self.run(.echo, change: { $0.qualifyInterval = .milliseconds(40) }) { test, a, b in
                await a.answerOptions(503)
                await b.answerOptions(503)
                await test.edge.settlePeers { $0.map(\.state) == [.down, .down] }
                let report4 = try await Self.call(test)
                #expect(report4.isSuccess)
            }
        }

        @Test("a changed record of a peer counts its calls on")
        func changedRecord() async throws {
            try await Self.run(.echo) { test, a, _ in
                let caller = try await TestEdge.caller()
                let answered = Inbox<Response>()
                async let one = caller.place(
                    test.call {
                        $0.talk = .seconds(50)
                        $0.onAnswered = { answered.push($0) }
                    })
                _ = await answered.next()
                var peer = await RelayTests.peer(a, .tcp)
                peer.name = "a"
                peer.maximumCalls = 1
                test.edge.update(routing: Self.routing([peer]))
                let second = try await caller.place(test.call())
                #expect(second.response?.status == 503)
                await a.hangUpAll()
                _ = try await one
                await test.edge.settlePeers { $0.map(\.calls) == [0] }
                await caller.shutdown()
            }
        }

        @Test("a PBX that asks for the password", arguments: ["pbx.example.com", "another"])
        func challenged(realm: String) async throws {
            let pbx = try await RelayTests.pbx(.challenge(password: "EXAMPLE-peer-password"), address: Self.first)
            var peer = await RelayTests.peer(pbx, .udp)
            peer.credentials = PeerCredentials(user: "ibis", password: "EXAMPLE-peer-password", realm: realm)
            try await TestEdge.run(Self.routing([peer])) { test in
                let report = try await Self.call(test)
                #expect(report.isSuccess == (realm == "pbx.example.com"))
                let invites = await pbx.invites
                #expect(invites.count == (realm == "pbx.example.com" ? 2 : 1))
                let answers = invites.compactMap { $0.headers.value("Proxy-Authorization") }
                #expect(answers.count == invites.count - 1, "to no other realm")
                #expect(answers.allSatisfy { $0.contains("username=\"ibis\"") })
            }
            await pbx.shutdown()
        }

        @Test("plain RTP and SRTP over each transport", arguments: Peer.Transport.allCases, [false, true])
        func media(transport: Peer.Transport, secure: Bool) async throws {
            let pbx = try await RelayTests.pbx(address: Self.first)
            var peer = await RelayTests.peer(pbx, transport)
            peer.secureMedia = secure
            try await TestEdge.run(Self.routing([peer])) { test in
                let tone = try Prompt.tone(hertz: 1_000, seconds: 1, levelDBFS: -12)
                let report = try await Self.call(test) {
                    $0.says = tone
                    $0.talk = .seconds(1.5)
                    $0.recordSeconds = 2
                }
                #expect(report.isSuccess)
                let heard = try #require(report.heard)
                let tail = ToneAnalysis.analyse(Array(heard.samples.dropFirst(24_000).prefix(24_000)), rate: 48_000)
                #expect(abs(tail.peakHz - 1_000) < 5)
                let offer = String(decoding: try #require(await pbx.invites.first).body, as: UTF8.self)
                #expect(offer.contains(secure ? " RTP/SAVP " : " RTP/AVP "))
                #expect(offer.contains("a=crypto:") == secure)
            }
            await pbx.shutdown()
        }

        @Test("IPv4 peers at a socket of IPv6")
        func mapped() async throws {
            let pbx = try await RelayTests.pbx(.hangUp(after: .milliseconds(300)), address: Self.first)
            var peer = await RelayTests.peer(pbx, .udp)
            peer.qualifyInterval = .milliseconds(40)
            try await TestEdge.run(Self.routing([peer]), peerAddress: "::ffff:\(TestEdge.address)") { test in
                await test.edge.settlePeers { $0.map(\.state) == [.up] }
                // The BYE comes from the PBX: it is let in, and belongs to the dialog.
                let report = try await Self.call(test) { $0.talk = .seconds(30) }
                #expect(report.outcome == .talked(endedByUs: false))
                #expect(test.edge.counters[.datagramsRefusedSource] == 0)
            }
            await pbx.shutdown()
        }

        @Test("an IPv6 peer is asked at its address, and found again when it moved to another port")
        func sixthVersion() async throws {
            let first = try await Datagrams(address: "::1")
            var peer = Peer(name: "six", host: "::1", port: first.port, qualifyInterval: .milliseconds(40))
            try await TestEdge.run(Self.routing([peer]), peerAddress: "::1") { test in
                let options = try await first.request(.options)
                #expect(options.uri.description == "sip:[::1]:\(first.port)")
                #expect(options.headers.value("Via")?.hasPrefix("SIP/2.0/UDP [::1]:\(test.peerPort);") == true)
                try await first.send(options.response(486, toTag: "x").encoded(), to: "::1", test.peerPort)
                await test.edge.settlePeers { $0.map(\.state) == [.up] }
                #expect(await test.edge.peers.first?.addresses == ["[::1]:\(first.port)"])
                let second = try await Datagrams(address: "::1")
                peer.port = second.port
                test.edge.update(routing: Self.routing([peer]))
                _ = try await second.request(.options)
                #expect(await test.edge.peers.first?.state == .unknown)
                await second.close()
            }
            await first.close()
        }
    }
}
