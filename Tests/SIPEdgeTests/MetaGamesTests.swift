import Media
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    /// What Meta's side may do, and what it should not: calls go on or end in order, and the edge breaks no rule of Meta's.
    @Suite("Meta's games and faults, calls of WhatsApp users") struct MetaGamesTests {
        @Test(
            "Record-Route and Contact of any kind, the edge hangs up over a connection of its own",
            arguments: RecordRouteGame.allCases, ContactGame.allCases)
        func routes(_ routes: RecordRouteGame, _ contact: ContactGame) async throws {
            try await TestEdge.withMeta { test, meta in
                let answered = Inbox<Response>()
                let call = test.call {
                    $0.talk = .seconds(30)
                    $0.recordRoutes = routes
                    $0.contact = contact
                    $0.onAnswered = { answered.push($0) }
                }
                async let report = meta.place(call)
                _ = await answered.next()
                try await meta.packets(3)
                test.edge.hangUpAll()
                let ended = try await report
                #expect(ended.outcome == .talked(endedByUs: false))
                #expect(ended.ending?.headers[first: .reason]?.hasPrefix("Q.850;cause=16") == true)
                #expect(ended.media.ssrcs.count == 1)
            }
        }

        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            var outcome = WhatsAppCallReport.Outcome.talked(endedByUs: true)
            var expecting: Set<MetaRule> = []
            var answersRepeat = false
            /// Media starts with the ACK.
            var hears = true
            let change: @Sendable (inout WhatsAppCall) -> Void
        }

        static let cases = [
            Case(testDescription: "the INVITE twice") { $0.faults.repeatsINVITE = true },
            Case(testDescription: "the ACK twice") { $0.faults.duplicateACK = true },
            Case(testDescription: "a late ACK", answersRepeat: true) {
                $0.faults.ackAfter = .milliseconds(200)
                $0.talk = .milliseconds(500)
            },
            Case(testDescription: "no ACK", outcome: .talked(endedByUs: false), answersRepeat: true, hears: false) {
                $0.faults.noACK = true
                $0.talk = .seconds(20)
            },
            Case(
                testDescription: "an ACK with another tag", outcome: .talked(endedByUs: false), answersRepeat: true,
                hears: false
            ) {
                $0.faults.ackWithWrongTag = true
                $0.talk = .seconds(20)
            },
            Case(testDescription: "CANCEL after the 200") { $0.faults.cancelsAfterAnswer = true },
            Case(testDescription: "a Route of Meta's inner network") { $0.faults.leavesRoute = true },
            Case(testDescription: "BYE over another connection") { $0.faults.byeOverNewConnection = true },
            Case(testDescription: "BYE from another address of Meta's") { $0.faults.byeFrom = "127.69.171.15" },
            Case(testDescription: "the connection closed in mid-call") { $0.faults.closesAfter = .milliseconds(100) },
            Case(testDescription: "the connection reset in mid-call") { $0.faults.resetsAfter = .milliseconds(100) },
            Case(testDescription: "Meta's media first") { $0.faults.media.sendsFirst = true },
            Case(testDescription: "a caller who sends nothing") { $0.faults.media.silent = true },
            Case(testDescription: "media that does not authenticate") { $0.faults.media.wrongKeys = true },
            Case(testDescription: "media that stops") { $0.faults.media.stopsAfter = .milliseconds(100) },
            Case(testDescription: "another SSRC in mid-call") { $0.faults.media.changesSSRCAfter = .milliseconds(100) },
        ]

        @Test("each", arguments: cases)
        func fault(_ example: Case) async throws {
            try await TestEdge.withMeta(expecting: example.expecting) { test, meta in
                let report = try await meta.place(
                    test.call {
                        $0.says = Self.tone
                        example.change(&$0)
                    })
                #expect(report.outcome == example.outcome)
                #expect((report.answersRepeated > 0) == example.answersRepeat)
                #expect(report.media.ssrcs.count == (example.hears ? 1 : 0) && report.media.breaks == 0)
                #expect(await test.edge.activeCalls == 0)
            }
        }

        /// Made once: it costs an encoder.
        private static let tone = try? Prompt.tone(hertz: 1_000, seconds: 1)

        @Test("BYE instead of CANCEL while it rings")
        func byeWhileRinging() async throws {
            let pbx = try await RelayTests.pbx(.ringForever)
            let peer = await RelayTests.peer(pbx, .tcp)
            try await TestEdge.withMeta(TestEdge.relay(to: peer)) { test, meta in
                let report = try await meta.place(
                    test.call {
                        $0.patience = .milliseconds(200)
                        $0.faults.byeWhileRinging = true
                    })
                #expect(report.outcome == .gaveUp)
                #expect(report.response?.status == 487)
                try await eventually { await pbx.cancelled == 1 }
            }
            await pbx.shutdown()
        }

        @Test("Meta's watchdog is not woken by an edge that echoes a silent caller")
        func watchdog() async throws {
            let watchdogs = MetaWatchdogs(atStart: .milliseconds(300), later: .milliseconds(500))
            try await TestEdge.withMeta(settings: { $0.watchdogs = watchdogs }) { test, meta in
                let report = try await meta.place(
                    test.call {
                        $0.talk = .seconds(2)
                        $0.faults.media.silent = true
                    })
                #expect(report.outcome == .talked(endedByUs: true))
                #expect(report.statistics.packetsReceived > 80)
            }
        }
    }
}
