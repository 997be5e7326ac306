/// The last guard of what a log line shows: secrets are kept out where the line is made, and removed here if they were not.
enum Redaction {
    static let removed = "[removed]"
    private static let secretNames = ["password", "secret", "token", "authorization", "passphrase"]

    /// True when the value of this metadata key is never shown.
    static func isSecret(key: String) -> Bool {
        let key = key.lowercased()
        return secretNames.contains { key.hasSuffix($0) }
    }

    /// SRTP keys (`inline:…`), digest responses (`response="…"`), and phone numbers but for their last four digits.
    static func clean(_ text: String) -> String {
        var octets = text.utf8[...]
        guard octets.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") })
        else { return text }
        var clean: [UInt8] = []
        clean.reserveCapacity(octets.count)
        while let octet = octets.first {
            if octet == UInt8(ascii: "+") {
                let digits = octets.dropFirst().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                if (7...15).contains(digits.count) {
                    clean += Array("+…".utf8) + digits.suffix(4)
                    octets = octets.dropFirst(1 + digits.count)
                    continue
                }
            } else if let mark = marks.first(where: { starts(octets, with: $0.mark) }) {
                clean += Array(mark.mark) + Array(removed.utf8)
                octets = octets.dropFirst(mark.mark.count).drop { !mark.end($0) }
                continue
            }
            clean.append(octet)
            octets = octets.dropFirst()
        }
        return String(decoding: clean, as: UTF8.self)
    }

    /// What begins a secret, and what the first octet after it may be.
    private static let marks: [(mark: [UInt8], end: @Sendable (UInt8) -> Bool)] = [
        (Array("inline:".utf8), { $0 <= 0x20 || $0 == UInt8(ascii: "|") || $0 == UInt8(ascii: "\\") }),
        (Array("response=\"".utf8), { $0 == UInt8(ascii: "\"") }),
    ]

    private static func starts(_ octets: Substring.UTF8View, with mark: [UInt8]) -> Bool {
        octets.first == mark.first && octets.starts(with: mark)
    }
}
