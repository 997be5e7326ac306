internal import Glibc

/// What may stand where a host is asked for.
public enum HostSyntax {
    /// An IPv4 or IPv6 address literal, without brackets.
    public static func isAddress(_ text: String) -> Bool { isIPv4(text) || isIPv6(text) }

    public static func isIPv4(_ text: String) -> Bool {
        var octets = [UInt8](repeating: 0, count: 4)
        return inet_pton(AF_INET, text, &octets) == 1
    }

    public static func isIPv6(_ text: String) -> Bool {
        var octets = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET6, text, &octets) == 1
    }

    /// An address, alone or with a prefix length that fits it: `10.0.0.0/8`. Gives the length and that of the whole.
    public static func range(_ text: String) -> (prefixLength: Int, bits: Int)? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = parts.first.map(String.init), isAddress(address) else { return nil }
        let bits = isIPv4(address) ? 32 : 128
        guard parts.count == 2 else { return (bits, bits) }
        guard parts[1].utf8.allSatisfy(isDigit), let length = Int(parts[1]), (0...bits).contains(length) else {
            return nil
        }
        return (length, bits)
    }

    /// A host name (RFC 1123 §2.1): labels of letters, digits and hyphens, not all digits.
    public static func isName(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 253 else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard let last = labels.last, !last.utf8.allSatisfy(isDigit) else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "-") }
        }
    }

    static func isDigit(_ octet: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) }

    static func isLetter(_ octet: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet | 0x20)
    }
}
