/// Small tools for reading the text of a session description. All of them look at octets, so that combining characters
/// sent by a peer cannot hide a delimiter.
enum SDPText {
    /// The octets of `range` as text; what is not UTF-8 (old `s=` lines in Latin-1) is replaced, as no such octet
    /// means anything to us.
    static func string(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        var octets: [UInt8] = []
        octets.reserveCapacity(range.count)
        for index in range { octets.append(bytes[index]) }
        return String(decoding: octets, as: UTF8.self)
    }

    /// The fields between spaces; several spaces count as one.
    static func fields(_ text: some StringProtocol) -> [String] {
        split(text, at: UInt8(ascii: " "))
    }

    static func split(_ text: some StringProtocol, at separator: UInt8, omittingEmpty: Bool = true) -> [String] {
        text.utf8.split(separator: separator, omittingEmptySubsequences: omittingEmpty)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// `text` before and after the first `separator`; the second is nil where there is none.
    static func cut(_ text: String, at separator: UInt8) -> (head: String, tail: String?) {
        guard let index = text.utf8.firstIndex(of: separator) else { return (text, nil) }
        return (
            String(decoding: text.utf8[..<index], as: UTF8.self),
            String(decoding: text.utf8[text.utf8.index(after: index)...], as: UTF8.self)
        )
    }

    /// An unsigned number of digits only (no sign), or nil when it is not one or is above `limit`.
    static func number(_ text: some StringProtocol, limit: UInt64) -> UInt64? {
        var value: UInt64 = 0
        var empty = true
        for octet in text.utf8 {
            guard octet >= UInt8(ascii: "0"), octet <= UInt8(ascii: "9") else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(octet &- UInt8(ascii: "0")))
            guard !overflow, !carry, sum <= limit else { return nil }
            value = sum
            empty = false
        }
        return empty ? nil : value
    }

    static func lowercased(_ text: some StringProtocol) -> String {
        String(decoding: text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    static func hasPrefixIgnoringCase(_ line: Span<UInt8>, _ range: Range<Int>, _ prefix: StaticString) -> Bool {
        let wanted = prefix.description.utf8
        guard range.count >= wanted.count else { return false }
        var index = range.lowerBound
        for octet in wanted {
            let seen = line[index]
            guard seen == octet || (seen >= 0x41 && seen <= 0x5A && seen | 0x20 == octet) else { return false }
            index += 1
        }
        return true
    }
}

/// What the text of a network address is. Only literals count: a name in `c=` is never resolved.
enum IPLiteral: Hashable, Sendable {
    case v4([UInt8])
    case v6([UInt16])

    init?(_ text: String) {
        if let octets = Self.v4Octets(text) {
            self = .v4(octets)
        } else if let groups = Self.v6Groups(text) {
            self = .v6(groups)
        } else {
            return nil
        }
    }

    /// `0.0.0.0` or `::`, the old form of hold (RFC 3264 §8.4).
    var isUnspecified: Bool {
        switch self {
        case .v4(let octets): octets.allSatisfy { $0 == 0 }
        case .v6(let groups): groups.allSatisfy { $0 == 0 }
        }
    }

    var isMulticastOrBroadcast: Bool {
        switch self {
        case .v4(let octets): octets.first.map { $0 >= 224 } ?? false
        case .v6(let groups): groups.first.map { $0 >> 8 == 0xFF } ?? false
        }
    }

    private static func v4Octets(_ text: some StringProtocol) -> [UInt8]? {
        let parts = SDPText.split(text, at: UInt8(ascii: "."), omittingEmpty: false)
        guard parts.count == 4 else { return nil }
        var octets: [UInt8] = []
        for part in parts {
            guard part.utf8.count <= 3, let value = SDPText.number(part, limit: 255) else { return nil }
            octets.append(UInt8(truncatingIfNeeded: value))
        }
        return octets
    }

    private static func v6Groups(_ text: String) -> [UInt16]? {
        guard text.utf8.count <= 45, text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        let parts = SDPText.split(text, at: UInt8(ascii: ":"), omittingEmpty: false)
        var groups: [UInt16] = []
        var gap: Int?
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                // "::" leaves one empty part inside, two at either end.
                if index == 0 || index == parts.count - 1 { continue }
                guard gap == nil else { return nil }
                gap = groups.count
            } else if index == parts.count - 1, let octets = v4Octets(part) {
                groups.append(UInt16(octets[0]) << 8 | UInt16(octets[1]))
                groups.append(UInt16(octets[2]) << 8 | UInt16(octets[3]))
            } else {
                guard part.utf8.count <= 4, !part.hasPrefix("+"), let group = UInt16(part, radix: 16) else {
                    return nil
                }
                groups.append(group)
            }
        }
        // A lone ":" at either end is not part of a "::".
        if parts.first?.isEmpty == true, parts.count < 3 || !parts[1].isEmpty { return nil }
        if parts.last?.isEmpty == true, parts.count < 3 || !parts[parts.count - 2].isEmpty { return nil }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: Array(repeating: 0, count: 8 - groups.count), at: gap)
        }
        return groups.count == 8 ? groups : nil
    }
}
