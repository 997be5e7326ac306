/// The CSeq value: `4711 INVITE` (RFC 3261 §20.16).
public struct CSeq: Hashable, Sendable, CustomStringConvertible {
    /// Below 2³¹ when received (RFC 3261 §8.1.1.5).
    public var number: UInt32
    public var method: Method

    public init(number: UInt32, method: Method) {
        self.number = number
        self.method = method
    }

    public init?(_ text: String) { self.init(parsing: text.utf8Span.span) }

    /// The whole span as one value, nil when it is none.
    public init?(parsing text: Span<UInt8>) {
        var position = 0
        text.skipWhitespace(&position)
        guard let number = text.decimal(text.scan(.digit, &position), limit: Int(Int32.max)), position < text.count,
            text[position].isWhitespace
        else { return nil }
        text.skipWhitespace(&position)
        let token = text.scan(.token, &position)
        guard !token.isEmpty, let method = Method(text, token) else { return nil }
        text.skipWhitespace(&position)
        guard position == text.count else { return nil }
        self.init(number: UInt32(truncatingIfNeeded: number), method: method)
    }

    public var description: String { "\(number) \(method)" }
}
