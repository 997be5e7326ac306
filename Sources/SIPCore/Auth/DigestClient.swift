/// The client side of digest for one call or one request outside calls (RFC 3261 §22.3): whom to answer, how often, and
/// with which `nc`.
///
/// A wrong password is answered by Meta with 403 (meta-calling §6.2) and by others with the same challenge again; neither
/// is tried twice.
public struct DigestClient: Sendable {
    public enum Outcome: Hashable, Sendable {
        /// Send the request again with this field, its CSeq one higher (``UACInvite/Event/authorize(_:)``).
        case answer(HeaderField)
        case refuse(Refusal)
    }

    public enum Refusal: Hashable, Sendable {
        /// Neither 401 nor 407, or no challenge in it that can be read.
        case noChallenge
        /// A realm that the trunk is not configured for: whoever asks is not to learn anything of our password.
        case otherRealm
        /// No algorithm or protection that we have.
        case unsupported
        /// The request had an answer for this realm, and it was not taken.
        case rejected
        /// Stale again and again.
        case tooManyAnswers
    }

    /// All the answers that one value gives: INVITE, a stale nonce, and the requests inside the dialog.
    private static let mostAnswers = 8

    private let credentials: DigestCredentials
    private let realms: Set<String>
    /// How many answers each nonce got.
    private var counts: [String: UInt32] = [:]
    private var answers = 0

    /// - Parameter realms: those that may be answered, compared octet by octet.
    public init(credentials: DigestCredentials, realms: Set<String>) {
        self.credentials = credentials
        self.realms = realms
    }

    /// Answers the first challenge of an allowed realm that can be computed, in the order received.
    ///
    /// - Parameters:
    ///   - request: as it was sent; credentials in it are those that were not taken.
    ///   - cnonce: fresh random characters without quotes.
    public mutating func answer(_ response: Response, to request: Request, cnonce: String) -> Outcome {
        guard response.status == 401 || response.status == 407 else { return .refuse(.noChallenge) }
        let challenges = response.digestChallenges
        guard !challenges.isEmpty else { return .refuse(.noChallenge) }
        let allowed = challenges.filter { realms.contains($0.realm) }
        guard !allowed.isEmpty else { return .refuse(.otherRealm) }
        guard let challenge = allowed.first(where: \.isSupported) else { return .refuse(.unsupported) }
        let name: HeaderName = response.status == 401 ? .authorization : .proxyAuthorization
        let given = request.headers.all(name).compactMap { value in try? DigestAnswer(parsing: value) }
            .filter { $0.realm == challenge.realm }
        // A new nonce with stale=true asks for the same answer once more; the same nonce never does.
        guard given.isEmpty || challenge.stale && !given.contains(where: { $0.nonce == challenge.nonce }) else {
            return .refuse(.rejected)
        }
        guard answers < DigestClient.mostAnswers else { return .refuse(.tooManyAnswers) }
        let count = (counts[challenge.nonce] ?? 0) &+ 1
        guard
            let answer = DigestAnswer(
                to: challenge, credentials: credentials, method: request.method, uri: request.uri.description,
                cnonce: cnonce, nc: count)
        else { return .refuse(.unsupported) }
        counts[challenge.nonce] = count
        answers += 1
        return .answer(HeaderField(name, answer.headerValue))
    }
}

extension DigestClient: CustomStringConvertible, CustomReflectable {
    public var description: String { "DigestClient" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
