/// Header fields for eyes: without what could be used against whoever sent them.
public enum FieldRedaction {
    /// The value without digest responses, passwords of URIs and keys. Numbers stay: they are what one looks for.
    public static func value(_ field: HeaderField) -> String {
        switch field.name {
        case .authorization, .proxyAuthorization:
            return credentials(field.value)
        case .authenticationInfo:
            return hidden
        default:
            let name = field.name.canonical.asciiLowercased
            if secretNames.contains(where: name.contains) { return hidden }
            return uriPasswords(SDPRedaction.text(Array(field.value.utf8)))
        }
    }

    static let hidden = "<hidden>"
    private static let secretNames = ["authorization", "authentication-info", "token", "secret", "password", "cookie"]

    private static func credentials(_ value: String) -> String {
        guard let answer = try? DigestAnswer(parsing: value) else { return hidden }
        var parts = [
            "username=\(QuotedString.quote(answer.username))", "realm=\"\(answer.realm)\"", "nonce=\"\(answer.nonce)\"",
            "uri=\"\(uriPasswords(answer.uri))\"", "response=\(hidden)",
        ]
        if let algorithm = answer.algorithm { parts.append("algorithm=\(algorithm)") }
        if let qop = answer.qop { parts.append("qop=auth, nc=\(qop.nonceCount)") }
        return "Digest " + parts.joined(separator: ", ")
    }

    /// `sip:user:password@host` wherever it stands in the text, with the password hidden.
    static func uriPasswords(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "@")) else { return text }
        let octets = Array(text.utf8)
        var output: [UInt8] = []
        var position = 0
        // No `@` stands before it, so one look is enough for all schemes up to there.
        var searched = 0
        while position < octets.count {
            output.append(octets[position])
            position += 1
            guard position >= searched, endsWithScheme(output) else { continue }
            var colon: Int?
            var end = position
            while end < octets.count, !ends.contains(octets[end]) {
                if octets[end] == UInt8(ascii: ":"), colon == nil { colon = end }
                if octets[end] == UInt8(ascii: "@") {
                    if let colon {
                        output += octets[position...colon] + Array(hidden.utf8)
                        position = end
                    }
                    break
                }
                end += 1
            }
            searched = end
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static let ends = Set("<>\" ,\t".utf8)

    private static func endsWithScheme(_ output: [UInt8]) -> Bool {
        guard output.last == UInt8(ascii: ":") else { return false }
        let tail = String(decoding: output.suffix(5), as: UTF8.self).asciiLowercased
        return tail.hasSuffix("sip:") || tail.hasSuffix("sips:")
    }
}
