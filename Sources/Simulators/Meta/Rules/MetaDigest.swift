import SIPCore

/// Meta's challenges and how it judges their answers (meta-calling §6.1, §6.2). Not the digest server of the edge, whose
/// mistakes must not be its own judge; only the hashes are shared, which have test vectors (§6.4).
struct MetaDigest: Sendable {
    enum Verdict: Sendable, Hashable {
        case challenge
        case accepted(algorithm: String)
        case refused(Violation)
    }

    private struct Issued: Sendable {
        var opaque: String
        var algorithm: DigestAlgorithm
        var realm: String
        var counts: Set<String> = []
    }

    static let rogueRealm = "evil.example"

    private let realm: String
    private let faults: ChallengeFaults
    /// By nonce. As many as tests need: the oldest go when there are too many.
    private var issued: [String: Issued] = [:]
    private var order: [String] = []
    private var staleSent = false

    init(realm: String, faults: ChallengeFaults) {
        self.realm = realm
        self.faults = faults
    }

    var status: Int { faults.as401 ? 401 : 407 }

    /// One field for each challenge. Nonces have 16 hex digits.
    mutating func challenges(stale: Bool = false, fresh: () -> String) -> [HeaderField] {
        let algorithms: [DigestAlgorithm] =
            switch faults.shape {
            case .both: [.sha256, .md5]
            case .md5Only, .rogueRealm: [.md5]
            case .sha256Only: [.sha256]
            case .unknownAlgorithm: [.other("SHA-512-256")]
            }
        let realm = faults.shape == .rogueRealm ? Self.rogueRealm : realm
        return algorithms.map { algorithm in
            let nonce = String(fresh().prefix(16))
            let opaque = String(fresh().prefix(16))
            issued[nonce] = Issued(opaque: opaque, algorithm: algorithm, realm: realm)
            order.append(nonce)
            if order.count > 4_096 { issued[order.removeFirst()] = nil }
            return HeaderField(
                name: faults.as401 ? .wwwAuthenticate : .proxyAuthenticate,
                value: DigestChallenge(realm: realm, nonce: nonce, opaque: opaque, algorithm: algorithm, stale: stale)
                    .description)
        }
    }

    /// The first right answer is stale when that fault is on; every one when it is endless.
    mutating func isStale() -> Bool {
        if faults.endless { return true }
        guard faults.staleOnce, !staleSent else { return false }
        staleSent = true
        return true
    }

    /// - Parameter number: the business number in From, with `+`.
    mutating func judge(_ request: Request, number: String, password: String?) -> Verdict {
        let values = request.headers.all(.proxyAuthorization) + request.headers.all(.authorization)
        guard let value = values.first else { return .challenge }
        guard values.count == 1 else { return .refused(Violation(.digestSeveral, "\(values.count) answers")) }
        guard let answer = try? DigestAnswer(parsing: value), let qop = answer.qop,
            qop.nonceCount.utf8.count == 8, UInt32(qop.nonceCount, radix: 16) ?? 0 > 0, !qop.cnonce.isEmpty
        else { return .refused(Violation(.digestForm)) }
        if answer.realm == Self.rogueRealm { return .refused(Violation(.digestRogueRealm)) }
        guard answer.realm == realm else { return .refused(Violation(.digestRealm, answer.realm)) }
        guard let challenge = issued[answer.nonce] else { return .refused(Violation(.digestNonce)) }
        guard answer.opaque == challenge.opaque, answer.algorithm ?? .md5 == challenge.algorithm else {
            return .refused(Violation(.digestPairing, "\(answer.algorithm ?? .md5)"))
        }
        guard answer.username == String(number.drop { $0 == "+" }), !answer.username.hasPrefix("+") else {
            return .refused(Violation(.digestUsername, answer.username.hasPrefix("+") ? "with +" : "another number"))
        }
        guard isRequestURI(answer.uri, request.uri) else { return .refused(Violation(.digestURI)) }
        guard let password, answer.isCorrect(password: password, method: request.method) else {
            return .refused(Violation(.digestResponse))
        }
        guard issued[answer.nonce]?.counts.insert(qop.nonceCount).inserted == true else {
            return .refused(Violation(.digestReplay, "nc \(qop.nonceCount)"))
        }
        return .accepted(algorithm: "\(challenge.algorithm)")
    }

    /// Exactly it, or without its parameters, which was let through (meta-calling §6.2).
    private func isRequestURI(_ text: String, _ uri: SIPURI) -> Bool {
        text == uri.description || text == "sip:\(uri.user ?? "")@\(uri.host)"
    }
}
