/// A WhatsApp user as dialled: a number, or a business-scoped user id (meta-calling §7.4).
package struct WhatsAppUser: Hashable, Sendable {
    /// The user part of Meta's URIs: E.164 with `+`, always, or a BSUID such as `US.10000000000000000001`.
    package let user: String

    private static let mostOctets = 64

    /// Nil when it is neither. A missing `+` is put in front; the country code never begins with 0.
    package init?(_ dialled: String) {
        if let number = BusinessNumber.normalised(dialled) {
            guard !number.hasPrefix("+0") else { return nil }
            user = number
        } else if Self.isScopedID(dialled) {
            user = dialled
        } else {
            return nil
        }
    }

    /// `US.…`, and `US.ENT.…` of a parent: country, then letters and digits.
    private static func isScopedID(_ text: String) -> Bool {
        guard text.utf8.count <= mostOctets else { return false }
        var parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)[...]
        guard let country = parts.popFirst(), country.count == 2, country.allSatisfy(isUpper) else { return false }
        if parts.count == 2, let kind = parts.first, kind.elementsEqual("ENT".utf8) { parts.removeFirst() }
        guard parts.count == 1, let id = parts.first, !id.isEmpty else { return false }
        return id.allSatisfy {
            isUpper($0) || isUpper($0 & 0xdf) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
    }

    private static func isUpper(_ octet: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(octet) }
}
