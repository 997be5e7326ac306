import SIPCore
import SIPEdge
import Simulators
import Testing

extension SimulatorSuite {
    /// Each switch of a call to a WhatsApp user does what it says.
    @Suite("Meta's faults, calls to WhatsApp users") struct BusinessFaultTests {
        private static func run(
            _ act: UserBehaviour.Act = .answer(after: .zero), _ change: (inout CallFaults) -> Void,
            _ body: (MetaSimulator, Business, inout BusinessScript) async throws -> Void
        ) async throws {
            var faults = CallFaults()
            change(&faults)
            try await MetaSimulator.run(behaviour: UserBehaviour(act, faults: faults)) { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                try await body(meta, business, &script)
                await business.wire.close()
            }
        }

        @Test(
            "the user refuses",
            arguments: [(480, "did not answer"), (486, "declined"), (503, "Service Unavailable"), (408, "Timeout")])
        func refuses(_ status: Int, _ phrase: String) async throws {
            try await Self.run(.reject(status, after: .milliseconds(20)), { _ in }) { meta, business, script in
                let answer = try await business.invite(&script)
                #expect(answer.status == status && answer.reason.contains(phrase))
                #expect(await meta.nextTakenCall()?.outcome == .refused(status: status, reason: answer.reason))
                #expect(await meta.violations == [])
            }
        }

        @Test("the user picks up while the CANCEL is on its way")
        func glare() async throws {
            try await Self.run(.ring, { $0.answersCancelled = true }) { meta, business, script in
                let challenge = try await business.challenge(&script)
                try script.authorize(challenge)
                try await business.wire.send(script.invite)
                _ = try await business.wire.response(180)
                try await business.wire.send(script.cancel)
                #expect(try await business.wire.response(to: .cancel).status == 200)
                let answer = try await business.wire.response(to: .invite)
                #expect(answer.status == 200)
                script.answered(answer)
                try await business.wire.send(script.ack)
                try await business.wire.send(script.request("BYE", cseq: script.cseq + 1))
                #expect(try await business.wire.response(to: .bye).status == 200)
                let report = try #require(await meta.nextTakenCall())
                #expect(report.outcome == .talked(endedByUser: false) && report.violations == [])
            }
        }

        @Test("the 200 comes again, acknowledged or not")
        func duplicates() async throws {
            try await Self.run(.answer(after: .zero), { $0.duplicateAnswers = 2 }) { _, business, script in
                try await business.call(&script)
                for _ in 0..<2 { #expect(try await business.wire.response(200, to: .invite).headers.to?.tag != nil) }
            }
        }

        @Test("another phone of the user answers as well: ACK and BYE for it")
        func fork() async throws {
            try await Self.run(.answer(after: .zero), { $0.forks = true }) { meta, business, script in
                try await business.call(&script)
                let first = script.remoteTo
                var other = try await business.wire.response(200, to: .invite)
                while other.headers[first: .to] == first { other = try await business.wire.response(200, to: .invite) }
                var fork = script
                fork.answered(other)
                try await business.wire.send(fork.ack)
                try await business.wire.send(fork.request("BYE", cseq: fork.cseq + 1))
                _ = try await business.wire.response(to: .bye)
                try await business.wire.send(script.request("BYE", cseq: script.cseq + 1))
                _ = try await business.wire.response(to: .bye)
                let report = try #require(await meta.nextTakenCall())
                #expect(report.forkACKs == 1 && report.forkBYEs == 1)
                #expect(report.outcome == .talked(endedByUser: false) && report.violations == [])
            }
        }

        @Test("nothing is answered at all")
        func deaf() async throws {
            try await Self.run(.answer(after: .zero), { $0.deaf = true }) { meta, business, script in
                let challenge = try await business.challenge(&script)
                try script.authorize(challenge)
                try await business.wire.send(script.invite)
                _ = await meta.nextRinging()
                // The next request is heard, and its answer is the first to come.
                var other = BusinessScript()
                _ = try await business.challenge(&other)
            }
        }

        @Test("no ringing, SDP in a 183, a 200 without SDP, another crypto tag")
        func shapes() async throws {
            try await Self.run(.answer(after: .zero), { $0.answersWithoutRinging = true }) { _, business, script in
                let challenge = try await business.challenge(&script)
                try script.authorize(challenge)
                try await business.wire.send(script.invite)
                var statuses: [Int] = []
                while statuses.last != 200, case .response(let response) = try await business.wire.next() {
                    statuses.append(response.status)
                }
                #expect(statuses == [100, 200])
            }
            try await Self.run(.answer(after: .zero), { $0.earlyMedia = true }) { _, business, script in
                let challenge = try await business.challenge(&script)
                try script.authorize(challenge)
                try await business.wire.send(script.invite)
                #expect(try await business.wire.response(183).body.isEmpty == false)
            }
            try await Self.run(.answer(after: .zero), { $0.answersWithoutSDP = true }) { _, business, script in
                let answer = try await business.invite(&script)
                #expect(answer.isSuccess && answer.body.isEmpty)
            }
            try await Self.run(.answer(after: .zero), { $0.wrongCryptoTag = true }) { _, business, script in
                let answer = try await business.invite(&script)
                let description = try SessionDescription(parsing: answer.body.span)
                #expect(description.media.first?.cryptos.first?.tag == 8)
            }
        }

        @Test("the connection is closed or reset in mid-call; BYE then comes over another")
        func connections() async throws {
            for isReset in [false, true] {
                try await Self.run(
                    .answer(after: .zero),
                    {
                        if isReset { $0.resetsAfter = .milliseconds(50) } else { $0.closesAfter = .milliseconds(50) }
                    }
                ) { meta, business, script in
                    try await business.call(&script)
                    let failure = await business.wire.ended()
                    #expect((failure != nil) == isReset)
                    let again = try await Business(meta)
                    try await again.wire.send(script.request("BYE", cseq: script.cseq + 1))
                    #expect(try await again.wire.response(to: .bye).status == 200)
                    #expect(await meta.nextTakenCall()?.outcome == .talked(endedByUser: false))
                    await again.wire.close()
                }
            }
        }
    }
}
