import SIPCore
import Testing

@testable import SIPEdge

@Suite("Which peer an INVITE comes from") struct PeerIdentificationTests {
    static let now = Instant(.seconds(100))
    static let invite = MetaCall().invite
    static let plain = Peer(name: "plain", host: "192.0.2.1")
    static let first = peer("first", "EXAMPLE-first-password")
    static let second = peer("second", "EXAMPLE-second-password")

    static func peer(_ name: String, _ password: String, identifies: Bool = true) -> Peer {
        Peer(
            name: name, host: "192.0.2.1",
            credentials: PeerCredentials(user: name, password: password, identifies: identifies))
    }

    static func request() throws -> Request {
        guard case .request(let request) = try Message(parsing: Array(invite.utf8).span) else {
            throw MalformedMessageInTest()
        }
        return request
    }

    struct MalformedMessageInTest: Error {}

    static func name(_ verdict: PeerIdentification.Verdict) -> String {
        switch verdict {
        case .peer(let peer): peer.name
        case .challenge(let fields): "challenge of \(fields.count)"
        case .refuse(let status, let reason): "\(status) \(reason)"
        }
    }

    /// The request with the answer to the challenge.
    static func answered(_ request: Request, _ verdict: PeerIdentification.Verdict, user: String, _ password: String)
        throws -> Request
    {
        guard case .challenge(let fields) = verdict else { return request }
        var client = DigestClient(
            credentials: DigestCredentials(username: user, password: password), realms: ["sip.example.com"])
        let challenge = request.response(401, headers: fields)
        guard case .answer(let field) = client.answer(challenge, to: request, cnonce: "0a4f113b") else {
            return request
        }
        var again = request
        again.headers.append(field.name, field.value)
        return again
    }

    @Test("by address where the peer has no password, or has it only for its own challenges")
    func address() throws {
        var identification = PeerIdentification(realm: "sip.example.com")
        let request = try Self.request()
        let own = identification.identify(request, candidates: [Self.first, Self.plain], now: Self.now)
        #expect(Self.name(own) == "plain")
        let outgoing = Self.peer("outgoing", "EXAMPLE-password", identifies: false)
        let same = identification.identify(request, candidates: [outgoing], now: Self.now)
        #expect(Self.name(same) == "outgoing")
        let none = identification.identify(request, candidates: [], now: Self.now)
        #expect(Self.name(none) == "403 no peer has this address")
    }

    struct Answer: Sendable, CustomTestStringConvertible {
        let user: String
        let password: String
        let result: String
        var testDescription: String { "\(user) with \(password): \(result)" }
    }

    @Test(
        "by digest, several peers behind one address",
        arguments: [
            Answer(user: "first", password: "EXAMPLE-first-password", result: "first"),
            Answer(user: "second", password: "EXAMPLE-second-password", result: "second"),
            Answer(user: "first", password: "EXAMPLE-second-password", result: "403 the password is wrong"),
            Answer(
                user: "plain", password: "",
                result: "403 no such user; towards Meta the username is the number without +"),
        ])
    func digest(_ answer: Answer) throws {
        var identification = PeerIdentification(realm: "sip.example.com")
        let request = try Self.request()
        let candidates = [Self.first, Self.second]
        let challenge = identification.identify(request, candidates: candidates, now: Self.now)
        #expect(Self.name(challenge) == "challenge of 2")
        let again = try Self.answered(request, challenge, user: answer.user, answer.password)
        let verdict = identification.identify(again, candidates: candidates, now: Self.now)
        #expect(Self.name(verdict) == answer.result)
        let replayed = identification.identify(again, candidates: candidates, now: Self.now)
        #expect(Self.name(replayed).hasPrefix("403"), "not twice")
    }

    @Test("a password of a peer that may not send from there is no good")
    func elsewhere() throws {
        var identification = PeerIdentification(realm: "sip.example.com")
        let request = try Self.request()
        let challenge = identification.identify(request, candidates: [Self.second], now: Self.now)
        let again = try Self.answered(request, challenge, user: "first", "EXAMPLE-first-password")
        let verdict = identification.identify(again, candidates: [Self.second], now: Self.now)
        #expect(Self.name(verdict).hasPrefix("403 no such user"))
    }
}
