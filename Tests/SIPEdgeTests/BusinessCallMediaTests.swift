import Media
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    /// Against the simulator of Meta, which notes each rule of the trunk that is broken.
    @Suite("A call to a WhatsApp user, with media") struct BusinessCallMediaTests {
        private static func run(
            _ behaviour: UserBehaviour, transport: Peer.Transport = .tcp, secure: Bool = false,
            _ body: (BusinessCallTests.Scene, MetaSimulator) async throws -> Void
        ) async throws {
            let simulator = try await MetaSimulator(
                MetaSettings(
                    address: "127.69.171.40",
                    numbers: [MetaNumber(TestEdge.number, hostname: TestEdge.hostname, password: MetaHost.password)]),
                behaviour: behaviour)
            let pbx = try await RelayTests.pbx()
            var peer = await RelayTests.peer(pbx, transport)
            peer.secureMedia = secure
            let trunk = MetaTrunkConfiguration(
                host: simulator.settings.address, port: simulator.port, trustRootsFile: simulator.authorityFile)
            let unused = try await MetaHost(address: "127.69.171.41")
            try await TestEdge.run(MetaHost.routing(to: peer), meta: trunk) { test in
                try await body(.init(test: test, pbx: pbx, meta: unused), simulator)
            }
            await unused.server.close()
            await pbx.shutdown()
            await simulator.shutdown()
        }

        struct Way: CustomTestStringConvertible {
            let transport: Peer.Transport
            let secure: Bool
            var testDescription: String { "\(transport)\(secure ? ", SRTP" : "")" }
        }

        @Test(
            "tones both ways, and not one of Meta's rules is broken",
            arguments: [
                Way(transport: .udp, secure: false), Way(transport: .tcp, secure: false),
                Way(transport: .tcp, secure: true),
            ])
        func tones(way: Way) async throws {
            let behaviour = UserBehaviour(
                .answer(after: .milliseconds(100)), says: try Prompt.tone(hertz: 700, seconds: 1, levelDBFS: -12),
                recordSeconds: 4)
            try await Self.run(behaviour, transport: way.transport, secure: way.secure) { scene, simulator in
                let tone = try Prompt.tone(hertz: 1_200, seconds: 1, levelDBFS: -12)
                let report = try await scene.dial {
                    $0.target.transport = way.transport == .udp ? .udp : .tcp
                    $0.secure = way.secure
                    $0.says = tone
                    $0.talk = .seconds(2)
                    $0.recordSeconds = 4
                }
                #expect(report.outcome == .talked(endedByUs: true))
                #expect(report.ringing != nil)
                #expect(report.statistics.lost == 0)
                hears(report.heard, 700)
                let taken = try #require(await simulator.nextTakenCall())
                #expect(taken.outcome == .talked(endedByUser: false))
                #expect(taken.algorithm == "SHA-256")
                #expect(taken.violations.isEmpty, "\(taken.violations)")
                #expect(taken.statistics.lost == 0)
                hears(taken.heard, 1_200)
                let first = try #require(taken.firstMedia)
                #expect(first < .milliseconds(100), "the first packet came after \(first)")
                #expect(await simulator.violations.isEmpty)
            }
        }

        private func hears(
            _ recording: DecodedRecording?, _ hertz: Double, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            guard let samples = recording?.samples, samples.count > 72_000 else {
                Issue.record("nothing was heard", sourceLocation: sourceLocation)
                return
            }
            let tail = ToneAnalysis.analyse(Array(samples.dropFirst(24_000).prefix(48_000)), rate: 48_000)
            #expect(abs(tail.peakHz - hertz) < 5, sourceLocation: sourceLocation)
            #expect(abs(tail.levelDBFS + 12) < 3, sourceLocation: sourceLocation)
        }

        @Test("the user hangs up: BYE to the PBX")
        func userHangsUp() async throws {
            try await Self.run(UserBehaviour(talk: .milliseconds(300))) { scene, simulator in
                let report = try await scene.dial { $0.talk = .seconds(30) }
                #expect(report.outcome == .talked(endedByUs: false))
                let taken = try #require(await simulator.nextTakenCall())
                #expect(taken.outcome == .talked(endedByUser: true))
                #expect(taken.violations.isEmpty, "\(taken.violations)")
            }
        }

        @Test("the edge hangs up: both sides hear BYE")
        func edgeHangsUp() async throws {
            try await Self.run(UserBehaviour()) { scene, simulator in
                let answered = Inbox<Response>()
                async let report = scene.dial {
                    $0.talk = .seconds(30)
                    $0.onAnswered = { answered.push($0) }
                }
                _ = await answered.next()
                scene.test.edge.hangUpAll()
                #expect(try await report.outcome == .talked(endedByUs: false))
                let taken = try #require(await simulator.nextTakenCall())
                #expect(taken.outcome == .talked(endedByUser: false))
            }
        }

        @Test("calls one after the other use one connection, and a new one when Meta has closed it")
        func connections() async throws {
            try await Self.run(UserBehaviour()) { scene, simulator in
                for round in 0..<3 {
                    let report = try await scene.dial()
                    #expect(report.outcome == .talked(endedByUs: true), "call \(round)")
                    _ = await simulator.nextTakenCall()
                    await scene.test.edge.settle { $0.dialogs == 0 }
                    if round == 1 { await simulator.closeConnections() }
                }
                #expect(await simulator.violations.isEmpty)
            }
        }

        @Test("a user who sends nothing any more is hung up on by us, as in a call of his own")
        func silent() async throws {
            // The test's edge says "no media" after a second; the limit here is the same second.
            let host = try await MetaHost(address: "127.69.171.42")
            let pbx = try await RelayTests.pbx()
            let peer = await RelayTests.peer(pbx, .tcp)
            try await TestEdge.run(
                MetaHost.routing(to: peer), limits: EdgeLimits(mediaTimeout: .seconds(1)), meta: host.trunk()
            ) { test in
                let scene = BusinessCallTests.Scene(test: test, pbx: pbx, meta: host)
                async let report = scene.dial { $0.talk = .seconds(30) }
                let wire = try await host.server.next()
                try await wire.send(MetaHost.answer(try await wire.challenge()))
                _ = try await wire.request(.ack)
                let bye = try await wire.request(.bye)
                #expect(bye.headers.value("Reason")?.hasPrefix("Q.850;cause=102") == true)
                try await wire.send(bye.response(200))
                #expect(try await report.outcome == .talked(endedByUs: false))
                #expect(test.edge.counters[.callsSilent] == 1)
            }
            await pbx.shutdown()
            await host.server.close()
        }
    }
}
