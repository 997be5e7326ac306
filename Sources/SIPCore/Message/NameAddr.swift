/// Why octets are no `name-addr` or `addr-spec`.
public enum NameAddrError: Error, Hashable, Sendable {
    case unterminatedQuote, badDisplayName, unterminatedAngle
    case uri(URIError)
    case needsAngleBrackets, badParameters
}

/// The value of From, To, Contact, Route, Record-Route, Refer-To: `"Name" <uri>;parameters` (RFC 3261 §20.10).
public struct NameAddr: Hashable, Sendable, CustomStringConvertible {
    /// Without quotes and backslashes; nil when absent or empty.
    public var displayName: String?
    public var uri: SIPURI
    /// Those behind the angle brackets, not the URI's.
    public var parameters: Parameters

    public init(displayName: String? = nil, uri: SIPURI, parameters: Parameters = .init()) {
        self.displayName = displayName
        self.uri = uri
        self.parameters = parameters
    }

    public init?(_ text: String) {
        do {
            try self.init(parsing: text.utf8Span.span)
        } catch {
            return nil
        }
    }

    public var tag: String? {
        get { parameters["tag"] }
        set { parameters["tag"] = newValue }
    }

    /// With the URI always in angle brackets and the display name always quoted.
    public var description: String {
        var text = ""
        if let displayName { text += QuotedString.quote(displayName) + " " }
        return text + "<\(uri)>\(parameters)"
    }
}

extension NameAddr {
    /// The whole span as one value.
    public init(parsing text: Span<UInt8>) throws(NameAddrError) {
        let layout = try Layout(text)
        displayName = nil
        if let name = layout.displayName, let written = text.text(name) {
            displayName = layout.isQuoted ? QuotedString.unquote(written) : written
            if displayName?.isEmpty == true { displayName = nil }
        }
        do {
            uri = try SIPURI(parsing: text.extracting(layout.uri))
        } catch {
            throw .uri(error)
        }
        guard let parameters = Parameters(header: text, from: layout.parameters) else { throw .badParameters }
        self.parameters = parameters
    }

    /// Where the parts of a value stand.
    struct Layout {
        /// With its quotes if it has some; nil when absent.
        var displayName: Range<Int>?
        var isQuoted = false
        /// Still to be read.
        var uri: Range<Int>
        /// Where the parameters begin; they are still to be read.
        var parameters: Int

        init(_ text: Span<UInt8>) throws(NameAddrError) {
            var position = 0
            text.skipWhitespace(&position)
            var opensAngle = false
            if position < text.count, text[position] == UInt8(ascii: "\"") {
                guard let quoted = text.scanQuoted(&position) else { throw .unterminatedQuote }
                displayName = quoted
                isQuoted = true
                text.skipWhitespace(&position)
                guard text.take("<", &position) else { throw .badDisplayName }
                opensAngle = true
            } else {
                var end = position
                let plain = text.trimmed(text.scan(.displayName, &end))
                if text.take("<", &end) {
                    displayName = plain.isEmpty ? nil : plain
                    position = end
                    opensAngle = true
                } else if text.firstIndex(of: UInt8(ascii: "<"), in: end..<text.count) != nil {
                    throw .badDisplayName
                }
            }
            let uriEnd: Int
            if opensAngle {
                guard let close = text.firstIndex(of: UInt8(ascii: ">"), in: position..<text.count) else {
                    throw .unterminatedAngle
                }
                uriEnd = close
            } else {
                // Without brackets a parameter belongs to the value, and `?` or `,` may not stand in the URI (§20).
                var end = position
                while end < text.count, text[end] != UInt8(ascii: ";"), !text[end].isWhitespace { end += 1 }
                let bare = position..<end
                guard text.firstIndex(of: UInt8(ascii: "?"), in: bare) == nil,
                    text.firstIndex(of: UInt8(ascii: ","), in: bare) == nil
                else { throw .needsAngleBrackets }
                uriEnd = end
            }
            uri = position..<uriEnd
            parameters = opensAngle ? uriEnd + 1 : uriEnd
        }
    }

    /// Whether the octets, which are UTF-8, are a value that `init(parsing:)` would take.
    static func isReadable(_ text: Span<UInt8>) -> Bool {
        find("", in: text) != nil
    }

    /// Reads a value without making text of it: where the first parameter of that name has its value, empty for a flag.
    ///
    /// - Returns: nil when the octets are no value; `.some(nil)` when no parameter has that name.
    static func find(_ parameter: String, in text: Span<UInt8>) -> Range<Int>?? {
        do {
            let layout = try Layout(text)
            _ = try SIPURI.Layout(text.extracting(layout.uri))
            return Parameters.find(parameter, header: text, from: layout.parameters)
        } catch {
            return nil
        }
    }
}
