/// A digest challenge: the value of WWW-Authenticate or Proxy-Authenticate (RFC 3261 §20.44, RFC 7616 §3.3).
///
/// Texts are the octets between the quotes, backslashes included, so that they are echoed as they came.
public struct DigestChallenge: Hashable, Sendable, CustomStringConvertible {
    public var realm: String
    public var nonce: String
    public var opaque: String?
    /// MD5 when the challenge names none.
    public var algorithm: DigestAlgorithm
    /// Whether the challenge named its algorithm; only then does the answer.
    public var namesAlgorithm: Bool
    /// Whether `qop=auth` is offered; without any qop the answer is RFC 2069's.
    public var qopAuth: Bool
    /// Whether only other protections than `auth` are offered.
    public var demandsOtherQop: Bool
    /// The password was right but the nonce too old: answer again with the new one.
    public var stale: Bool

    public init(
        realm: String, nonce: String, opaque: String? = nil, algorithm: DigestAlgorithm = .md5, qopAuth: Bool = true,
        stale: Bool = false
    ) {
        self.realm = realm
        self.nonce = nonce
        self.opaque = opaque
        self.algorithm = algorithm
        namesAlgorithm = true
        self.qopAuth = qopAuth
        demandsOtherQop = false
        self.stale = stale
    }

    public init(parsing value: String) throws(DigestError) {
        let parameters = try AuthParameters(parsing: value.utf8Span.span)
        realm = try parameters.required("realm")
        nonce = try parameters.required("nonce")
        opaque = parameters["opaque"]
        algorithm = parameters["algorithm"].map { DigestAlgorithm($0) } ?? .md5
        namesAlgorithm = parameters["algorithm"] != nil
        let offered = (parameters["qop"] ?? "").asciiLowercased
            .split { $0 == "," || $0 == " " || $0 == "\t" }
        qopAuth = offered.contains("auth")
        demandsOtherQop = !offered.isEmpty && !qopAuth
        stale = parameters["stale"]?.asciiLowercased == "true"
    }

    /// The header value.
    public var description: String {
        var text = "Digest realm=\"\(realm)\",nonce=\"\(nonce)\""
        if let opaque { text += ",opaque=\"\(opaque)\"" }
        if stale { text += ",stale=true" }
        if namesAlgorithm { text += ",algorithm=\(algorithm)" }
        if qopAuth { text += ",qop=\"auth\"" }
        return text
    }

    /// Whether it can be answered here.
    var isSupported: Bool {
        switch algorithm {
        case .md5, .sha256: !demandsOtherQop
        case .other: false
        }
    }
}

extension Response {
    /// The readable digest challenges of a 401 or 407, in the order received; others are left out.
    public var digestChallenges: [DigestChallenge] {
        let name: HeaderName = status == 401 ? .wwwAuthenticate : .proxyAuthenticate
        return headers.all(name).compactMap { value in try? DigestChallenge(parsing: value) }
    }
}
