/// `quoted-string` of RFC 3261 §25.1.
public enum QuotedString {
    /// The text in quotes, with backslashes where needed; line ends become spaces.
    public static func quote(_ text: String) -> String {
        var octets: [UInt8] = [UInt8(ascii: "\"")]
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): octets += [UInt8(ascii: "\\"), octet]
            case .cr, .lf: octets.append(.space)
            default: octets.append(octet)
            }
        }
        octets.append(UInt8(ascii: "\""))
        return String(decoding: octets, as: UTF8.self)
    }

    /// The inside of a quoted string; text without quotes comes back as it is.
    public static func unquote(_ text: String) -> String {
        let octets = Array(text.utf8)
        guard octets.count >= 2, octets.first == UInt8(ascii: "\""), octets.last == UInt8(ascii: "\"") else {
            return text
        }
        var inside: [UInt8] = []
        var escaped = false
        for octet in octets.dropFirst().dropLast() {
            if !escaped, octet == UInt8(ascii: "\\") {
                escaped = true
            } else {
                inside.append(octet)
                escaped = false
            }
        }
        return String(decoding: inside, as: UTF8.self)
    }
}
