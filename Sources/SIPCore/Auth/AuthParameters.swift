/// Why a header value is no digest challenge or answer.
public enum DigestError: Error, Hashable, Sendable {
    /// A scheme other than Digest, such as Basic.
    case otherScheme
    case malformed
    case missing(parameter: String)
}

/// `Digest name=value, name="value"`: what challenges and answers have in common (RFC 3261 §25.1).
struct AuthParameters {
    private var values: [(name: String, value: String)] = []

    /// Quotes are removed and backslashes kept: the hash is taken over these very octets, and they are echoed so.
    init(parsing text: Span<UInt8>) throws(DigestError) {
        var position = 0
        text.skipWhitespace(&position)
        let scheme = text.scan(.token, &position)
        guard text.equals(scheme, ignoringCase: "Digest") else { throw scheme.isEmpty ? .malformed : .otherScheme }
        while true {
            while position < text.count, text[position].isWhitespace || text[position] == UInt8(ascii: ",") {
                position += 1
            }
            if position == text.count { break }
            guard let name = text.text(text.scan(.token, &position)), !name.isEmpty else { throw .malformed }
            text.skipWhitespace(&position)
            guard text.take("=", &position) else { throw .malformed }
            text.skipWhitespace(&position)
            var value = position..<position
            if position < text.count, text[position] == UInt8(ascii: "\"") {
                guard let quoted = text.scanQuoted(&position) else { throw .malformed }
                value = quoted.lowerBound + 1..<quoted.upperBound - 1
            } else {
                value = text.scan(.parameterValue, &position)
            }
            guard let value = text.text(value) else { throw .malformed }
            text.skipWhitespace(&position)
            guard position == text.count || text[position] == UInt8(ascii: ",") else { throw .malformed }
            values.append((name.asciiLowercased, value))
        }
    }

    /// - Parameter name: in lower case.
    subscript(name: String) -> String? { values.first { $0.name == name }?.value }

    func required(_ name: String) throws(DigestError) -> String {
        guard let value = self[name] else { throw .missing(parameter: name) }
        return value
    }
}
