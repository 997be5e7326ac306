/// A request method (RFC 3261 §7.1), compared with regard to case.
public struct Method: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    private enum Known: String, Sendable {
        case invite = "INVITE"
        case ack = "ACK"
        case bye = "BYE"
        case cancel = "CANCEL"
        case options = "OPTIONS"
        case register = "REGISTER"
        case prack = "PRACK"
        case update = "UPDATE"
        case info = "INFO"
        case refer = "REFER"
        case notify = "NOTIFY"
        case subscribe = "SUBSCRIBE"
        case message = "MESSAGE"
        case publish = "PUBLISH"

        /// The only one that begins so and is that long.
        init?(initial: UInt8, count: Int) {
            let known: Known? =
                switch (Unicode.Scalar(initial), count) {
                case ("I", 6): .invite
                case ("A", 3): .ack
                case ("B", 3): .bye
                case ("C", 6): .cancel
                case ("O", 7): .options
                case ("R", 8): .register
                case ("P", 5): .prack
                case ("U", 6): .update
                case ("I", 4): .info
                case ("R", 5): .refer
                case ("N", 6): .notify
                case ("S", 9): .subscribe
                case ("M", 7): .message
                case ("P", 7): .publish
                default: nil
                }
            guard let known else { return nil }
            self = known
        }
    }

    private enum Storage: Hashable, Sendable {
        case known(Known)
        /// Never the text of a known one.
        case other(String)
    }
    private let storage: Storage

    private init(_ known: Known) { storage = .known(known) }

    public init(rawValue: String) {
        self = Method(known: rawValue.utf8Span.span, 0..<rawValue.utf8.count) ?? Method(other: rawValue)
    }

    public init(stringLiteral value: String) { self.init(rawValue: value) }

    /// The octets of the range, nil when they are not UTF-8; whether they are a `token` is the caller's to know.
    init?(_ octets: Span<UInt8>, _ range: Range<Int>) {
        if let known = Method(known: octets, range) {
            self = known
        } else {
            guard let text = octets.text(range) else { return nil }
            self.init(other: text)
        }
    }

    private init(other: String) { storage = .other(other) }

    private init?(known octets: Span<UInt8>, _ range: Range<Int>) {
        guard !range.isEmpty, let known = Known(initial: octets[range.lowerBound], count: range.count),
            octets.equals(range, known.rawValue)
        else { return nil }
        self.init(known)
    }

    public var rawValue: String {
        switch storage {
        case .known(let known): known.rawValue
        case .other(let text): text
        }
    }

    public var description: String { rawValue }

    public static let invite = Method(.invite)
    public static let ack = Method(.ack)
    public static let bye = Method(.bye)
    public static let cancel = Method(.cancel)
    public static let options = Method(.options)
    public static let register = Method(.register)
    /// RFC 3262.
    public static let prack = Method(.prack)
    /// RFC 3311.
    public static let update = Method(.update)
    /// RFC 6086.
    public static let info = Method(.info)
    /// RFC 3515.
    public static let refer = Method(.refer)
    /// RFC 6665.
    public static let notify = Method(.notify)
    /// RFC 6665.
    public static let subscribe = Method(.subscribe)
    /// RFC 3428.
    public static let message = Method(.message)
    /// RFC 3903.
    public static let publish = Method(.publish)
}
