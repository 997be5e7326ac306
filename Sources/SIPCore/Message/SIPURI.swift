/// A URI of a SIP message: sip, sips, or another scheme kept as it is (RFC 3261 §19.1).
///
/// `==` compares the parts as written (host and names regardless of case); RFC 3261 §19.1.4 equivalence is
/// `isEquivalent(to:)`.
public struct SIPURI: Hashable, Sendable, CustomStringConvertible {
    public enum Scheme: Hashable, Sendable {
        case sip, sips
        /// In lower case, such as `tel`.
        case other(String)

        public var text: String {
            switch self {
            case .sip: "sip"
            case .sips: "sips"
            case .other(let name): name
            }
        }
    }

    public var scheme: Scheme { didSet { received = nil } }
    /// With its escapes and with user parameters (`+15550100001;phone-context=…`), without the password.
    /// In other schemes all that follows the colon.
    public var user: String? { didSet { received = nil } }
    public var password: String? { didSet { received = nil } }
    /// In lower case; IPv6 without brackets; empty in other schemes.
    public var host: String { didSet { received = nil } }
    public var port: UInt16? { didSet { received = nil } }
    public var parameters: Parameters { didSet { received = nil } }
    /// What follows `?`, undivided.
    public var headers: String? { didSet { received = nil } }

    /// The octets it was read from, until a part changes.
    private var received: String?

    public init(
        scheme: Scheme = .sip, user: String? = nil, host: String, port: UInt16? = nil, parameters: Parameters = .init()
    ) {
        self.scheme = scheme
        self.user = user
        self.host = host.asciiLowercased
        self.port = port
        self.parameters = parameters
    }

    /// Stands in for a Request-URI nobody could read, so that the request can still be answered.
    init(unreadable text: String) {
        self.init(scheme: .other(""), user: text, host: "")
        received = text
    }

    public init?(_ text: String) {
        do {
            try self.init(parsing: text.utf8Span.span)
        } catch {
            return nil
        }
    }

    /// User without the parameters that Meta and RFC 3261 §19.1.6 put behind it.
    public var userWithoutParameters: String? {
        user.map { String($0.prefix { $0 != ";" }) }
    }

    /// Whether a request to it must travel over TLS.
    public var isTLS: Bool { scheme == .sips || parameters["transport"]?.asciiLowercased == "tls" }

    /// The received octets while unmodified.
    public var description: String {
        if let received { return received }
        var text = scheme.text + ":"
        if let user {
            text += user
            if let password { text += ":" + password }
            if !host.isEmpty { text += "@" }
        }
        text += Host.written(host)
        if let port { text += ":\(port)" }
        text += parameters.description
        if let headers { text += "?" + headers }
        return text
    }

    public static func == (a: SIPURI, b: SIPURI) -> Bool {
        a.scheme == b.scheme && a.user == b.user && a.password == b.password && a.host == b.host && a.port == b.port
            && a.parameters == b.parameters && a.headers == b.headers
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(scheme)
        hasher.combine(user)
        hasher.combine(host)
        hasher.combine(port)
    }
}

/// Why octets are no URI.
public enum URIError: Error, Hashable, Sendable {
    case missingScheme
    case badCharacter(offset: Int)
    case badEscape, badUser, badHost, badPort, badParameters
}

extension SIPURI {
    /// The whole span as one URI, without angle brackets.
    public init(parsing text: Span<UInt8>) throws(URIError) {
        let whole = 0..<text.count
        var position = 0
        let schemeRange = text.scan(.scheme, &position)
        guard !schemeRange.isEmpty, !text[0].isASCIIDigit, text.take(":", &position) else { throw .missingScheme }
        var end = position
        guard text.scan(.uri, &end).upperBound == text.count else { throw .badCharacter(offset: end) }
        guard text.hasWholeEscapes(whole) else { throw .badEscape }
        guard let all = text.text(whole) else { throw .badCharacter(offset: 0) }

        let isSIP = text.equals(schemeRange, ignoringCase: "sip")
        guard isSIP || text.equals(schemeRange, ignoringCase: "sips") else {
            guard position < text.count, let name = text.text(schemeRange) else { throw .badUser }
            self.init(scheme: .other(name.asciiLowercased), user: text.text(position..<text.count), host: "")
            received = all
            return
        }
        // The user part may hold `;` and `?`, so it is delimited first (RFC 4475 §3.1.1.9).
        var user: String?
        var password: String?
        if let at = text.firstIndex(of: UInt8(ascii: "@"), in: position..<text.count) {
            let colon = text.firstIndex(of: UInt8(ascii: ":"), in: position..<at)
            guard (colon ?? at) > position else { throw .badUser }
            user = text.text(position..<(colon ?? at))
            password = colon.flatMap { text.text($0 + 1..<at) }
            position = at + 1
        }
        guard let host = Host.scan(text, &position) else { throw .badHost }
        let port = try Host.scanPort(text, &position)
        let question = text.firstIndex(of: UInt8(ascii: "?"), in: position..<text.count)
        guard position == text.count || text[position] == UInt8(ascii: ";") || question == position else {
            throw .badHost
        }
        guard let parameters = Parameters(uri: text, position..<(question ?? text.count)) else { throw .badParameters }
        self.init(scheme: isSIP ? .sip : .sips, user: user, host: host, port: port, parameters: parameters)
        self.password = password
        headers = question.flatMap { text.text($0 + 1..<text.count) }
        received = all
    }
}
