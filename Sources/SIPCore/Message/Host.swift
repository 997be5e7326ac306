/// Reading hosts of URIs and Via fields (RFC 3261 §25.1 `host`, RFC 5954 for IPv6).
enum Host {
    /// A name, an IPv4 address or a bracketed IPv6 address at the position. IPv6 comes back without its brackets;
    /// case is kept. Nil when none stands here.
    static func scan(_ text: Span<UInt8>, _ position: inout Int) -> Range<Int>? {
        if text.take("[", &position) {
            let inside = text.scan(.ipv6, &position)
            guard text.take("]", &position), isIPv6(text, inside) else { return nil }
            return inside
        }
        let name = text.scan(.host, &position)
        return name.isEmpty ? nil : name
    }

    /// `:port` at the position, nil when none stands here.
    /// - Throws: when a colon is followed by no port number in 1...65535.
    static func scanPort(_ text: Span<UInt8>, _ position: inout Int) throws(URIError) -> UInt16? {
        guard text.take(":", &position) else { return nil }
        text.skipWhitespace(&position)  // RFC 3261 COLON in Via allows space; a URI refuses it later
        guard let port = text.decimal(text.scan(.digit, &position), limit: 65_535), port > 0 else { throw .badPort }
        return UInt16(truncatingIfNeeded: port)
    }

    /// As it stands in a URI or Via: IPv6 addresses in brackets.
    static func written(_ host: String) -> String {
        host.utf8Span.span.firstIndex(of: UInt8(ascii: ":"), in: 0..<host.utf8.count) != nil ? "[\(host)]" : host
    }

    /// Whether the octets are an IPv6 address of RFC 4291 §2.2. Stricter than the grammar of RFC 3261, which lets
    /// three colons through (RFC 5118 §4.10).
    static func isIPv6(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var position = range.lowerBound
        var groups = 0
        var compressed = false
        let colon = UInt8(ascii: ":")
        func isColon(_ at: Int) -> Bool { at < range.upperBound && text[at] == colon }
        if isColon(position) {
            guard isColon(position + 1) else { return false }
        }
        while position < range.upperBound {
            if isColon(position), isColon(position + 1) {
                guard !compressed else { return false }
                compressed = true
                position += 2
                if position == range.upperBound { break }
            } else if groups > 0 {
                guard isColon(position) else { return false }
                position += 1
            }
            let start = position
            while position < range.upperBound, text[position].hexDigit != nil { position += 1 }
            if position < range.upperBound, text[position] == UInt8(ascii: ".") {
                guard isIPv4(text, start..<range.upperBound) else { return false }
                groups += 2
                position = range.upperBound
                break
            }
            guard position > start, position - start <= 4 else { return false }
            groups += 1
        }
        return compressed ? groups <= 7 : groups == 8
    }

    /// Whether the octets are four decimal numbers below 256 with dots between.
    static func isIPv4(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var position = range.lowerBound
        for part in 0..<4 {
            if part > 0 {
                guard position < range.upperBound, text[position] == UInt8(ascii: ".") else { return false }
                position += 1
            }
            let start = position
            while position < range.upperBound, text[position].isASCIIDigit { position += 1 }
            guard text.decimal(start..<position, limit: 255) != nil else { return false }
        }
        return position == range.upperBound
    }
}
