import SIPCore
import SIPEdge
import Simulators
import Testing

extension SimulatorSuite {
    /// Each rule about what an edge answers to a WhatsApp user's call, broken on purpose (meta-calling §5.1, §5.3, §7.3, §8,
    /// §11).
    @Suite("What Meta refuses of an edge's answers") struct AnswerRefusalTests {
        enum Outcome: Sendable, Hashable {
            case talked, refused, unusable, gaveUp
        }

        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let rules: Set<MetaRule>
            let outcome: Outcome
            var call: @Sendable (inout WhatsAppCall) -> Void
            /// What the edge answers to the INVITE.
            let responses: @Sendable (Request, EdgeScript) -> [Response]

            init(
                _ description: String, _ rules: Set<MetaRule>, _ outcome: Outcome,
                call: @escaping @Sendable (inout WhatsAppCall) -> Void = { _ in },
                _ responses: @escaping @Sendable (Request, EdgeScript) -> [Response]
            ) {
                testDescription = description
                self.rules = rules
                self.outcome = outcome
                self.call = call
                self.responses = responses
            }
        }

        /// A good answer but for what is changed of its header fields.
        private static func ok(
            _ invite: Request, _ script: EdgeScript, _ change: (inout Response) -> Void
        ) -> [Response] {
            var answer = script.ok(invite)
            change(&answer)
            return [answer]
        }

        private static func ok(
            _ invite: Request, _ script: EdgeScript, script change: (inout EdgeScript) -> Void
        ) -> [Response] {
            var script = script
            change(&script)
            return [script.ok(invite)]
        }

        /// All values of that name replaced.
        private static func replacing(_ name: HeaderName, _ values: [String], in response: inout Response) {
            response.headers.remove(name)
            for value in values { response.headers.append(name, value) }
        }

        static let cases = messages + sessions

        static let messages = [
            Case("by the book", [], .talked) { [$1.answer($0, 100), $1.answer($0, 180), $1.ok($0)] },
            Case("own Record-Route on top", [], .talked) { invite, script in
                ok(invite, script) { response in
                    let routes = response.headers.recordRoutes
                    replacing(.recordRoute, ["<sip:proxy.example.com;transport=tls;lr>"] + routes, in: &response)
                }
            },
            Case("no Record-Route", [.recordRoute], .unusable) {
                ok($0, $1) { replacing(.recordRoute, [], in: &$0) }
            },
            Case("Record-Route the other way round", [.recordRoute], .unusable) {
                ok($0, $1) { replacing(.recordRoute, $0.headers.recordRoutes.reversed(), in: &$0) }
            },
            Case("one Record-Route", [.recordRoute], .unusable) {
                ok($0, $1) { replacing(.recordRoute, Array($0.headers.recordRoutes.prefix(1)), in: &$0) }
            },
            Case("Record-Route that was written anew", [.recordRoute], .unusable) {
                ok($0, $1) { response in
                    let routes = response.headers.recordRoutes.map {
                        $0.replacing(";transport=tls;lr", with: ";lr;transport=tls")
                    }
                    replacing(.recordRoute, routes, in: &response)
                }
            },
            Case("no Contact", [.contactMissing], .unusable) { ok($0, $1, script: { $0.contact = "" }) },
            Case("an address in Contact", [.answerContact], .talked) {
                ok($0, $1, script: { $0.contact = "<sip:\(Example.number)@192.0.2.10:5061;transport=tls>" })
            },
            Case("no transport in Contact", [.answerContact], .talked) {
                ok($0, $1, script: { $0.contact = "<sip:\(Example.number)@\(Example.hostname):5061>" })
            },
            Case("another host in Contact", [.answerContact], .talked) {
                ok($0, $1, script: { $0.contact = "<sip:\(Example.number)@pbx.example.com:5061;transport=tls>" })
            },
            Case("one Via", [.responseVia], .talked) {
                ok($0, $1) { replacing(.via, Array($0.headers.all(.via).prefix(1)), in: &$0) }
            },
            Case("a lower Via that was written anew", [.responseVia], .talked) {
                ok($0, $1) { response in
                    let vias = response.headers.all(.via).enumerated().map { $0 == 0 ? $1 : $1.lowercased() }
                    replacing(.via, vias, in: &response)
                }
            },
            Case("rport left empty", [.responseVia], .talked) {
                ok($0, $1) { response in
                    var vias = response.headers.all(.via)
                    var top = Via(vias[0])
                    top?.parameters["rport"] = ""
                    vias[0] = top?.description ?? ""
                    replacing(.via, vias, in: &response)
                }
            },
            Case("From without its name", [.responseDialog], .talked) {
                ok($0, $1) { response in
                    let from = response.headers.from
                    response.headers.set(.from, "<\(from?.uri.description ?? "")>;tag=\(from?.tag ?? "")")
                }
            },
            Case("To without tag", [.responseDialog], .talked) { invite, script in
                ok(invite, script) { $0.headers.set(.to, invite.headers[first: .to] ?? "") }
            },
            Case("183 with SDP", [.provisionalWithSDP], .talked) { [$1.answer($0, 183, sdp: $1.sdp), $1.ok($0)] },
            Case("180 with SDP", [.provisionalWithSDP], .talked) { [$1.answer($0, 180, sdp: $1.sdp), $1.ok($0)] },
            Case("busy", [], .refused) { [$1.answer($0, 486)] },
            Case("a redirection", [.refusalWithoutReason], .refused) { [$1.answer($0, 302)] },
            Case("a refusal without a phrase", [.refusalWithoutReason], .refused) { [$1.answer($0, 486, reason: "")] },
            Case("a challenge with SHA-256 alone", [.challengeForm], .refused, call: { $0.password = "secret" }) {
                [$1.answer($0, 407, headers: [challenge(.sha256)])]
            },
            Case("a challenge of another scheme", [.challengeForm], .refused, call: { $0.password = "secret" }) {
                [$1.answer($0, 401, headers: [HeaderField(name: .wwwAuthenticate, value: "Basic realm=\"x\"")])]
            },
        ]

