package import SIPCore

extension IDSource {
    /// Tokens of 96 random bits from the system's source, as hexadecimal digits.
    package static let random = IDSource {
        let octets = SecureRandom.octets(12)
        return String(unsafeUninitializedCapacity: 24) { text in
            for (index, octet) in octets.enumerated() {
                text[2 * index] = digits[Int(octet >> 4)]
                text[2 * index + 1] = digits[Int(octet & 15)]
            }
            return 24
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
