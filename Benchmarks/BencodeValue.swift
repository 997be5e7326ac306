/// What rtpengine's NG protocol is written in. Numbers are left as their text.
enum BencodeValue {
    case text(String)
    case list([BencodeValue])
    case dictionary([String: BencodeValue])

    var encoded: String {
        switch self {
        case .text(let text): "\(text.utf8.count):\(text)"
        case .list(let values): "l" + values.map(\.encoded).joined() + "e"
        case .dictionary(let pairs):
            "d" + pairs.sorted { $0.key < $1.key }.map { Self.text($0.key).encoded + $0.value.encoded }.joined() + "e"
        }
    }

    subscript(key: String) -> String? {
        guard case .dictionary(let pairs) = self, case .text(let text) = pairs[key] else { return nil }
        return text
    }

    /// Reads one value off the front; nil if it is none.
    init?(_ octets: inout ArraySlice<UInt8>) {
        switch octets.first {
        case UInt8(ascii: "i"):
            guard let end = octets.firstIndex(of: UInt8(ascii: "e")) else { return nil }
            self = .text(String(decoding: octets[octets.startIndex..<end].dropFirst(), as: UTF8.self))
            octets = octets[(end + 1)...]
        case UInt8(ascii: "l"), UInt8(ascii: "d"):
            let isList = octets.removeFirst() == UInt8(ascii: "l")
            var values: [BencodeValue] = []
            while octets.first != UInt8(ascii: "e") {
                guard let value = BencodeValue(&octets) else { return nil }
                values.append(value)
            }
            octets.removeFirst()
            self = isList ? .list(values) : .dictionary(Self.pairs(values))
        default:
            guard let colon = octets.firstIndex(of: UInt8(ascii: ":")),
                let length = Int(String(decoding: octets[octets.startIndex..<colon], as: UTF8.self)),
                (0..<octets.endIndex - colon).contains(length)
            else { return nil }
            let rest = octets[(colon + 1)...]
            self = .text(String(decoding: rest.prefix(length), as: UTF8.self))
            octets = rest.dropFirst(length)
        }
    }

    private static func pairs(_ values: [BencodeValue]) -> [String: BencodeValue] {
        var pairs: [String: BencodeValue] = [:]
        for index in stride(from: 0, to: values.count - 1, by: 2) {
            if case .text(let key) = values[index] { pairs[key] = values[index + 1] }
        }
        return pairs
    }
}