        private static func challenge(_ algorithm: DigestAlgorithm, nonce: String = "n0nce-example-0001") -> HeaderField
        {
            HeaderField(
                name: .proxyAuthenticate,
                value: DigestChallenge(realm: Example.hostname, nonce: nonce, opaque: "o", algorithm: algorithm)
                    .description
            )
        }

        static let sessions = [
            Case("no SDP", [.sdpMissing], .unusable) { [$1.answer($0, 200)] },
            Case("no SDP that could be read", [.sdpMalformed], .unusable) {
                ok($0, $1, script: { $0.sdpChange = { $0 = ["hello"] } })
            },
            Case("another type of body", [.sdpMalformed], .unusable) {
                ok($0, $1, script: { $0.contentType = "text/plain" })
            },
            Case("plain RTP", [.sdpProfile], .unusable) {
                ok($0, $1, script: { $0.sdpChange = { $0.replace("RTP/SAVP", "RTP/AVP") } })
            },
            Case("another crypto tag", [.sdpAnswerCrypto], .unusable) { ok($0, $1, script: { $0.cryptoTag = 2 }) },
            Case("another suite", [.sdpAnswerCrypto], .unusable) {
                ok($0, $1, script: { $0.suite = .aesCM128HmacSHA1_32 })
            },
            Case("two keys", [.sdpAnswerCrypto], .unusable) {
                ok(
                    $0, $1,
                    script: { script in
                        let other = CryptoAttribute(
                            tag: 2, suite: .aesCM128HmacSHA1_32, masterKeyAndSalt: BusinessScript.freshKey())
                        script.sdpChange = { $0.append("a=crypto:\(other.wireValue)") }
                    })
            },
            Case("no key", [.sdpCrypto, .sdpAnswerCrypto], .unusable) {
                ok($0, $1, script: { $0.sdpChange = { $0.drop("a=crypto") } })
            },
            Case("Meta's own key", [.sdpKeyReused], .talked) { invite, script in
                ok(
                    invite, script,
                    script: { script in
                        let offer = try? SessionDescription(parsing: invite.body.span)
                        let crypto = offer?.media.first?.cryptos.first
                        script.key = crypto?.masterKeyAndSalt ?? []
                    })
            },
            Case("other payload types", [.sdpAnswerPayload], .unusable) {
                ok($0, $1, script: { $0.sdpChange = { $0.replace("111", "96") } })
            },
            Case("G.711 that was not offered", [.sdpAnswerPayload], .unusable) {
                ok($0, $1, script: { $0.sdpChange = { $0.replace("SAVP 111 126", "SAVP 111 126 0") } })
            },
            Case("another mid", [.sdpAnswerGroup], .talked) {
                ok(
                    $0, $1,
                    script: {
                        $0.sdpChange = {
                            $0.replace("a=mid:audio", "a=mid:0")
                            $0.replace("BUNDLE audio", "BUNDLE 0")
                        }
                    })
            },
            Case("no rtcp-mux", [.sdpAnswerMux], .talked) {
                ok($0, $1, script: { $0.sdpChange = { $0.drop("a=rtcp-mux") } })
            },
            Case("two streams", [.sdpOneStream], .unusable) {
                ok($0, $1, script: { $0.sdpChange = { $0.append("m=video 20004 RTP/SAVP 96") } })
            },
            Case("one way", [.sdpDirection], .talked) {
                ok($0, $1, script: { $0.sdpChange = { $0.replace("a=sendrecv", "a=recvonly") } })
            },
        ]

        @Test("each answer", arguments: cases)
        func answer(_ example: Case) async throws {
            try await EdgeCall.run(example.call) { wire in
                let invite = try await wire.invite()
                for response in example.responses(invite, EdgeScript()) { try await wire.send(response) }
            } check: { report in
                #expect(Set(report.violations.map(\.rule)) == example.rules)
                #expect(Self.kind(report.outcome) == example.outcome)
                #expect(report.violations.allSatisfy { $0.description.contains("meta-calling §") })
            }
        }

