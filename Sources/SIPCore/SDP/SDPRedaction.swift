/// Session descriptions for eyes: logs, traces and message ladders.
public enum SDPRedaction {
    /// The body as text with every key taken out: `a=crypto`, `a=ice-pwd`, `a=key-mgmt` and `k=` lines. Works on any
    /// octets, readable as SDP or not.
    public static func text(_ body: [UInt8]) -> String {
        let bytes = body.span
        var output = ""
        var start = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x0A, bytes[end] != 0x0D { end += 1 }
            output += line(bytes, start..<end)
            while end < bytes.count, bytes[end] == 0x0A || bytes[end] == 0x0D {
                output.unicodeScalars.append(Unicode.Scalar(bytes[end]))
                end += 1
            }
            start = end
        }
        return output
    }

    private static func line(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        for secret in ["a=ice-pwd:", "a=key-mgmt:", "k="] as [StaticString] {
            if SDPText.hasPrefixIgnoringCase(bytes, range, secret) { return secret.description + "<hidden>" }
        }
        let inline = first("inline:", in: bytes, range)
        if let index = first("crypto:", in: bytes, range), index < inline ?? range.upperBound {
            let rest = (index + "crypto:".utf8.count)..<range.upperBound
            return SDPText.string(bytes, range.lowerBound..<index) + "crypto:" + crypto(SDPText.string(bytes, rest))
        }
        if let inline {
            return SDPText.string(bytes, range.lowerBound..<inline) + "inline:<hidden>"
        }
        return SDPText.string(bytes, range)
    }

    /// Tag and suite, where that is what stands there; anything else may be a key out of its place.
    private static func crypto(_ value: String) -> String {
        let fields = SDPText.fields(value)
        guard fields.count >= 3, SDPText.number(fields[0], limit: 999_999_999) != nil, fields[1].utf8.count <= 32,
            fields[1].utf8.contains(UInt8(ascii: "_")),
            fields[1].utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || $0 == 0x5F })
        else { return "<hidden>" }
        return "\(fields[0]) \(fields[1]) inline:<hidden>"
    }

    /// Tag and suite of an `a=crypto` value that is none of ours; never any part of a key.
    static func suite(ofUnreadable value: String) -> String {
        let text = crypto(value)
        return SDPText.fields(text).count == 3 ? SDPText.fields(text).prefix(2).joined(separator: " ") : "unreadable"
    }

    private static func first(_ text: StaticString, in bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        for index in range where SDPText.hasPrefixIgnoringCase(bytes, index..<range.upperBound, text) { return index }
        return nil
    }
}
