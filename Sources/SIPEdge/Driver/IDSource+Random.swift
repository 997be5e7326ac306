package import SIPCore

extension IDSource {
    /// Tokens of 96 random bits from the system's source, as hexadecimal digits.
    package static let random = IDSource {
        var generator = SystemRandomNumberGenerator()
        let high = UInt64.random(in: .min ... .max, using: &generator)
        let low = UInt32.random(in: .min ... .max, using: &generator)
        return hexadecimal(high, digits: 16) + hexadecimal(UInt64(low), digits: 8)
    }

    private static func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(digits - text.count, 0)) + text
    }
}
