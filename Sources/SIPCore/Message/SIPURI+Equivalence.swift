extension SIPURI {
    /// Whether both mean the same by RFC 3261 §19.1.4: escapes undone, host and parameters regardless of case, order
    /// of parameters and headers irrelevant, and a parameter that only one has compared when it is `user`, `ttl`,
    /// `method`, `maddr` or `transport`.
    ///
    /// Not transitive, so it is no `==`. A default port differs from none.
    public func isEquivalent(to other: SIPURI) -> Bool {
        guard scheme == other.scheme else { return false }
        if case .other = scheme { return description == other.description }
        guard user.map(SIPURI.unescaped) == other.user.map(SIPURI.unescaped),
            password.map(SIPURI.unescaped) == other.password.map(SIPURI.unescaped), host == other.host,
            port == other.port
        else { return false }
        return hasEquivalentParameters(other) && other.hasEquivalentParameters(self)
            && SIPURI.headerSet(headers) == SIPURI.headerSet(other.headers)
    }

    /// Whether none of our parameters contradicts the other's.
    private func hasEquivalentParameters(_ other: SIPURI) -> Bool {
        parameters.ordered.allSatisfy { parameter in
            guard let theirs = other.parameters[parameter.name] else {
                return !["user", "ttl", "method", "maddr", "transport"].contains(parameter.name.asciiLowercased)
            }
            return SIPURI.unescaped(theirs).equalsIgnoringASCIICase(SIPURI.unescaped(parameter.value ?? ""))
        }
    }

    private static func headerSet(_ headers: String?) -> [String: Int] {
        let names = (headers ?? "").split(separator: "&").map { header in
            let parts = header.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count > 1 ? unescaped(String(parts[1])) : ""
            return unescaped(String(parts[0])).asciiLowercased + "=" + value
        }
        return Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
    }

    /// With `%` escapes undone; one that is not whole stays as it is.
    public static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        let octets = Array(text.utf8)
        var plain: [UInt8] = []
        var position = 0
        while position < octets.count {
            if octets[position] == UInt8(ascii: "%"), position + 2 < octets.count,
                let high = octets[position + 1].hexDigit, let low = octets[position + 2].hexDigit
            {
                plain.append(high << 4 | low)
                position += 3
            } else {
                plain.append(octets[position])
                position += 1
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    /// Text made fit for a URI's user part: everything but RFC 3261's `unreserved` and `+` escaped.
    public static func escaped(user text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let octets = text.utf8.flatMap { octet -> [UInt8] in
            if OctetSet.unreservedUser.contains(octet) { return [octet] }
            return [UInt8(ascii: "%"), digits[Int(octet >> 4)], digits[Int(octet & 15)]]
        }
        return String(decoding: octets, as: UTF8.self)
    }
}
