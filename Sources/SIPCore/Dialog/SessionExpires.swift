/// The value of Session-Expires (RFC 4028 §4): how long a session lives without a refresh, and who refreshes it.
public struct SessionExpires: Hashable, Sendable, CustomStringConvertible {
    /// The client or the server of the request that the field belongs to, not of the call.
    public enum Refresher: String, Hashable, Sendable { case uac, uas }

    public var seconds: Int
    /// Nil where the one who writes leaves it open.
    public var refresher: Refresher?

    public init(seconds: Int, refresher: Refresher? = nil) {
        self.seconds = seconds
        self.refresher = refresher
    }

    /// Nil when the value is malformed.
    public init?(_ value: String) {
        let text = value.utf8Span.span
        var position = 0
        text.skipWhitespace(&position)
        guard let seconds = text.decimal(text.scan(.digit, &position), limit: Int(Int32.max)),
            let parameters = Parameters(header: text, from: position)
        else { return nil }
        self.init(
            seconds: seconds,
            refresher: parameters["refresher"].flatMap { Refresher(rawValue: $0.asciiLowercased) })
    }

    public var description: String {
        refresher.map { "\(seconds);refresher=\($0.rawValue)" } ?? "\(seconds)"
    }
}

extension Headers {
    public var sessionExpires: SessionExpires? { self[first: .sessionExpires].flatMap { SessionExpires($0) } }

    /// The shortest session interval the writer bears, in seconds (RFC 4028 §5).
    public var minSE: Int? { self[first: .minSE].flatMap { SessionExpires($0) }?.seconds }

    /// Whether Supported or Require names the option tag.
    public func knows(_ option: String) -> Bool { requires(option) || has(option, in: .supported) }

    /// Whether Require names the option tag.
    public func requires(_ option: String) -> Bool { has(option, in: .require) }

    private func has(_ option: String, in name: HeaderName) -> Bool {
        contains { $0.name == name } && elements(name).contains { $0.equalsIgnoringASCIICase(option) }
    }

    /// The methods that Allow names; nil without the field.
    var allowed: Set<Method>? {
        guard contains(where: { $0.name == .allow }) else { return nil }
        return Set(elements(.allow).prefix(64).map { Method(rawValue: $0) })
    }
}
