/// A set of ASCII octets, as the character classes of RFC 3261 §25.1 are; octets from 0x80 belong by `withUTF8`.
///
/// The sets are constants, so that looking at an octet costs a shift. A test spells out their characters.
struct OctetSet: Sendable {
    /// Octet `n` is bit `n`.
    private let low: UInt64
    /// Octet `64 + n` is bit `n`.
    private let high: UInt64
    private let upper: Bool

    init(_ low: UInt64, _ high: UInt64, withUTF8: Bool = false) {
        self.low = low
        self.high = high
        upper = withUTF8
    }

    @inline(__always)
    func contains(_ octet: UInt8) -> Bool {
        if octet < 64 { return low &>> UInt64(octet) & 1 == 1 }
        if octet < 128 { return high &>> UInt64(octet & 63) & 1 == 1 }
        return upper
    }

    /// RFC 3261 `token`.
    static let token = OctetSet(0x03FF_6CA2_0000_0000, 0x47FF_FFFF_87FF_FFFE)
    static let digit = OctetSet(0x03FF_0000_0000_0000, 0)
    /// URI scheme, after its first letter.
    static let scheme = OctetSet(0x03FF_6800_0000_0000, 0x07FF_FFFE_07FF_FFFE)
    /// Host names and IPv4 addresses; `_` is no RFC 3261 character, but stands in real DNS names.
    static let host = OctetSet(0x03FF_6000_0000_0000, 0x07FF_FFFE_87FF_FFFE)
    /// Inside the brackets of an IPv6 reference.
    static let ipv6 = OctetSet(0x07FF_4000_0000_0000, 0x0000_007E_0000_007E)
    /// What may stand in a URI's user, parameters and headers. Wider than RFC 3261: `#`, `|`, `^` and UTF-8 are sent
    /// unescaped by real phones and hurt nobody. Never the octets that end a URI: space, controls, `"`, `<`, `>`.
    static let uri = OctetSet(0xAFFF_FFFA_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, withUTF8: true)
    /// RFC 3261 `unreserved`, and `+` of telephone numbers.
    static let unreservedUser = OctetSet(0x03FF_6F82_0000_0000, 0x47FF_FFFE_87FF_FFFE)
    /// A header parameter's value that is not a quoted string: `token`, host, and IPv6 with or without brackets
    /// (RFC 5118 §4.5). Wider than RFC 3261 where nothing becomes ambiguous.
    static let parameterValue = OctetSet(0xA7FF_EFFA_0000_0000, 0x7FFF_FFFF_EFFF_FFFF, withUTF8: true)
    /// A display name without quotes. RFC 3261 wants tokens; unquoted UTF-8 and brackets are common, and `,` `;` `:`
    /// stay out because they would change what the rest of the value means.
    static let displayName = OctetSet(0xA3FF_EFFB_0000_0200, 0x7FFF_FFFF_EFFF_FFFF, withUTF8: true)
}

extension UInt8 {
    static let cr: UInt8 = 13
    static let lf: UInt8 = 10
    static let space: UInt8 = 32
    static let tab: UInt8 = 9

    var isWhitespace: Bool { self == .space || self == .tab }
    var isASCIIDigit: Bool { self >= 48 && self <= 57 }
    /// ASCII letters in lower case, every other octet as it is.
    var asciiLowercased: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
}
