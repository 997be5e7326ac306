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

    static func uppercased(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x61 && $0 <= 0x7A }) else { return text }
        return String(decoding: text.utf8.map { $0 >= 0x61 && $0 <= 0x7A ? $0 & 0xDF : $0 }, as: UTF8.self)
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

/// The fields between spaces of a line, one after the other; several spaces count as one.
struct SDPFields {
    private var position: Int
    private let end: Int

    init(_ line: Range<Int>) {
        position = line.lowerBound
        end = line.upperBound
    }

    mutating func next(_ bytes: Span<UInt8>) -> Range<Int>? {
        while position < end, bytes[position] == .space { position += 1 }
        guard position < end else { return nil }
        let start = position
        while position < end, bytes[position] != .space { position += 1 }
        return start..<position
    }
}
