/// What the text of a network address is. Only literals count: a name in `c=` is never resolved.
enum IPLiteral: Hashable, Sendable {
    /// The first octet in the highest bits.
    case v4(UInt32)
    case v6([UInt16])

    init?(_ text: String) {
        if let address = Self.v4(text.utf8Span.span) {
            self = .v4(address)
        } else if let groups = Self.v6Groups(text) {
            self = .v6(groups)
        } else {
            return nil
        }
    }

    /// `0.0.0.0` or `::`, the old form of hold (RFC 3264 §8.4).
    var isUnspecified: Bool {
        switch self {
        case .v4(let address): address == 0
        case .v6(let groups): groups.allSatisfy { $0 == 0 }
        }
    }

    var isMulticastOrBroadcast: Bool {
        switch self {
        case .v4(let address): address >> 24 >= 224
        case .v6(let groups): groups.first.map { $0 >> 8 == 0xFF } ?? false
        }
    }

    /// Four numbers below 256 of at most three digits.
    private static func v4(_ text: Span<UInt8>) -> UInt32? {
        guard text.count <= 15 else { return nil }
        var address: UInt32 = 0
        var position = 0
        for part in 0..<4 {
            guard part == 0 || text.take(".", &position) else { return nil }
            let digits = text.scan(.digit, &position)
            guard digits.count <= 3, let number = text.decimal(digits, limit: 255) else { return nil }
            address = address << 8 | UInt32(truncatingIfNeeded: number)
        }
        return position == text.count ? address : nil
    }

    private static func v6Groups(_ text: String) -> [UInt16]? {
        guard text.utf8.count <= 45, text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        let parts = SDPText.split(text, at: UInt8(ascii: ":"), omittingEmpty: false)
        var groups: [UInt16] = []
        var gap: Int?
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                // "::" leaves one empty part inside, two at either end.
                if index == 0 || index == parts.count - 1 { continue }
                guard gap == nil else { return nil }
                gap = groups.count
            } else if index == parts.count - 1, let address = v4(part.utf8Span.span) {
                groups.append(UInt16(truncatingIfNeeded: address >> 16))
                groups.append(UInt16(truncatingIfNeeded: address))
            } else {
                guard part.utf8.count <= 4, !part.hasPrefix("+"), let group = UInt16(part, radix: 16) else {
                    return nil
                }
                groups.append(group)
            }
        }
        // A lone ":" at either end is not part of a "::".
        if parts.first?.isEmpty == true, parts.count < 3 || !parts[1].isEmpty { return nil }
        if parts.last?.isEmpty == true, parts.count < 3 || !parts[parts.count - 2].isEmpty { return nil }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: Array(repeating: 0, count: 8 - groups.count), at: gap)
        }
        return groups.count == 8 ? groups : nil
    }
}
