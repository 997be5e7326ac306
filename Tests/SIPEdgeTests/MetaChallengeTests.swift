import Media
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    @Suite("A number whose calls from Meta are challenged") struct MetaChallengeTests {
        private static let password = MetaHost.password

        private static func routing(password: String? = password) -> RoutingTable {
            var table = TestEdge.echo
            table.trunks[TestEdge.number] = TrunkNumber(
                credentials: password.map { DigestCredentials(username: "15550100001", password: $0) }, challenge: true)
            return table
        }

        private func credentials(
            _ challenge: Response, algorithm: DigestAlgorithm = .md5, password: String = password,
            uri: String = "sip:+15550100001@sip.example.com", method: SIPCore.Method = .invite, nc: UInt32 = 1
        ) throws -> String {
            let all = try challenge.headers.all(.proxyAuthenticate).map { try DigestChallenge(parsing: $0) }
            let chosen = try #require(all.first { $0.algorithm == algorithm })
            let answer = try #require(
                DigestAnswer(
                    to: chosen, credentials: DigestCredentials(username: "15550100001", password: password),
                    method: method, uri: uri, cnonce: "cn-example-01", nc: nc))
            return "Proxy-Authorization: \(answer.headerValue)"
        }

        @Test("without credentials 407, MD5 and SHA-256, and neither call nor port is spent")
        func challenged() async throws {
            try await TestEdge.run(Self.routing()) { test in
                let wire = try await test.wire()
                let call = MetaCall()
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == 407)
                let challenges = try answer.headers.all(.proxyAuthenticate).map { try DigestChallenge(parsing: $0) }
                #expect(challenges.map(\.algorithm) == [.md5, .sha256])
                #expect(challenges.allSatisfy { $0.realm == TestEdge.hostname && !$0.stale })
                #expect(Set(challenges.map(\.nonce)).count == 2)
                #expect(answer.headers.value("Warning") == nil)
                try await wire.send(call.ack(answer))
                await test.settled()
                #expect(test.edge.counters[.invitesChallenged] == 1)
                #expect(test.edge.counters[.callsStarted] == 0)
                #expect(test.edge.counters[.callsRefused] == 0)
                let media = await test.media.currentStatistics()
                #expect(media.sessions == 0 && media.legs == 0)
                await wire.close()
            }
        }

        @Test("the right answer is let in", arguments: [DigestAlgorithm.md5, .sha256])
        func answered(algorithm: DigestAlgorithm) async throws {
            try await TestEdge.run(Self.routing()) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                let challenge = try await wire.response()
                try await wire.send(call.ack(challenge))
                call.again()
                call.headers = [try credentials(challenge, algorithm: algorithm)]
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == 200)
                call.answered(answer)
                // ACK and BYE carry none, and are not asked.
                call.headers = []
                try await wire.send(call.ack)
                try await wire.send(call.bye())
                #expect(try await wire.response().status == 200)
                await wire.close()
            }
        }

        @Test("a WhatsApp user's call with the password")
        func stoodIn() async throws {
            try await TestEdge.run(Self.routing()) { test in
                let caller = try await TestEdge.caller()
                let report = try await caller.place(test.call { $0.password = Self.password })
                await caller.shutdown()
                #expect(report.isSuccess)
            }
        }

        struct Wrong: CustomTestStringConvertible {
            let testDescription: String
            var password = MetaChallengeTests.password
            var uri = "sip:+15550100001@sip.example.com"
            var method = SIPCore.Method.invite
            var change: @Sendable (String) -> String = { $0 }
            let status: Int
        }

        @Test(
            "answers that are not let in",
            arguments: [
                Wrong(testDescription: "wrong password", password: "another", status: 403),
                Wrong(testDescription: "for another method", method: .bye, status: 403),
                Wrong(testDescription: "for another number", uri: "sip:+15550100002@sip.example.com", status: 400),
                Wrong(
                    testDescription: "another user",
                    change: { $0.replacing("\"15550100001\"", with: "\"15550100002\"") },
                    status: 403),
                Wrong(
                    testDescription: "another nonce", change: { $0.replacing("nonce=\"", with: "nonce=\"x") },
                    status: 407),
                Wrong(testDescription: "unreadable", change: { _ in "Proxy-Authorization: Digest ===" }, status: 400),
                Wrong(
                    testDescription: "of another realm",
                    change: { $0.replacing("realm=\"sip.example.com\"", with: "realm=\"wa.meta.vc\"") }, status: 407),
            ])
        func refused(row: Wrong) async throws {
            try await TestEdge.run(Self.routing()) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                let challenge = try await wire.response()
                try await wire.send(call.ack(challenge))
                call.again()
                call.headers = [
                    row.change(try credentials(challenge, password: row.password, uri: row.uri, method: row.method))
                ]
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == row.status)
                #expect(answer.headers.value("Warning") == nil, "the sender is not told what was wrong")
                try await wire.send(call.ack(answer))
                await test.settled()
                #expect(test.edge.counters[.invitesUnauthenticated] == (row.status == 407 ? 0 : 1))
                #expect(test.edge.counters[.callsStarted] == 0)
                await wire.close()
            }
        }

        @Test("an answer that was let in once is not let in again")
        func replayed() async throws {
            try await TestEdge.run(Self.routing()) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                let challenge = try await wire.response()
                try await wire.send(call.ack(challenge))
                let line = try credentials(challenge)
                call.again()
                call.headers = [line]
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == 200)
                var thief = MetaCall()
                thief.headers = [line]
                try await wire.send(thief.invite)
                let refused = try await wire.response()
                #expect(refused.status == 403)
                try await wire.send(thief.ack(refused))
                call.answered(answer)
                call.headers = []
                try await wire.send(call.ack)
                try await wire.send(call.bye())
                #expect(try await wire.response().status == 200)
                await wire.close()
            }
        }

        @Test("a number whose password cannot be read lets nobody in")
        func unreadable() async throws {
            try await TestEdge.run(Self.routing(password: nil)) { test in
                let wire = try await test.wire()
                let call = MetaCall()
                try await wire.send(call.invite)
                let answer = try await wire.response()
                #expect(answer.status == 503)
                #expect(answer.warning.contains("password"))
                try await wire.send(call.ack(answer))
                await wire.close()
            }
        }

        @Test("a CANCEL of a challenged number's call needs no password")
        func cancelled() async throws {
            let pbx = try await RelayTests.pbx(.ringForever)
            let peer = await RelayTests.peer(pbx, .tcp)
            try await TestEdge.run(MetaHost.routing(to: peer, challenge: true)) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                let challenge = try await wire.response()
                try await wire.send(call.ack(challenge))
                call.again()
                call.headers = [try credentials(challenge)]
                try await wire.send(call.invite)
                _ = try await wire.response(180)
                try await wire.send(call.cancel)
                try await wire.send(call.ack(try await wire.response(487)))
                await wire.close()
            }
            await pbx.shutdown()
        }
    }
}

extension MetaCall {
    /// The INVITE once more in the same dialog: CSeq one higher, another branch (meta-calling §6.3).
    fileprivate mutating func again() {
        cseq += 1
        branch = "z9hG4bKPj\(IDSource.random.next())"
    }
}
