/// A set of ASCII octets, as the character classes of RFC 3261 §25.1 are; octets from 0x80 belong by `withUTF8`.
struct OctetSet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private let upper: Bool

    init(_ octets: String.UTF8View, withUTF8: Bool = false) {
        upper = withUTF8
        for octet in octets {
            if octet < 64 { low |= 1 << UInt64(octet) } else if octet < 128 { high |= 1 << UInt64(octet - 64) }
        }
    }

    @inline(__always)
    func contains(_ octet: UInt8) -> Bool {
        if octet < 64 { return low >> UInt64(octet) & 1 == 1 }
        if octet < 128 { return high >> UInt64(octet - 64) & 1 == 1 }
        return upper
    }

    private static let alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    /// RFC 3261 `token`.
    static let token = OctetSet((alphanumeric + "-.!%*_+`'~").utf8)
    static let digit = OctetSet("0123456789".utf8)
    /// URI scheme, after its first letter.
    static let scheme = OctetSet((alphanumeric + "+-.").utf8)
    /// Host names and IPv4 addresses; `_` is no RFC 3261 character, but stands in real DNS names.
    static let host = OctetSet((alphanumeric + "-._").utf8)
    /// Inside the brackets of an IPv6 reference.
    static let ipv6 = OctetSet("0123456789ABCDEFabcdef:.".utf8)
    /// What may stand in a URI's user, parameters and headers. Wider than RFC 3261: `#`, `|`, `^` and UTF-8 are sent
    /// unescaped by real phones and hurt nobody. Never the octets that end a URI: space, controls, `"`, `<`, `>`.
    static let uri = OctetSet((alphanumeric + "-_.!~*'()%&=+$,;?/:@[]#|^{}\\`").utf8, withUTF8: true)
    /// RFC 3261 `unreserved`, and `+` of telephone numbers.
    static let unreservedUser = OctetSet((alphanumeric + "-_.!~*'()+").utf8)
    /// A header parameter's value that is not a quoted string: `token`, host, and IPv6 with or without brackets
    /// (RFC 5118 §4.5). Wider than RFC 3261 where nothing becomes ambiguous.
    static let parameterValue = OctetSet((alphanumeric + "-.!%*_+`'~:[]/@?=&$()#|^{}").utf8, withUTF8: true)
    /// A display name without quotes. RFC 3261 wants tokens; unquoted UTF-8 and brackets are common, and `,` `;` `:`
    /// stay out because they would change what the rest of the value means.
    static let displayName = OctetSet((alphanumeric + "-.!%*_+`'~ \t()[]{}@/?=&$#|^").utf8, withUTF8: true)
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
