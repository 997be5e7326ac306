public import SIPCore

/// A business number as Meta knows it, whatever route its calls take.
public struct TrunkNumber: Sendable, Hashable {
    /// Answers Meta's challenges, and the answers to ours are checked with it: the number without `+`, and its
    /// `sip_user_password` (meta-calling §6.1). Nil: not known.
    public var credentials: DigestCredentials?
    /// Calls from Meta must answer a challenge of ours; without a password known here they are refused.
    public var challenge: Bool
    /// The host that is entered at Meta for the number when it is another than the edge's.
    public var domain: String?

    public init(credentials: DigestCredentials? = nil, challenge: Bool = false, domain: String? = nil) {
        self.credentials = credentials
        self.challenge = challenge
        self.domain = domain
    }
}
