/// Base 64 (RFC 4648 §4), without padding: the keys of `a=crypto` have lengths that need none.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func decode(_ text: String) -> [UInt8]? { decode(text.utf8Span.span, 0..<text.utf8.count) }

    /// Nil for any octet outside the alphabet, padding included, and for lengths that are not a multiple of 4.
    static func decode(_ text: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
        guard range.count.isMultiple(of: 4) else { return nil }
        var octets: [UInt8] = []
        octets.reserveCapacity(range.count / 4 * 3)
        var group: UInt32 = 0
        var filled = 0
        for position in range {
            guard let bits = value(text[position]) else { return nil }
            group = group << 6 | bits
            filled += 1
            if filled == 4 {
                octets.append(UInt8(truncatingIfNeeded: group >> 16))
                octets.append(UInt8(truncatingIfNeeded: group >> 8))
                octets.append(UInt8(truncatingIfNeeded: group))
                group = 0
                filled = 0
            }
        }
        return octets
    }

    /// `octets` must be a multiple of 3 long.
    static func encode(_ octets: [UInt8]) -> String {
        precondition(octets.count.isMultiple(of: 3), "only whole groups of three octets are encoded")
        var text: [UInt8] = []
        text.reserveCapacity(octets.count / 3 * 4)
        for start in stride(from: 0, to: octets.count, by: 3) {
            let group = UInt32(octets[start]) << 16 | UInt32(octets[start + 1]) << 8 | UInt32(octets[start + 2])
            for shift in [18, 12, 6, 0] as [UInt32] { text.append(alphabet[Int(group >> shift & 0x3F)]) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func value(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character) + 4
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
