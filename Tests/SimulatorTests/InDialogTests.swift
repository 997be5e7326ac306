import SIPCore
import SIPEdge
import Simulators
import Testing

extension SimulatorSuite {
    /// Each rule about a business's requests in a call, broken on purpose (meta-calling §7.3, §7.5).
    @Suite("What Meta refuses within a call") struct InDialogTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let rule: MetaRule
            let status: Int
            /// The request, from the script of a call that is up.
            let request: @Sendable (BusinessScript) -> String

            init(
                _ description: String, _ rule: MetaRule, _ status: Int,
                _ request: @escaping @Sendable (BusinessScript) -> String
            ) {
                testDescription = description
                self.rule = rule
                self.status = status
                self.request = request
            }
        }

        private static func bye(
            _ script: BusinessScript, _ change: (inout BusinessScript) -> Void = { _ in }
        ) -> String {
            var script = script
            change(&script)
            return script.request("BYE", cseq: script.cseq + 1)
        }

        static let cases = [
            Case("BYE without Route", .routeSet, 404) { bye($0) { $0.routes = [] } },
            Case("BYE with the Routes in Meta's order", .routeSet, 404) { bye($0) { $0.routes.reverse() } },
            Case("BYE with one Route", .routeSet, 404) { bye($0) { $0.routes.removeLast() } },
            Case("BYE with a Route that was written anew", .routeSet, 404) {
                bye($0) { $0.routes = $0.routes.map { $0.replacing(";transport=tls;lr", with: ";lr;transport=tls") } }
            },
            Case("BYE without Contact's parameters", .remoteTarget, 404) {
                bye($0) { $0.target = "sip:\(Example.user)@wa.meta.vc;transport=tls" }
            },
            Case("BYE without the tier parameter", .remoteTarget, 404) {
                bye($0) { $0.target = "sip:\(Example.user)@wa.meta.vc;transport=tls;ob" }
            },
            Case("BYE in another call", .noDialog, 481) { bye($0) { $0.callID = "other@example.com" } },
            Case("BYE with an old CSeq", .inDialogCSeq, 500) { $0.request("BYE", cseq: 1) },
            Case("re-INVITE", .reINVITE, 500) {
                $0.request(
                    "INVITE", cseq: $0.cseq + 1, headers: ["Contact: \($0.contact ?? "")"], body: $0.sdp)
            },
            Case("UPDATE", .inDialogMethod, 405) { $0.request("UPDATE", cseq: $0.cseq + 1) },
            Case("INFO", .inDialogMethod, 405) { $0.request("INFO", cseq: $0.cseq + 1) },
            Case("REFER", .inDialogMethod, 405) {
                $0.request("REFER", cseq: $0.cseq + 1, headers: ["Refer-To: <sip:someone@example.com>"])
            },
            Case("PRACK", .inDialogMethod, 405) {
                $0.request("PRACK", cseq: $0.cseq + 1, headers: ["RAck: 1 2 INVITE"])
            },
            Case("OPTIONS", .optionsUnanswered, 405) { $0.request("OPTIONS", cseq: $0.cseq + 1) },
        ]

        @Test("each gets its answer, and the call goes on", arguments: cases)
        func refused(_ example: Case) async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                try await business.call(&script)
                try await business.wire.send(example.request(script))
                let answer = try await business.wire.response()
                #expect(answer.status == example.status)
                #expect(await meta.rules == [example.rule])
                // Any request with a new CSeq number but the BYE left the call as it was.
                try await business.wire.send(script.request("BYE", cseq: script.cseq + 2))
                #expect(try await business.wire.response().status == 200)
                #expect(await meta.nextTakenCall()?.outcome == .talked(endedByUser: false))
                await business.wire.close()
            }
        }

        struct ACK: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let rule: MetaRule
            let ack: @Sendable (BusinessScript) -> String?
        }

        static let acks = [
            ACK(testDescription: "no ACK", rule: .ackMissing) { _ in nil },
            ACK(testDescription: "ACK without Route", rule: .routeSet) { script in
                var script = script
                script.routes = []
                return script.ack
            },
            ACK(testDescription: "ACK to the Request-URI of the INVITE", rule: .remoteTarget) { script in
                var script = script
                script.target = script.uri
                return script.ack
            },
            ACK(testDescription: "ACK with another CSeq", rule: .ackCSeq) { $0.request("ACK", cseq: $0.cseq - 1) },
            ACK(testDescription: "ACK on the INVITE's branch", rule: .ackBranch) {
                $0.request("ACK", cseq: $0.cseq, branch: $0.branch)
            },
        ]

        @Test("an ACK that never arrives: the 200 again and again, then BYE", arguments: acks)
        func ack(_ example: ACK) async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                script.answered(try await business.invite(&script))
                if let ack = example.ack(script) { try await business.wire.send(ack) }
                for _ in 0..<3 { _ = try await business.wire.response(200, to: .invite) }
                let bye = try await business.wire.request(.bye)
                try await business.wire.send(String(decoding: bye.response(200).encoded(), as: UTF8.self))
                #expect(await meta.nextTakenCall()?.outcome == .neverAcknowledged)
                #expect(await meta.rules == [example.rule, .ackMissing])
                await business.wire.close()
            }
        }

        @Test("a challenge or refusal without ACK")
        func refusalACK() async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                try await business.wire.send(BusinessScript().invite)
                _ = try await business.wire.response(407)
                try await eventually { await meta.rules == [.refusalACKMissing] }
                await business.wire.close()
            }
        }

        @Test(
            "Route as Meta's lines want it, however they look", arguments: RecordRouteGame.allCases,
            ContactGame.allCases)
        func games(_ routes: RecordRouteGame, _ contact: ContactGame) async throws {
            let behaviour = UserBehaviour(recordRoutes: routes, contact: contact)
            try await MetaSimulator.run(behaviour: behaviour) { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                try await business.call(&script)
                try await business.wire.send(script.request("BYE", cseq: script.cseq + 1))
                #expect(try await business.wire.response(to: .bye).status == 200)
                #expect(await meta.violations == [])
                await business.wire.close()
            }
        }
    }
}
