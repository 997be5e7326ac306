/// One Via value: where a request came past and where its response goes (RFC 3261 §20.42).
public struct Via: Hashable, Sendable, CustomStringConvertible {
    /// `UDP`, `TCP`, `TLS`, … in the case received.
    public var transport: String
    /// The host of sent-by as received, IPv6 without brackets.
    public var host: String
    public var port: UInt16?
    public var parameters: Parameters

    public init(transport: String, host: String, port: UInt16? = nil, parameters: Parameters = .init()) {
        self.transport = transport
        self.host = host
        self.port = port
        self.parameters = parameters
    }

    public init?(_ text: String) { self.init(parsing: text.utf8Span.span) }

    /// The whole span as one value, nil when it is none.
    public init?(parsing text: Span<UInt8>) {
        guard let layout = Layout(text), let transport = text.text(layout.transport),
            let host = text.text(layout.host), let parameters = Parameters(header: text, from: layout.parameters)
        else { return nil }
        self.init(transport: transport, host: host, port: layout.port, parameters: parameters)
    }

    /// Where the parts of a value stand.
    struct Layout {
        var transport: Range<Int>
        /// Without brackets.
        var host: Range<Int>
        var port: UInt16?
        /// Where the parameters begin; they are still to be read.
        var parameters: Int

        init?(_ text: Span<UInt8>) {
            var position = 0
            text.skipWhitespace(&position)
            guard text.equals(text.scan(.token, &position), ignoringCase: "SIP"), Via.takeSlash(text, &position),
                text.equals(text.scan(.token, &position), ignoringCase: "2.0"), Via.takeSlash(text, &position)
            else { return nil }
            transport = text.scan(.token, &position)
            guard !transport.isEmpty, position < text.count, text[position].isWhitespace else { return nil }
            text.skipWhitespace(&position)
            guard let host = Host.scan(text, &position) else { return nil }
            self.host = host
            var afterSpace = position
            text.skipWhitespace(&afterSpace)
            if afterSpace < text.count, text[afterSpace] == UInt8(ascii: ":") { position = afterSpace }
            do {
                port = try Host.scanPort(text, &position)
            } catch {
                return nil
            }
            parameters = position
        }
    }

    private static func takeSlash(_ text: Span<UInt8>, _ position: inout Int) -> Bool {
        text.skipWhitespace(&position)
        guard text.take("/", &position) else { return false }
        text.skipWhitespace(&position)
        return true
    }

    public var branch: String? { parameters["branch"] }

    /// Where the request really came from, IPv6 without brackets whether it was sent with them or not
    /// (RFC 5118 §4.5).
    public var received: String? {
        parameters["received"].map { String($0.drop { $0 == "[" }.prefix { $0 != "]" }) }
    }

    /// The port the request really came from (RFC 3581); nil when absent or only asked for.
    public var rport: UInt16? { parameters["rport"].flatMap { UInt16($0) } }

    /// `host:port` as written in the value.
    public var sentBy: String { Host.written(host) + (port.map { ":\($0)" } ?? "") }

    public var description: String { "SIP/2.0/\(transport) \(sentBy)\(parameters)" }
}
