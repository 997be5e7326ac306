import SIPCore

/// Meta's `x-wa-meta-*` header fields (meta-calling §7.2), as far as they cross to the PBX.
///
/// Only these names cross, under our own spelling; the values are the caller's and so are bounded and cleaned.
enum WhatsAppHeaders {
    /// Every spelling that was seen, lower-cased without the prefix, and the name the PBX gets.
    private static let names: [String: String] = [
        "wacid": "X-WA-Call-ID",
        "user-id": "X-WA-User-ID",
        "parent-user-id": "X-WA-Parent-User-ID",
        "user-name": "X-WA-Username",
        "username": "X-WA-Username",
        "user-country-code": "X-WA-Country",
        "country-code": "X-WA-Country",
        "cta-payload": "X-WA-CTA-Payload",
        "deeplink-payload": "X-WA-Deeplink-Payload",
        "phone-number-id": "X-WA-Phone-Number-ID",
    ]

    /// Why Meta refused, in its words.
    static let reason: HeaderName = "X-WA-Reason"

    /// Meta's own bound for a button's payload.
    private static let maximumLength = 512

    static func forPeer(_ headers: Headers) -> [HeaderField] {
        var result: [HeaderField] = []
        for field in headers {
            guard let suffix = suffix(of: field.name.canonical.lowercased()), let name = names[suffix] else { continue }
            guard let header = HeaderName(name), !result.contains(where: { $0.name == header }) else { continue }
            result.append(HeaderField(name: header, value: cleaned(field.value)))
        }
        return result
    }

    static func value(_ suffix: String, in headers: Headers) -> String? {
        headers.first { Self.suffix(of: $0.name.canonical.lowercased()) == suffix }.map { cleaned($0.value) }
    }

    /// One mirror of Meta's page prints `x-wa_meta-parent-user-id`.
    private static func suffix(of name: String) -> String? {
        for prefix in ["x-wa-meta-", "x-wa_meta-"] where name.hasPrefix(prefix) {
            return String(name.dropFirst(prefix.count))
        }
        return nil
    }

    /// A value of the other side's, without control characters and bounded.
    static func cleaned(_ value: String, most: Int = maximumLength) -> String {
        String(
            String.UnicodeScalarView(value.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(most)))
    }
}
