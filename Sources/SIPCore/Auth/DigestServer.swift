/// The server side of digest (RFC 3261 §22, RFC 7616 §3.3, RFC 8760): makes challenges and judges their answers.
///
/// Nonces are signed and carry their age, so a challenge costs no memory; what is kept is the `nc` of those that were
/// answered rightly, in bounded memory. One value serves one realm and must not be copied and used twice: replay is seen
/// only by the value that saw the first use. ACK and CANCEL are never challenged nor verified (RFC 3261 §22.1).
public struct DigestServer: Sendable {
    public enum Verdict: Hashable, Sendable {
        /// The sender knows the password of this user; the count is noted.
        case accepted(username: String)
        /// Answer 401 or 407 with new challenges. Stale: the hash was right and only the nonce was too old, so the sender
        /// answers again without asking anybody.
        case challenge(stale: Bool)
        /// Answer with the reason's status. A new challenge would be answered just as wrongly.
        case refuse(Refusal)
    }

    public enum Refusal: Hashable, Sendable {
        /// Credentials for us that cannot be read.
        case malformed
        /// Another algorithm than the one the nonce was made for: a right hash of a weaker one proves less.
        case otherAlgorithm
        /// `opaque` belongs to another challenge.
        case otherOpaque
        /// No `qop=auth`: such an answer (RFC 2069) has no count and could be replayed.
        case withoutQop
        /// `uri` names another user or host than the Request-URI.
        case otherURI
        case unknownUser
        case wrongPassword
        /// This count was used with this nonce before.
        case replay

        public var status: Int {
            switch self {
            case .malformed, .otherURI: 400
            case .otherAlgorithm, .otherOpaque, .withoutQop, .unknownUser, .wrongPassword, .replay: 403
            }
        }

        /// For our logs. Towards the sender only the status: it shall not learn which part was right.
        public var description: String {
            switch self {
            case .malformed: "the credentials cannot be read"
            case .otherAlgorithm: "the answer is of another algorithm than its nonce"
            case .otherOpaque: "opaque belongs to another challenge"
            case .withoutQop: "the answer has no qop=auth"
            case .otherURI: "uri names another user or host than the Request-URI"
            case .unknownUser: "no such user; towards Meta the username is the number without +"
            case .wrongPassword: "the password is wrong"
            case .replay: "this answer was used before"
            }
        }
    }

    public let realm: String
    private let algorithms: [DigestAlgorithm]
    private let secret: [UInt8]
    private let lifetime: Duration
    private var serial: UInt32 = 0
    private var counts: NonceCounts

    /// - Parameters:
    ///   - realm: without quotes and backslashes; our host name (meta-calling §12.1 (2)).
    ///   - algorithms: `.md5` and `.sha256`, the one we like best first (RFC 8760 §2.4).
    ///   - secret: 32 fresh random octets, of this process and this value alone.
    ///   - lifetime: how long after its challenge a nonce is answered without a new one.
    ///   - mostNonces: how many answered nonces are remembered.
    public init(
        realm: String, algorithms: [DigestAlgorithm] = [.sha256, .md5], secret: [UInt8],
        lifetime: Duration = .seconds(60), mostNonces: Int = 8_192
    ) {
        precondition(secret.count >= 32, "nonces are signed with at least 32 octets")
        precondition(
            !algorithms.isEmpty && algorithms.allSatisfy(DigestNonce.algorithms.contains),
            "only MD5 and SHA-256 can be offered")
        precondition(!realm.utf8.contains { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }, "a realm is plain")
        self.realm = realm
        self.algorithms = algorithms
        self.secret = secret
        self.lifetime = lifetime
        counts = NonceCounts(most: mostNonces, lifetime: lifetime)
    }

    /// One challenge for each algorithm, each with a nonce and an opaque of its own.
    public mutating func challenges(stale: Bool = false, now: Instant) -> [DigestChallenge] {
        algorithms.compactMap { algorithm in
            serial &+= 1
            guard
                let nonce = DigestNonce(
                    issued: now, serial: serial, algorithm: algorithm, realm: realm, secret: secret)
            else { return nil }
            return DigestChallenge(
                realm: realm, nonce: nonce.text, opaque: nonce.opaque(realm: realm, secret: secret),
                algorithm: algorithm, stale: stale)
        }
    }

