/// Who we are towards a challenge. Neither part shows when it is printed: the username is a phone number towards Meta.
public struct DigestCredentials: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// Towards Meta the business number without `+` (meta-calling §6.1).
    public var username: String
    public var password: String

    public init(username: String, password: String) {
        self.username = username
        self.password = password
    }

    public var description: String { "DigestCredentials" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
