import Testing

@testable import SIPCore

@Suite struct DigestTests {
    /// meta-calling §6.4.
    struct Vector: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var challenge: String
        var uri: String
        var cnonce: String
        var response: String
    }

    static let vectors = [
        Vector(
            testDescription: "to Meta, MD5",
            challenge: "Digest realm=\"wa.meta.vc\",nonce=\"1111222233334444\",algorithm=MD5,qop=\"auth\"",
            uri: "sip:+15550100199@wa.meta.vc;transport=tls", cnonce: "c0ffee01",
            response: "b61e855d520b4684d351526a6e1d9c28"),
        Vector(
            testDescription: "to Meta, SHA-256",
            challenge: "Digest realm=\"wa.meta.vc\",nonce=\"aaaabbbbccccdddd\",algorithm=SHA-256,qop=\"auth\"",
            uri: "sip:+15550100199@wa.meta.vc;transport=tls", cnonce: "c0ffee01",
            response: "8ce82d3c72e5a7fc978c07bb8c74185e6d9d6a417065038aab6c69260e09c651"),
        Vector(
            testDescription: "from Meta, no algorithm named",
            challenge: "Digest realm=\"sip.example.com\", nonce=\"n0nce-example-0001\", qop=\"auth,auth-int\"",
            uri: "sip:+15550100001@sip.example.com", cnonce: "cn-example-01",
            response: "7e685eccfc755d7fb22d0b33ec2ef4d3"),
    ]

    static let credentials = DigestCredentials(username: "15550100001", password: "EXAMPLE-sip-password")

    @Test(arguments: vectors)
    func answersAsComputedElsewhere(_ vector: Vector) throws {
        let challenge = try DigestChallenge(parsing: vector.challenge)
        let value = try #require(
            DigestAnswer.answer(
                challenges: [challenge], credentials: Self.credentials, method: .invite, uri: vector.uri,
                cnonce: vector.cnonce))
        #expect(value.contains("response=\"\(vector.response)\""))
        #expect(value.contains("algorithm") == vector.challenge.contains("algorithm"))

        let read = try DigestAnswer(parsing: value)
        #expect(read.headerValue == value)
        #expect(read.isCorrect(password: Self.credentials.password, method: .invite))
        #expect(!read.isCorrect(password: "EXAMPLE-sip-passwore", method: .invite))
        #expect(!read.isCorrect(password: Self.credentials.password, method: .bye))
    }

    /// RFC 2617 §3.5's example in both of its forms.
    @Test func answersWithoutQopByRFC2069() throws {
        let challenge = try DigestChallenge(
            parsing: "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"")
        let value = try #require(
            DigestAnswer.answer(
                challenges: [challenge],
                credentials: DigestCredentials(username: "Mufasa", password: "Circle Of Life"),
                method: Method(rawValue: "GET"), uri: "/dir/index.html", cnonce: "unused"))
        #expect(value.contains("response=\"670fd8c2df070c60b045671b8b24ff02\""))
        #expect(!value.contains("cnonce") && !value.contains("nc="))
    }

    @Test func metasTwoChallengesAreAnsweredByTheFirst() throws {
        let response = try #require(try Message(MetaExamples.metaChallenge).response)
        let challenges = response.digestChallenges
        #expect(challenges.map(\.algorithm) == [.sha256, .md5])
        let value = try #require(
            DigestAnswer.answer(
                challenges: challenges, credentials: Self.credentials, method: .invite,
                uri: "sip:+15550100199@wa.meta.vc;transport=tls", cnonce: "c0ffee01"))
        // meta-calling §12.2 (4), letter by letter.
        #expect(
            value
                == """
                Digest username="15550100001", realm="wa.meta.vc", nonce="aaaabbbbccccdddd", \
                uri="sip:+15550100199@wa.meta.vc;transport=tls", \
                response="8ce82d3c72e5a7fc978c07bb8c74185e6d9d6a417065038aab6c69260e09c651", \
                algorithm=SHA-256, cnonce="c0ffee01", opaque="0123456789abcdef", qop=auth, nc=00000001
                """)
    }

    @Test func challengesWeCannotComputeArePassedOver() throws {
        let challenges = try [
            "Digest realm=\"r\", nonce=\"1\", algorithm=SHA-512-256, qop=\"auth\"",
            "Digest realm=\"r\", nonce=\"2\", algorithm=MD5-sess, qop=\"auth\"",
            "Digest realm=\"r\", nonce=\"3\", algorithm=MD5, qop=\"auth-int\"",
            "Digest realm=\"r\", nonce=\"4\", algorithm=md5, qop=\"auth\", stale=TRUE",
        ].map { value in try DigestChallenge(parsing: value) }
        #expect(challenges.map(\.stale) == [false, false, false, true])
        func answer(_ challenges: [DigestChallenge]) -> String? {
            DigestAnswer.answer(
                challenges: challenges, credentials: Self.credentials, method: .invite, uri: "sip:example.com",
                cnonce: "x")
        }
        #expect(answer(challenges)?.contains("nonce=\"4\"") == true)
        #expect(answer(Array(challenges.dropLast())) == nil)
        #expect(answer([]) == nil)
    }

    @Test func metasAuthorizationIsVerified() throws {
        let invite = try #require(try Message(MetaExamples.authorizedInvite).request)
        let answer = try DigestAnswer(parsing: try #require(invite.headers[first: .proxyAuthorization]))
        #expect(answer.username == "15550100001")
        #expect(answer.qop == DigestAnswer.Qop(cnonce: "cn-example-01", nonceCount: "00000001"))
        #expect(answer.isCorrect(password: Self.credentials.password, method: invite.method))
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var value: String
        var error: DigestError
        var testDescription: String { value }
    }

    @Test(arguments: [
        Bad(value: "", error: .malformed),
        Bad(value: "Basic realm=\"r\"", error: .otherScheme),
        Bad(value: "NoOneKnowsThisScheme opaque-data=here", error: .otherScheme),
        Bad(value: "Digest", error: .missing(parameter: "realm")),
        Bad(value: "Digest realm=\"r\"", error: .missing(parameter: "nonce")),
        Bad(value: "Digest realm=\"r, nonce=\"n\"", error: .malformed),
        Bad(value: "Digest realm", error: .malformed),
        Bad(value: "Digest realm=\"r\" nonce=\"n\"", error: .malformed),
        Bad(value: "Digest =\"r\"", error: .malformed),
    ])
    func badChallengesAreRefused(_ bad: Bad) {
        #expect(throws: bad.error) { try DigestChallenge(parsing: bad.value) }
    }

    @Test func challengeIsWrittenAsMetasSample() {
        let challenge = DigestChallenge(realm: "sip.example.com", nonce: "n0nce-example-0001", opaque: "0paque01")
        #expect(
            "\(challenge)"
                == "Digest realm=\"sip.example.com\",nonce=\"n0nce-example-0001\",opaque=\"0paque01\",algorithm=MD5,qop=\"auth\""
        )
    }

    @Test func secretsAreNotPrinted() throws {
        let invite = try #require(try Message(MetaExamples.authorizedInvite).request)
        let answer = try DigestAnswer(parsing: try #require(invite.headers[first: .proxyAuthorization]))
        var dumped =
            "\(Self.credentials) \(String(reflecting: Self.credentials)) \(answer) \(String(reflecting: answer))"
        dump(Self.credentials, to: &dumped)
        dump(answer, to: &dumped)
        #expect(!dumped.contains("EXAMPLE-sip-password"))
        #expect(!dumped.contains("15550100001"))
        #expect(!dumped.contains("7e685eccfc755d7fb22d0b33ec2ef4d3"))
    }
}
