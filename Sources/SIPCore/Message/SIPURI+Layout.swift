/// Why octets are no URI.
public enum URIError: Error, Hashable, Sendable {
    case missingScheme
    case badCharacter(offset: Int)
    case badEscape, badUser, badHost, badPort, badParameters
}

extension SIPURI {
    /// Where the parts of a URI stand in its text.
    struct Layout: Hashable, Sendable {
        enum Kind: Sendable { case sip, sips, other }

        var kind = Kind.sip
        var hasHeaders = false
        var port: UInt16?
        private var schemePlace = Place()
        private var userPlace: Place?
        private var passwordPlace: Place?
        private var hostPlace = Place()
        private var parametersPlace = Place()

        var scheme: Range<Int> {
            get { schemePlace.range }
            set { schemePlace = Place(newValue) }
        }
        var user: Range<Int>? {
            get { userPlace?.range }
            set { userPlace = newValue.map { Place($0) } }
        }
        var password: Range<Int>? {
            get { passwordPlace?.range }
            set { passwordPlace = newValue.map { Place($0) } }
        }
        /// Without brackets; empty in other schemes.
        var host: Range<Int> {
            get { hostPlace.range }
            set { hostPlace = Place(newValue) }
        }
        /// Empty, or from the first `;` on. A `?` and the headers follow directly.
        var parameters: Range<Int> {
            get { parametersPlace.range }
            set { parametersPlace = Place(newValue) }
        }

        init() {}

        /// All of the text is the user of a nameless scheme.
        init(unreadable count: Int) {
            kind = .other
            user = 0..<count
            parameters = count..<count
        }

        /// A range in half the room: every Request holds a URI.
        private struct Place: Hashable, Sendable {
            var lower: UInt32 = 0
            var upper: UInt32 = 0

            init() {}
            init(_ range: Range<Int>) {
                lower = UInt32(clamping: range.lowerBound)
                upper = UInt32(clamping: range.upperBound)
            }
            var range: Range<Int> { Int(lower)..<Int(upper) }
        }
    }
}

extension SIPURI.Layout {
    /// Reads the whole span as one URI, without making text of it. Whether octets from 0x80 are UTF-8 is not looked at.
    init(_ text: Span<UInt8>) throws(URIError) {
        self.init()
        var position = 0
        let scheme = text.scan(.scheme, &position)
        guard !scheme.isEmpty, !text[0].isASCIIDigit, text.take(":", &position) else { throw .missingScheme }
        self.scheme = scheme
        var end = position
        guard text.scan(.uri, &end).upperBound == text.count else { throw .badCharacter(offset: end) }
        guard text.hasWholeEscapes(position..<text.count) else { throw .badEscape }

        if text.equals(scheme, ignoringCase: "sip") {
            kind = .sip
        } else if text.equals(scheme, ignoringCase: "sips") {
            kind = .sips
        } else {
            guard position < text.count else { throw .badUser }
            kind = .other
            user = position..<text.count
            parameters = text.count..<text.count
            return
        }
        // The user part may hold `;` and `?`, so it is delimited first (RFC 4475 §3.1.1.9).
        if let at = text.firstIndex(of: UInt8(ascii: "@"), in: position..<text.count) {
            let colon = text.firstIndex(of: UInt8(ascii: ":"), in: position..<at)
            guard (colon ?? at) > position else { throw .badUser }
            user = position..<(colon ?? at)
            if let colon { password = colon + 1..<at }
            position = at + 1
        }
        guard let host = Host.scan(text, &position) else { throw .badHost }
        self.host = host
        port = try Host.scanPort(text, &position)
        let question = text.firstIndex(of: UInt8(ascii: "?"), in: position..<text.count)
        guard position == text.count || text[position] == UInt8(ascii: ";") || question == position else {
            throw .badHost
        }
        hasHeaders = question != nil
        parameters = position..<(question ?? text.count)
        var cursor = Parameters.Cursor(uri: position)
        while cursor.next(in: text, end: parameters.upperBound) != nil {}
        if cursor.isMalformed { throw .badParameters }
    }
}
