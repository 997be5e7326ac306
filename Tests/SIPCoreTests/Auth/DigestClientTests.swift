import Testing

@testable import SIPCore

@Suite struct DigestClientTests {
    static let credentials = DigestCredentials(username: "15550100001", password: "EXAMPLE-sip-password")
    static let request = Request(
        method: .invite, uri: SIPURI("sip:+15550100199@wa.meta.vc;transport=tls") ?? SIPURI(host: "wa.meta.vc"))

    static func client() -> DigestClient { DigestClient(credentials: credentials, realms: ["wa.meta.vc"]) }

    static func response(_ status: Int, _ challenges: [String]) -> Response {
        let name: HeaderName = status == 401 ? .wwwAuthenticate : .proxyAuthenticate
        return Response(status: status, headers: Headers(challenges.map { HeaderField(name, $0) }))
    }

    static let sha256 =
        "Digest realm=\"wa.meta.vc\",nonce=\"aaaabbbbccccdddd\",opaque=\"0123456789abcdef\",algorithm=SHA-256,qop=\"auth\""
    static let md5 =
        "Digest realm=\"wa.meta.vc\",nonce=\"1111222233334444\",opaque=\"fedcba9876543210\",algorithm=MD5,qop=\"auth\""

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var status: Int
        var challenges: [String]
        var response: String
        var opaque: String
    }

    /// meta-calling §6.4, in both kinds of challenge and both orders.
    @Test(arguments: [
        Case(
            testDescription: "two in a 407", status: 407, challenges: [sha256, md5],
            response: "8ce82d3c72e5a7fc978c07bb8c74185e6d9d6a417065038aab6c69260e09c651", opaque: "0123456789abcdef"),
        Case(
            testDescription: "two in a 407, MD5 first", status: 407, challenges: [md5, sha256],
            response: "b61e855d520b4684d351526a6e1d9c28", opaque: "fedcba9876543210"),
        Case(
            testDescription: "a 401", status: 401, challenges: [md5],
            response: "b61e855d520b4684d351526a6e1d9c28", opaque: "fedcba9876543210"),
        Case(
            testDescription: "behind another realm and an algorithm we lack", status: 407,
            challenges: [
                "Digest realm=\"evil.example.com\",nonce=\"1\",qop=\"auth\"",
                "Digest realm=\"wa.meta.vc\",nonce=\"2\",algorithm=SHA-512-256,qop=\"auth\"", "Basic realm=\"x\"", md5,
            ],
            response: "b61e855d520b4684d351526a6e1d9c28", opaque: "fedcba9876543210"),
    ])
    func answersTheFirstWeCan(_ example: Case) throws {
        var client = Self.client()
        let outcome = client.answer(
            Self.response(example.status, example.challenges), to: Self.request, cnonce: "c0ffee01")
        guard case .answer(let field) = outcome else {
            Issue.record("refused: \(outcome)")
            return
        }
        #expect(field.name == (example.status == 401 ? .authorization : .proxyAuthorization))
        #expect(field.value.contains("response=\"\(example.response)\""))
        #expect(field.value.contains("opaque=\"\(example.opaque)\""))
        #expect(field.value.contains("nc=00000001"))
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var status = 407
        var challenges: [String]
        var refusal: DigestClient.Refusal
    }

    @Test(arguments: [
        Refused(testDescription: "403", status: 403, challenges: [md5], refusal: .noChallenge),
        Refused(testDescription: "no challenge", challenges: [], refusal: .noChallenge),
        Refused(testDescription: "unreadable", challenges: ["Digest realm"], refusal: .noChallenge),
        Refused(
            testDescription: "rogue realm", challenges: ["Digest realm=\"evil.example.com\",nonce=\"1\",qop=\"auth\""],
            refusal: .otherRealm),
        Refused(
            testDescription: "realm in other letters",
            challenges: ["Digest realm=\"WA.meta.vc\",nonce=\"1\",qop=\"auth\""], refusal: .otherRealm),
        Refused(
            testDescription: "algorithm we lack",
            challenges: ["Digest realm=\"wa.meta.vc\",nonce=\"1\",algorithm=MD5-sess,qop=\"auth\""],
            refusal: .unsupported),
        Refused(
            testDescription: "auth-int only", challenges: ["Digest realm=\"wa.meta.vc\",nonce=\"1\",qop=\"auth-int\""],
            refusal: .unsupported),
    ])
    func refuses(_ example: Refused) {
        var client = Self.client()
        let outcome = client.answer(
            Self.response(example.status, example.challenges), to: Self.request, cnonce: "c0ffee01")
        #expect(outcome == .refuse(example.refusal))
    }

    private func answered(_ client: inout DigestClient, _ response: Response, _ request: Request) throws -> Request {
        guard case .answer(let field) = client.answer(response, to: request, cnonce: "c0ffee01") else {
            throw DigestError.malformed
        }
        var request = request
        request.headers.set(field.name, field.value)
        return request
    }

    @Test func answersOncePerChallenge() throws {
        var client = Self.client()
        let challenge = Self.response(407, [Self.sha256, Self.md5])
        let second = try answered(&client, challenge, Self.request)
        var outcome = client.answer(challenge, to: second, cnonce: "c0ffee02")
        #expect(outcome == .refuse(.rejected))
        let other = Self.response(407, [Self.md5.replacing("1111", with: "9999")])
        outcome = client.answer(other, to: second, cnonce: "c0ffee02")
        #expect(outcome == .refuse(.rejected))
        let sameNonceStale = Self.response(407, [Self.sha256 + ",stale=true"])
        outcome = client.answer(sameNonceStale, to: second, cnonce: "c0ffee02")
        #expect(outcome == .refuse(.rejected))
    }

    @Test func answersAStaleNonceAgainButNotForEver() throws {
        var client = Self.client()
        var request = try answered(&client, Self.response(407, [Self.md5]), Self.request)
        for round in 2...8 {
            let stale = Self.response(407, [Self.md5.replacing("1111", with: "000\(round)") + ",stale=true"])
            request = try answered(&client, stale, request)
            #expect(request.headers[first: .proxyAuthorization]?.contains("nc=00000001") == true)
        }
        let outcome = client.answer(
            Self.response(407, [Self.md5.replacing("1111", with: "0009") + ",stale=true"]), to: request, cnonce: "x")
        #expect(outcome == .refuse(.tooManyAnswers))
    }

    @Test func countsPerNonce() throws {
        var client = Self.client()
        _ = try answered(&client, Self.response(407, [Self.md5]), Self.request)
        let bye = Request(method: .bye, uri: Self.request.uri)
        let same = try answered(&client, Self.response(407, [Self.md5]), bye)
        #expect(same.headers[first: .proxyAuthorization]?.contains("nc=00000002") == true)
        let other = try answered(&client, Self.response(401, [Self.sha256]), bye)
        #expect(other.headers[first: .authorization]?.contains("nc=00000001") == true)
    }

    /// Client and server of ours understand each other, whichever status and order.
    @Test(arguments: [401, 407], [[DigestAlgorithm.sha256, .md5], [.md5, .sha256], [.md5]])
    func meetsTheServer(_ status: Int, _ algorithms: [DigestAlgorithm]) throws {
        var server = DigestServer(realm: "wa.meta.vc", algorithms: algorithms, secret: [UInt8](0..<32))
        let now = Instant(.seconds(5))
        var client = Self.client()
        let challenge = Response(status: status, headers: Headers(server.challengeFields(status: status, now: now)))
        let request = try answered(&client, challenge, Self.request)
        let verdict = server.verify(request, now: now) { $0 == "15550100001" ? "EXAMPLE-sip-password" : nil }
        #expect(verdict == .accepted(username: "15550100001"))
    }

    @Test func secretsAreNotPrinted() {
        var dumped = "\(Self.client()) \(String(reflecting: Self.client()))"
        dump(Self.client(), to: &dumped)
        #expect(!dumped.contains("password") && !dumped.contains("15550100001"))
    }
}
