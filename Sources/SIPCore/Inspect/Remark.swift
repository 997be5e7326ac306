/// Something worth saying of a message that can be read.
public struct Remark: Hashable, Sendable, Encodable {
    public enum Severity: String, Hashable, Sendable, Encodable {
        /// Good to know.
        case note
        /// Works sometimes, or for some.
        case warning
        /// Meta refuses it, or the call is lost.
        case problem
    }

    public var severity: Severity
    /// A constant word for scripts, such as `route-order`.
    public var code: String
    /// For people: what is so, and what to do about it.
    public var text: String

    init(_ severity: Severity, _ code: String, _ text: String) {
        self.severity = severity
        self.code = code
        self.text = text
    }
}
