import Testing

@testable import SIPCore

@Suite struct DigestServerTests {
    static let user = "15550100001"
    static let password = "EXAMPLE-sip-password"
    static let secret = [UInt8](0..<32)
    static let start = Instant(.seconds(1_000))

    static func server(_ algorithms: [DigestAlgorithm] = [.sha256, .md5], mostNonces: Int = 64) -> DigestServer {
        DigestServer(
            realm: "sip.example.com", algorithms: algorithms, secret: secret, lifetime: .seconds(60),
            mostNonces: mostNonces)
    }

    static func invite(_ fields: [HeaderField] = []) throws -> Request {
        var request = try #require(try Message(MetaExamples.invite).request)
        for field in fields { request.headers.append(field) }
        return request
    }

    /// What a client that knows what it does, or one that does not, answers.
    struct Client {
        var username = DigestServerTests.user
        var password = DigestServerTests.password
        var uri = "sip:+15550100001@sip.example.com"
        var method: Method = .invite
        var nc: UInt32 = 1
        var name: HeaderName = .proxyAuthorization
        var change: (DigestChallenge) -> DigestChallenge = { $0 }
        var rewrite: (String) -> String = { $0 }

        func invite(for challenge: DigestChallenge) throws -> Request {
            let answer = try #require(
                DigestAnswer(
                    to: change(challenge), credentials: DigestCredentials(username: username, password: password),
                    method: method, uri: uri, cnonce: "c0ffee01", nc: nc))
            return try DigestServerTests.invite([HeaderField(name, rewrite(answer.headerValue))])
        }
    }

    static func verify(
        _ server: inout DigestServer, _ request: Request, at now: Instant = start
    ) -> DigestServer.Verdict {
        server.verify(request, now: now) { $0 == user ? password : nil }
    }

    @Test func offersBothEachWithItsOwnNonce() throws {
        var server = Self.server()
        let fields = server.challengeFields(status: 407, now: Self.start)
        #expect(fields.map(\.name) == [.proxyAuthenticate, .proxyAuthenticate])
        #expect(server.challengeFields(status: 401, stale: true, now: Self.start).map(\.name).first == .wwwAuthenticate)
        let challenges = try fields.map { try DigestChallenge(parsing: $0.value) }
        #expect(challenges.map(\.algorithm) == [.sha256, .md5])
        #expect(challenges.allSatisfy { $0.realm == "sip.example.com" && $0.qopAuth && !$0.stale })
        let more = server.challenges(now: Self.start)
        #expect(Set((challenges + more).map(\.nonce)).count == 4)
        #expect(Set((challenges + more).compactMap(\.opaque)).count == 4)
    }

    struct Way: Sendable, CustomTestStringConvertible {
        var algorithm: Int
        var name: HeaderName
        var testDescription: String { "\(algorithm == 0 ? "SHA-256" : "MD5") in \(name)" }
    }

    @Test(arguments: [
        Way(algorithm: 0, name: .proxyAuthorization), Way(algorithm: 1, name: .proxyAuthorization),
        Way(algorithm: 0, name: .authorization), Way(algorithm: 1, name: .authorization),
    ])
    func takesEitherAlgorithmInEitherHeader(_ way: Way) throws {
        var server = Self.server()
        let challenge = server.challenges(now: Self.start)[way.algorithm]
        let request = try Client(name: way.name).invite(for: challenge)
        // A proxy's credentials and another scheme stand beside ours.
        var crowded = request
        crowded.headers.prepend(
            .proxyAuthorization,
            "Digest username=\"x\", realm=\"other.example.com\", nonce=\"1\", uri=\"sip:x\", response=\"0\"")
        crowded.headers.prepend(.authorization, "Basic eDp5")
        let verdict = Self.verify(&server, crowded)
        #expect(verdict == .accepted(username: Self.user))
    }

    /// An MD5 answer that names no algorithm, and a `uri` that lacks what the Request-URI has, are Meta's
    /// (meta-calling §6.3).
    @Test func takesMetasForm() throws {
        var server = Self.server([.md5])
        var client = Client()
        client.change = {
            var challenge = $0
            challenge.namesAlgorithm = false
            return challenge
        }
        var request = try client.invite(for: server.challenges(now: Self.start)[0])
        request.uri = try #require(
            SIPURI("sip:+15550100001;tgrp=wa1;trunk-context=x@SIP.example.com:5061;transport=tls"))
        #expect(request.headers[first: .proxyAuthorization]?.contains("algorithm") == false)
        let verdict = Self.verify(&server, request)
        #expect(verdict == .accepted(username: Self.user))
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var refusal: DigestServer.Refusal
        var client: @Sendable (inout Client) -> Void
    }

    @Test(arguments: [
        Wrong(testDescription: "password", refusal: .wrongPassword) { $0.password = "EXAMPLE-sip-passworD" },
        Wrong(testDescription: "username with +", refusal: .unknownUser) { $0.username = "+15550100001" },
        Wrong(testDescription: "unknown user with an empty password", refusal: .unknownUser) {
            $0.username = "15550100002"
            $0.password = ""
        },
        Wrong(testDescription: "method", refusal: .wrongPassword) { $0.method = .bye },
        Wrong(testDescription: "uri of another number", refusal: .otherURI) {
            $0.uri = "sip:+15550100002@sip.example.com"
        },
        Wrong(testDescription: "uri of another host", refusal: .otherURI) { $0.uri = "sip:+15550100001@example.com" },
        Wrong(testDescription: "uri that is none", refusal: .otherURI) { $0.uri = "nothing" },
        Wrong(testDescription: "without qop", refusal: .withoutQop) {
            $0.change = {
                var challenge = $0
                challenge.qopAuth = false
                return challenge
            }
        },
        Wrong(testDescription: "opaque of another challenge", refusal: .otherOpaque) {
            $0.change = {
                var challenge = $0
                challenge.opaque = "0123456789abcdef"
                return challenge
            }
        },
        Wrong(testDescription: "MD5 for the nonce of SHA-256", refusal: .otherAlgorithm) {
            $0.change = {
                var challenge = $0
                challenge.algorithm = .md5
                return challenge
            }
        },
        Wrong(testDescription: "no algorithm for the nonce of SHA-256", refusal: .otherAlgorithm) {
            $0.change = {
                var challenge = $0
                challenge.algorithm = .md5
                challenge.namesAlgorithm = false
                return challenge
            }
        },
        Wrong(testDescription: "algorithm that nobody offered", refusal: .otherAlgorithm) {
            $0.rewrite = { $0.replacing("algorithm=SHA-256", with: "algorithm=SHA-512-256") }
        },
        Wrong(testDescription: "count of zero", refusal: .malformed) { $0.nc = 0 },
        Wrong(testDescription: "count with a sign", refusal: .malformed) {
            $0.rewrite = { $0.replacing("nc=00000001", with: "nc=+0000001") }
        },
        Wrong(testDescription: "no response", refusal: .malformed) {
            $0.rewrite = { $0.replacing("response=", with: "responze=") }
        },
    ])
    func wrongAnswersAreRefusedAndCostNothing(_ wrong: Wrong) throws {
        var server = Self.server()
        let challenge = server.challenges(now: Self.start)[0]
        var client = Client()
        wrong.client(&client)
        let verdict = Self.verify(&server, try client.invite(for: challenge))
        #expect(verdict == .refuse(wrong.refusal))
        #expect(wrong.refusal.status == 403 || wrong.refusal.status == 400)
        // The count was not used up: the right answer is taken still.
        let right = Self.verify(&server, try Client().invite(for: challenge))
        #expect(right == .accepted(username: Self.user))
    }

    @Test func nothingAndForgedNoncesAreChallenged() throws {
        var server = Self.server()
        let bare = Self.verify(&server, try Self.invite())
        #expect(bare == .challenge(stale: false))
        let challenge = server.challenges(now: Self.start)[0]
        // One octet changed anywhere: time, serial, algorithm or signature.
        for position in 0..<36 {
            var client = Client()
            client.change = {
                var forged = $0
                var octets = Array(forged.nonce.utf8)
                octets[position] = octets[position] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                forged.nonce = String(decoding: octets, as: UTF8.self)
                return forged
            }
            let verdict = Self.verify(&server, try client.invite(for: challenge))
            #expect(verdict == .challenge(stale: false))
        }
        for nonce in ["", "x", String(repeating: "A", count: 36), String(repeating: "A", count: 40)] {
            var client = Client()
            client.change = {
                var forged = $0
                forged.nonce = nonce
                return forged
            }
            let verdict = Self.verify(&server, try client.invite(for: challenge))
            #expect(verdict == .challenge(stale: false))
        }
    }

    @Test func noncesOfOthersAreForged() throws {
        var server = Self.server()
        let answer = Client()
        var otherSecret = DigestServer(realm: "sip.example.com", secret: [UInt8](1..<33))
        var verdict = Self.verify(&server, try answer.invite(for: otherSecret.challenges(now: Self.start)[0]))
        #expect(verdict == .challenge(stale: false))
        var otherRealm = DigestServer(realm: "example.com", secret: Self.secret)
        var challenge = otherRealm.challenges(now: Self.start)[0]
        verdict = Self.verify(&server, try answer.invite(for: challenge))
        #expect(verdict == .challenge(stale: false))
        challenge.realm = "sip.example.com"
        verdict = Self.verify(&server, try answer.invite(for: challenge))
        #expect(verdict == .challenge(stale: false))
        // An algorithm that is not offered any more.
        var both = Self.server()
        var sha256Only = Self.server([.sha256])
        verdict = Self.verify(&sha256Only, try answer.invite(for: both.challenges(now: Self.start)[1]))
        #expect(verdict == .challenge(stale: false))
    }

    @Test func onlyOldIsStale() throws {
        var server = Self.server()
        let challenge = server.challenges(now: Self.start)[0]
        let late = Self.start.advanced(by: .milliseconds(60_001))
        let old = Self.verify(&server, try Client().invite(for: challenge), at: late)
        #expect(old == .challenge(stale: true))
        let oldAndWrong = Self.verify(&server, try Client(password: "x").invite(for: challenge), at: late)
        #expect(oldAndWrong == .refuse(.wrongPassword))
        let inTime = Self.verify(
            &server, try Client().invite(for: challenge), at: Self.start.advanced(by: .seconds(60)))
        #expect(inTime == .accepted(username: Self.user))
        let fromTheFuture = Self.verify(
            &server, try Client(nc: 2).invite(for: challenge), at: Self.start.advanced(by: .seconds(-1)))
        #expect(fromTheFuture == .challenge(stale: true))
        #expect(
            try DigestChallenge(parsing: server.challengeFields(status: 407, stale: true, now: late)[0].value).stale)
    }

    @Test func replayIsRefused() throws {
        var server = Self.server()
        let challenge = server.challenges(now: Self.start)[0]
        var verdicts: [DigestServer.Verdict] = []
        for nc: UInt32 in [1, 1, 3, 2, 2, 3, 100, 36, 37, 99, 99, .max, .max, 1] {
            verdicts.append(Self.verify(&server, try Client(nc: nc).invite(for: challenge)))
        }
        let fine = DigestServer.Verdict.accepted(username: Self.user)
        let replay = DigestServer.Verdict.refuse(.replay)
        let unknown = DigestServer.Verdict.challenge(stale: true)
        #expect(
            verdicts == [
                fine, replay, fine, fine, replay, replay, fine, unknown, fine, fine, replay, fine, replay, unknown,
            ])
    }

    /// However many calls: memory is bounded, no replay gets through, and a fresh nonce is always good.
    @Test func forgettingLetsNoReplayThrough() throws {
        var server = Self.server(mostNonces: 8)
        var seen: [Request] = []
        for second in 0..<40 {
            let now = Self.start.advanced(by: .seconds(second))
            let request = try Client().invite(for: server.challenges(now: now)[1])
            let verdict = Self.verify(&server, request, at: now)
            #expect(verdict == .accepted(username: Self.user))
            seen.append(request)
            for old in seen {
                let again = Self.verify(&server, old, at: now)
                #expect(again == .refuse(.replay) || again == .challenge(stale: true))
            }
        }
    }

    @Test func countsAreBounded() throws {
        var counts = NonceCounts(most: 8, lifetime: .seconds(60))
        for serial: UInt32 in 0..<100 {
            let now = Self.start.advanced(by: .milliseconds(Int(serial)))
            let nonce = try #require(
                DigestNonce(issued: now, serial: serial, algorithm: .md5, realm: "r", secret: Self.secret))
            let verdict = counts.use(1, of: nonce, now: now)
            #expect(verdict == .fresh)
            #expect(counts.count <= 8)
        }
        // After two quiet lifetimes only the new one is left.
        for minutes in [2, 4, 6] {
            let now = Self.start.advanced(by: .seconds(60 * minutes))
            let nonce = try #require(
                DigestNonce(
                    issued: now, serial: 1_000, algorithm: .md5, realm: "r", secret: Self.secret))
            let verdict = counts.use(1, of: nonce, now: now)
            #expect(verdict == .fresh)
        }
        #expect(counts.count == 2)
    }

    @Test func secretsAreNotPrinted() throws {
        var dumped = "\(Self.server()) \(String(reflecting: Self.server()))"
        dump(Self.server(), to: &dumped)
        #expect(dumped.contains("sip.example.com") && !dumped.contains("31"))
    }
}
