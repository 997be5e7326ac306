/// The answer to a digest challenge: the value of Authorization or Proxy-Authorization (RFC 3261 §22.4).
///
/// The client makes it with `answer(challenges:…)`; a server reads it with `init(parsing:)` and asks `isCorrect`.
/// Nonce freshness and the comparison of `uri` with the Request-URI are the server's to decide: Meta's `uri` lacks
/// `;transport=tls` (meta-calling §6.3). Its `response` does not show when it is printed or reflected; `headerValue`
/// has it.
public struct DigestAnswer: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// Texts are the octets between the quotes.
    public var username: String
    public var realm: String
    public var nonce: String
    /// The digest-uri as sent; the hash is taken over exactly this text.
    public var uri: String
    public var opaque: String?
    /// Nil when not named, which means MD5.
    public var algorithm: DigestAlgorithm?
    /// Present with `qop=auth`, absent in the form of RFC 2069.
    public var qop: Qop?
    /// The proof, lower-case hexadecimal.
    private var response: String

    public struct Qop: Hashable, Sendable {
        public var cnonce: String
        /// Eight hexadecimal digits as sent.
        public var nonceCount: String

        public init(cnonce: String, nonceCount: String) {
            self.cnonce = cnonce
            self.nonceCount = nonceCount
        }
    }

    /// The header value that answers the first challenge we can compute, in the order received, with that header's own
    /// nonce and opaque (meta-calling §6.2); nil when there is none.
    ///
    /// - Parameters:
    ///   - uri: the Request-URI exactly as sent.
    ///   - cnonce: fresh random characters without quotes.
    ///   - nc: how many requests were sent with that nonce, this one included.
    public static func answer(
        challenges: [DigestChallenge], credentials: DigestCredentials, method: Method, uri: String, cnonce: String,
        nc: UInt32 = 1
    ) -> String? {
        guard let challenge = challenges.first(where: \.isSupported) else { return nil }
        return DigestAnswer(
            to: challenge, credentials: credentials, method: method, uri: uri, cnonce: cnonce, nc: nc)?.headerValue
    }

    /// Nil when the challenge's algorithm or protection is not supported.
    public init?(
        to challenge: DigestChallenge, credentials: DigestCredentials, method: Method, uri: String, cnonce: String,
        nc: UInt32
    ) {
        guard challenge.isSupported else { return nil }
        let digits = String(nc, radix: 16)
        username = credentials.username
        realm = challenge.realm
        nonce = challenge.nonce
        self.uri = uri
        opaque = challenge.opaque
        algorithm = challenge.namesAlgorithm ? challenge.algorithm : nil
        qop =
            challenge.qopAuth
            ? Qop(cnonce: cnonce, nonceCount: String(repeating: "0", count: 8 - digits.count) + digits) : nil
        response = ""
        guard let proof = proof(password: credentials.password, method: method) else { return nil }
        response = proof
    }

    public init(parsing value: String) throws(DigestError) {
        let parameters = try AuthParameters(parsing: value.utf8Span.span)
        username = QuotedString.unquote("\"" + (try parameters.required("username")) + "\"")
        realm = try parameters.required("realm")
        nonce = try parameters.required("nonce")
        uri = try parameters.required("uri")
        response = try parameters.required("response").asciiLowercased
        opaque = parameters["opaque"]
        algorithm = parameters["algorithm"].map { DigestAlgorithm($0) }
        if let qop = parameters["qop"] {
            guard qop.asciiLowercased == "auth" else { throw .malformed }
            self.qop = Qop(
                cnonce: try parameters.required("cnonce"), nonceCount: try parameters.required("nc"))
        } else {
            qop = nil
        }
    }

    /// Whether the sender knows the password. Takes the same time wherever the first difference is.
    public func isCorrect(password: String, method: Method) -> Bool {
        guard let expected = proof(password: password, method: method) else { return false }
        return ConstantTime.areEqual(expected.utf8, response.utf8)
    }

    private func proof(password: String, method: Method) -> String? {
        let algorithm = algorithm ?? .md5
        guard let secret = algorithm.hash("\(username):\(realm):\(password)"),
            let target = algorithm.hash("\(method):\(uri)")
        else { return nil }
        guard let qop else { return algorithm.hash("\(secret):\(nonce):\(target)") }
        return algorithm.hash("\(secret):\(nonce):\(qop.nonceCount):\(qop.cnonce):auth:\(target)")
    }

    /// As it goes into the header field, in the order Meta's gateway writes it (meta-calling §12.1).
    public var headerValue: String {
        var text = "Digest username=\(QuotedString.quote(username)), realm=\"\(realm)\", nonce=\"\(nonce)\""
        text += ", uri=\"\(uri)\", response=\"\(response)\""
        if let algorithm { text += ", algorithm=\(algorithm)" }
        if let qop { text += ", cnonce=\"\(qop.cnonce)\"" }
        if let opaque { text += ", opaque=\"\(opaque)\"" }
        if let qop { text += ", qop=auth, nc=\(qop.nonceCount)" }
        return text
    }

    public var description: String { "DigestAnswer(realm: \(realm))" }
    public var customMirror: Mirror { Mirror(self, children: ["realm": realm]) }
}
