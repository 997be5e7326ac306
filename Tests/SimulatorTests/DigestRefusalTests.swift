import SIPCore
import SIPEdge
import Simulators
import Testing

extension SimulatorSuite {
    /// Each rule about the answer to Meta's challenge, broken on purpose (meta-calling §6.1, §6.2).
    @Suite("What Meta refuses of credentials") struct DigestRefusalTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let rule: MetaRule
            var authorize: @Sendable (inout BusinessScript, Response) throws -> Void

            init(
                _ description: String, _ rule: MetaRule,
                _ authorize: @escaping @Sendable (inout BusinessScript, Response) throws -> Void
            ) {
                testDescription = description
                self.rule = rule
                self.authorize = authorize
            }
        }

        static let cases = [
            Case("a wrong password", .digestResponse) { try $0.authorize($1, password: "wrong") },
            Case("the user name with +", .digestUsername) { try $0.authorize($1, username: "+15550100001") },
            Case("another number's user name", .digestUsername) { try $0.authorize($1, username: "15550100002") },
            Case("another uri", .digestURI) { try $0.authorize($1, uri: "sip:+15550100198@wa.meta.vc") },
            Case("another realm", .digestRealm) { try $0.authorize($1) { $0.realm = "example.com" } },
            Case("an invented nonce", .digestNonce) { try $0.authorize($1) { $0.nonce = "0000000000000000" } },
            Case("the other challenge's opaque", .digestPairing) { script, challenge in
                let other = challenge.digestChallenges.last?.opaque
                try script.authorize(challenge) { $0.opaque = other }
            },
            Case("MD5 with the nonce of SHA-256", .digestPairing) { script, challenge in
                try script.authorize(challenge) { $0.algorithm = .md5 }
            },
            Case("no qop", .digestForm) { try $0.authorize($1) { $0.qop = nil } },
            Case("no readable answer", .digestForm) { script, challenge in
                try script.authorize(challenge)
                script.headers = ["Proxy-Authorization: Digest username=\"15550100001\""]
            },
            Case("both challenges answered", .digestSeveral) { script, challenge in
                var other = script
                try other.authorize(challenge, algorithm: .md5)
                try script.authorize(challenge)
                script.headers += other.headers
            },
        ]

        @Test("each gets 403 and no new challenge", arguments: cases)
        func refused(_ example: Case) async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                let answer = try await business.invite(&script, authorize: example.authorize)
                #expect(answer.status == 403)
                #expect(answer.reason == "Invalid digest auth response")
                #expect(answer.digestChallenges.isEmpty)
                #expect(await meta.rules == [example.rule])
                await business.wire.close()
            }
        }

        @Test("the same nonce twice with the same count; with the next one it is good")
        func replay() async throws {
            try await MetaSimulator.run(behaviour: UserBehaviour(.reject(486, after: .zero))) { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                let challenge = try await business.challenge(&script)
                for (nc, status) in [(1, 486), (2, 486), (2, 403)] {
                    try script.authorize(challenge, nc: UInt32(nc))
                    try await business.wire.send(script.invite)
                    let answer = try await business.wire.response(to: .invite)
                    #expect(answer.status == status)
                    try await business.wire.send(script.ack(refusal: answer))
                }
                #expect(await meta.rules.contains(.digestReplay))
                await business.wire.close()
            }
        }

        @Test(
            "the answer must follow on the challenged INVITE",
            arguments: [
                ("the same CSeq", { @Sendable (script: inout BusinessScript) in script.cseq -= 1 }),
                ("a CSeq further on", { @Sendable (script: inout BusinessScript) in script.cseq += 1 }),
                (
                    "another Call-ID",
                    { @Sendable (script: inout BusinessScript) in script.callID = "other@example.com" }
                ),
            ])
        func order(_ name: String, _ change: @Sendable (inout BusinessScript) -> Void) async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                _ = try await business.invite(&script) {
                    try $0.authorize($1)
                    change(&$0)
                }
                #expect(await meta.rules == [.digestCSeq], "\(name)")
                await business.wire.close()
            }
        }

        @Test("who answers a challenge for another realm has given his hash away")
        func rogue() async throws {
            try await MetaSimulator.run({ $0.challenge.shape = .rogueRealm }) { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                let challenge = try await business.challenge(&script)
                #expect(challenge.digestChallenges.map(\.realm) == ["evil.example"])
                try script.authorize(challenge, algorithm: .md5)
                try await business.wire.send(script.invite)
                #expect(try await business.wire.response().status == 403)
                #expect(await meta.rules == [.digestRogueRealm])
                await business.wire.close()
            }
        }

        struct Shape: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let change: @Sendable (inout ChallengeFaults) -> Void
            let algorithms: [DigestAlgorithm]
            var status = 407
        }

        @Test(
            "other challenges",
            arguments: [
                Shape(testDescription: "MD5 alone", change: { $0.shape = .md5Only }, algorithms: [.md5]),
                Shape(testDescription: "SHA-256 alone", change: { $0.shape = .sha256Only }, algorithms: [.sha256]),
                Shape(testDescription: "401", change: { $0.as401 = true }, algorithms: [.sha256, .md5], status: 401),
                Shape(
                    testDescription: "an algorithm nobody has", change: { $0.shape = .unknownAlgorithm },
                    algorithms: [.other("SHA-512-256")]),
            ])
        func shapes(_ shape: Shape) async throws {
            try await MetaSimulator.run({ shape.change(&$0.challenge) }) { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                let challenge = try await business.challenge(&script)
                #expect(challenge.status == shape.status)
                #expect(challenge.digestChallenges.map(\.algorithm) == shape.algorithms)
                if shape.algorithms != [.other("SHA-512-256")] {
                    try script.authorize(challenge, algorithm: shape.algorithms[0])
                    try await business.wire.send(script.invite)
                    #expect(try await business.wire.response().status == 200)
                }
                #expect(await meta.violations == [])
                await business.wire.close()
            }
        }

        @Test("a stale nonce is answered by a new challenge, once or for ever")
        func stale() async throws {
            for endless in [false, true] {
                try await MetaSimulator.run({
                    $0.challenge.staleOnce = !endless
                    $0.challenge.endless = endless
                }) { meta in
                    let business = try await Business(meta)
                    var script = BusinessScript()
                    var challenge = try await business.challenge(&script)
                    for round in 0..<3 {
                        try script.authorize(challenge)
                        try await business.wire.send(script.invite)
                        let answer = try await business.wire.response(to: .invite)
                        if !endless, round == 1 {
                            #expect(answer.status == 200)
                            break
                        }
                        #expect(answer.status == 407 && answer.digestChallenges.allSatisfy(\.stale))
                        try await business.wire.send(script.ack(refusal: answer))
                        challenge = answer
                    }
                    #expect(await meta.violations == [])
                    await business.wire.close()
                }
            }
        }
    }
}