    /// The header fields of a 401 (WWW-Authenticate) or 407 (Proxy-Authenticate).
    public mutating func challengeFields(status: Int, stale: Bool = false, now: Instant) -> [HeaderField] {
        challenges(stale: stale, now: now).map { challenge in
            HeaderField(status == 401 ? .wwwAuthenticate : .proxyAuthenticate, challenge.description)
        }
    }

    /// Judges the credentials for our realm, in Authorization or Proxy-Authorization whichever we asked for: Meta has been
    /// seen with both (meta-calling §6.3).
    ///
    /// - Parameter password: of a user; nil when there is none of that name.
    public mutating func verify(
        _ request: Request, now: Instant, password: (_ username: String) -> String?
    ) -> Verdict {
        let answer: DigestAnswer
        switch credentials(of: request) {
        case .success(let found?): answer = found
        case .success(nil): return .challenge(stale: false)
        case .failure: return .refuse(.malformed)
        }
        // What is cheap comes first; nothing is noted before the hash is right.
        guard let nonce = DigestNonce(answer.nonce, realm: realm, secret: secret),
            algorithms.contains(nonce.algorithm)
        else { return .challenge(stale: false) }
        guard (answer.algorithm ?? .md5) == nonce.algorithm else { return .refuse(.otherAlgorithm) }
        if let opaque = answer.opaque,
            !ConstantTime.areEqual(opaque.utf8, nonce.opaque(realm: realm, secret: secret).utf8)
        {
            return .refuse(.otherOpaque)
        }
        guard let qop = answer.qop else { return .refuse(.withoutQop) }
        guard qop.nonceCount.utf8.count == 8, qop.nonceCount.utf8.allSatisfy({ $0.hexDigit != nil }),
            let count = UInt32(qop.nonceCount, radix: 16), count > 0
        else { return .refuse(.malformed) }
        guard DigestServer.isSame(answer.uri, request.uri) else { return .refuse(.otherURI) }
        // Hashed for unknown users as well, so that the time taken does not tell who is known.
        let known = password(answer.username)
        let isCorrect = answer.isCorrect(password: known ?? "", method: request.method)
        guard known != nil else { return .refuse(.unknownUser) }
        guard isCorrect else { return .refuse(.wrongPassword) }
        let age = nonce.issued.duration(to: now)
        guard age >= .zero, age <= lifetime else { return .challenge(stale: true) }
        switch counts.use(count, of: nonce, now: now) {
        case .fresh: return .accepted(username: answer.username)
        case .used: return .refuse(.replay)
        case .forgotten: return .challenge(stale: true)
        }
    }

    /// The first readable answer for our realm; nil when there is none. Fails when the only ones that could be meant for
    /// us are unreadable.
    private func credentials(of request: Request) -> Result<DigestAnswer?, DigestError> {
        var failure: DigestError?
        for name in [HeaderName.proxyAuthorization, .authorization] {
            for value in request.headers.all(name) {
                do throws(DigestError) {
                    let answer = try DigestAnswer(parsing: value)
                    if answer.realm == realm { return .success(answer) }
                } catch {
                    if error != .otherScheme { failure = failure ?? error }
                }
            }
        }
        return failure.map { .failure($0) } ?? .success(nil)
    }

    /// User and host alone: Meta's `uri` lacks the `;transport=tls` of its Request-URI (meta-calling §6.3).
    private static func isSame(_ uri: String, _ requested: SIPURI) -> Bool {
        guard let uri = SIPURI(uri) else { return false }
        return uri.host == requested.host
            && uri.userWithoutParameters.map(SIPURI.unescaped)
                == requested.userWithoutParameters.map(SIPURI.unescaped)
    }
}

extension DigestServer: CustomStringConvertible, CustomReflectable {
    /// Without the secret.
    public var description: String { "DigestServer(realm: \(realm))" }
    public var customMirror: Mirror { Mirror(self, children: ["realm": realm]) }
}