        private static func kind(_ outcome: WhatsAppCallReport.Outcome) -> Outcome? {
            switch outcome {
            case .talked: .talked
            case .refused: .refused
            case .unusableAnswer: .unusable
            case .gaveUp: .gaveUp
            case .failed, .silent: nil
            }
        }

        @Test("a challenge that comes again after its answer")
        func challengeAgain() async throws {
            try await EdgeCall.run({ $0.password = "secret" }) { wire in
                for nonce in ["first", "second"] {
                    let invite = try await wire.invite()
                    if nonce == "second" {
                        let answer = try DigestAnswer(parsing: invite.headers[first: .proxyAuthorization] ?? "")
                        // meta-calling §6.3.
                        #expect(answer.uri == "sip:\(Example.number)@\(Example.hostname)")
                        #expect(answer.username == "15550100001")
                        #expect(answer.isCorrect(password: "secret", method: .invite))
                    }
                    try await wire.send(EdgeScript().answer(invite, 407, headers: [Self.challenge(.md5, nonce: nonce)]))
                }
            } check: { report in
                #expect(report.violations.map(\.rule) == [.challengeRepeated])
                #expect(Self.kind(report.outcome) == .refused)
            }
        }

        @Test("CANCEL that is not answered")
        func cancel() async throws {
            try await EdgeCall.run({ $0.patience = .milliseconds(50) }, answersCANCEL: false) { wire in
                let invite = try await wire.invite()
                try await wire.send(EdgeScript().answer(invite, 180))
            } check: { report in
                #expect(Set(report.violations.map(\.rule)) == [.cancelUnanswered])
                #expect(Self.kind(report.outcome) == .gaveUp)
            }
        }

        @Test("BYE that is not answered, or refused", arguments: [nil, 481])
        func bye(_ status: Int?) async throws {
            try await EdgeCall.run({ _ in }, answersBYE: status) { wire in
                let invite = try await wire.invite()
                try await wire.send(EdgeScript().ok(invite))
            } check: { report in
                #expect(report.violations.map(\.rule) == [.byeUnanswered])
                #expect(report.outcome == .talked(endedByUs: true))
            }
        }

        @Test("a response over another connection")
        func otherConnection() async throws {
            let authority = try ThrowAwayAuthority()
            let edge = try await EdgeStandIn(certificate: authority.issue([Example.hostname]))
            let meta = try await MetaSimulator(Example.settings { $0.port = nil })
            let first = EdgeCall.call(edge, trust: authority.certificateFile)
            var second = first
            // Another target by name, so that it has a connection of its own.
            second.target.verifiesCertificate = false
            second.patience = .milliseconds(100)
            async let report = meta.place(first)
            let wire = try await edge.next()
            let invite = try await wire.invite()
            async let other = meta.place(second)
            let otherWire = try await edge.next()
            _ = try await otherWire.invite()
            try await otherWire.send(EdgeScript().answer(invite, 486))
            let ended = try await report
            #expect(ended.violations.map(\.rule) == [.responseConnection])
            await otherWire.close()
            _ = try await other
            await meta.shutdown()
            await edge.close()
            authority.remove()
        }

        struct Certificate: Sendable, CustomTestStringConvertible {
            let testDescription: String
            var names = [Example.hostname]
            var isTrusted = true
            var lasts = 86_400.0
            var isGood = false
        }

        @Test(
            "the certificate",
            arguments: [
                Certificate(testDescription: "the configured name", isGood: true),
                Certificate(testDescription: "a wildcard", names: ["*.example.com"], isGood: true),
                Certificate(testDescription: "another name", names: ["pbx.example.com"]),
                Certificate(testDescription: "an address alone", names: [Example.businessAddress]),
                Certificate(testDescription: "an authority nobody knows", isTrusted: false),
                Certificate(testDescription: "out of date", lasts: -60),
            ])
        func certificate(_ example: Certificate) async throws {
            let authority = try ThrowAwayAuthority()
            let other = try ThrowAwayAuthority()
            let edge = try await EdgeStandIn(
                certificate: authority.issue(example.names, validFor: example.lasts))
            let meta = try await MetaSimulator(Example.settings { $0.port = nil })
            var call = EdgeCall.call(edge, trust: (example.isTrusted ? authority : other).certificateFile)
            call.patience = .milliseconds(200)
            async let report = meta.place(call)
            if example.isGood {
                let wire = try await edge.next()
                _ = try await wire.invite()
                await wire.close()
            }
            let ended = try await report
            #expect(ended.violations.map(\.rule) == (example.isGood ? [] : [.tlsCertificate]))
            await meta.shutdown()
            await edge.close()
            authority.remove()
            other.remove()
        }
    }
}
