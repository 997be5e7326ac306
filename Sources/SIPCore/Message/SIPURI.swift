/// A URI of a SIP message: sip, sips, or another scheme kept as it is (RFC 3261 §19.1).
///
/// Kept as its text; the parts are taken out of it when they are asked for.
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

    /// The octets it was read from, until a part changes.
    private var text: String
    private var layout: Layout

    public init(
        scheme: Scheme = .sip, user: String? = nil, host: String, port: UInt16? = nil, parameters: Parameters = .init()
    ) {
        self.init(
            Parts(
                scheme: scheme, user: user, password: nil, host: host.asciiLowercased, port: port,
                parameters: parameters, headers: nil))
    }

    /// Stands in for a Request-URI nobody could read, so that the request can still be answered.
    init(unreadable text: String) {
        self.text = text
        layout = Layout(unreadable: text.utf8.count)
    }

    public init?(_ text: String) {
        do {
            layout = try Layout(text.utf8Span.span)
            self.text = text
        } catch {
            return nil
        }
    }

    /// The whole span as one URI, without angle brackets.
    public init(parsing octets: Span<UInt8>) throws(URIError) {
        layout = try Layout(octets)
        guard let text = octets.text(0..<octets.count) else { throw .badCharacter(offset: 0) }
        self.text = text
    }

    public var scheme: Scheme {
        get {
            switch layout.kind {
            case .sip: .sip
            case .sips: .sips
            case .other: .other(part(layout.scheme).asciiLowercased)
            }
        }
        set { change { $0.scheme = newValue } }
    }

    /// With its escapes and with user parameters (`+15550100001;phone-context=…`), without the password.
    /// In other schemes all that follows the colon.
    public var user: String? {
        get { layout.user.map(part) }
        set { change { $0.user = newValue } }
    }

    public var password: String? {
        get { layout.password.map(part) }
        set { change { $0.password = newValue } }
    }

    /// In lower case; IPv6 without brackets; empty in other schemes.
    public var host: String {
        get { part(layout.host).asciiLowercased }
        set { change { $0.host = newValue } }
    }

    public var port: UInt16? {
        get { layout.port }
        set { change { $0.port = newValue } }
    }

    public var parameters: Parameters {
        get { Parameters(uri: text.utf8Span.span, layout.parameters) ?? Parameters() }
        set { change { $0.parameters = newValue } }
    }

    /// What follows `?`, undivided.
    public var headers: String? {
        get { layout.hasHeaders ? part(layout.parameters.upperBound + 1..<text.utf8.count) : nil }
        set { change { $0.headers = newValue } }
    }

    /// User without the parameters that Meta and RFC 3261 §19.1.6 put behind it.
    public var userWithoutParameters: String? {
        user.map { String($0.prefix { $0 != ";" }) }
    }

    /// Whether a request to it must travel over TLS.
    public var isTLS: Bool {
        if layout.kind == .sips { return true }
        let octets = text.utf8Span.span
        guard let transport = parameter("transport", octets) else { return false }
        return octets.equals(transport, ignoringCase: "tls")
    }

    /// Whether a parameter of that name stands behind the host; cheaper than `parameters.contains(_:)`.
    public func hasParameter(_ name: String) -> Bool { parameter(name, text.utf8Span.span) != nil }

    private func parameter(_ name: String, _ octets: Span<UInt8>) -> Range<Int>? {
        var cursor = Parameters.Cursor(uri: layout.parameters.lowerBound)
        while let parameter = cursor.next(in: octets, end: layout.parameters.upperBound) {
            guard octets.equals(parameter.name, ignoringCase: name) else { continue }
            return parameter.value ?? parameter.name.upperBound..<parameter.name.upperBound
        }
        return nil
    }

    /// The received octets while unmodified.
    public var description: String { text }

    private func part(_ range: Range<Int>) -> String { text.utf8Span.span.text(range) ?? "" }

    public static func == (a: SIPURI, b: SIPURI) -> Bool {
        if a.text == b.text, a.layout == b.layout { return true }
        return a.scheme == b.scheme && a.user == b.user && a.password == b.password && a.host == b.host
            && a.port == b.port && a.parameters == b.parameters && a.headers == b.headers
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(scheme)
        hasher.combine(user)
        hasher.combine(host)
        hasher.combine(port)
    }
}

extension SIPURI {
    /// The parts on their own, while one of them changes.
    private struct Parts {
        var scheme: Scheme
        var user: String?
        var password: String?
        var host: String
        var port: UInt16?
        var parameters: Parameters
        var headers: String?
    }

    private mutating func change(_ edit: (inout Parts) -> Void) {
        var parts = Parts(
            scheme: scheme, user: user, password: password, host: host, port: port, parameters: parameters,
            headers: headers)
        edit(&parts)
        self = SIPURI(parts)
    }

    private init(_ parts: Parts) {
        layout = Layout()
        switch parts.scheme {
        case .sip: layout.kind = .sip
        case .sips: layout.kind = .sips
        case .other: layout.kind = .other
        }
        text = ""
        layout.scheme = text.adding(parts.scheme.text)
        text += ":"
        if let user = parts.user {
            layout.user = text.adding(user)
            if let password = parts.password {
                text += ":"
                layout.password = text.adding(password)
            }
            if !parts.host.isEmpty { text += "@" }
        }
        let isIPv6 = parts.host.utf8.contains(UInt8(ascii: ":"))
        if isIPv6 { text += "[" }
        layout.host = text.adding(parts.host)
        if isIPv6 { text += "]" }
        if let port = parts.port {
            text += ":\(port)"
            layout.port = port
        }
        layout.parameters = text.adding(parts.parameters.description)
        if let headers = parts.headers {
            text += "?" + headers
            layout.hasHeaders = true
        }
    }
}

extension String {
    /// Appends and says where the addition stands.
    fileprivate mutating func adding(_ other: String) -> Range<Int> {
        let start = utf8.count
        self += other
        return start..<utf8.count
    }
}
