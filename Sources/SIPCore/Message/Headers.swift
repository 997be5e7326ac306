/// The header fields of one message in the order they were received or will be sent.
///
/// Content-Length is not among those of a parsed message: it frames the body, whose size says it, and `encoded()`
/// writes it anew.
public struct Headers: Hashable, Sendable, RandomAccessCollection, ExpressibleByArrayLiteral {
    private var fields: [HeaderField]

    public init(_ fields: [HeaderField] = []) { self.fields = fields }
    public init(arrayLiteral elements: HeaderField...) { fields = elements }

    public var startIndex: Int { fields.startIndex }
    public var endIndex: Int { fields.endIndex }
    public subscript(position: Int) -> HeaderField { fields[position] }

    /// The value of the first field of that name.
    public subscript(first name: HeaderName) -> String? { fields.first { $0.name == name }?.value }

    /// Whole field values in order, untouched.
    public func all(_ name: HeaderName) -> [String] {
        fields.lazy.filter { $0.name == name }.map(\.value)
    }

    /// The single values of all fields of that name: split at commas outside quotes and angle brackets, outer space
    /// removed, empty ones left out, otherwise octet for octet.
    public func elements(_ name: HeaderName) -> [String] {
        var elements: [String] = []
        for field in fields where field.name == name {
            let value = field.value.utf8Span.span
            var start = 0
            while start < value.count {
                let end = Headers.elementEnd(value, from: start)
                let range = value.trimmed(start..<end)
                if !range.isEmpty, let text = value.text(range) { elements.append(text) }
                start = end + 1
            }
        }
        return elements
    }

    /// Where the comma after the element beginning at `start` stands, or the value ends.
    static func elementEnd(_ value: Span<UInt8>, from start: Int) -> Int {
        var position = start
        var inAngle = false
        while position < value.count {
            switch value[position] {
            case UInt8(ascii: "\"") where !inAngle:
                // An unterminated quote runs to the end; the element is then refused when it is read.
                if value.scanQuoted(&position) == nil { return value.count }
                continue
            case UInt8(ascii: "<"): inAngle = true
            case UInt8(ascii: ">"): inAngle = false
            case UInt8(ascii: ",") where !inAngle: return position
            default: break
            }
            position += 1
        }
        return position
    }

    public mutating func append(_ name: HeaderName, _ value: String) {
        fields.append(HeaderField(name: name, value: value))
    }

    public mutating func append(_ field: HeaderField) { fields.append(field) }

    /// Puts the field before all others, as a hop does with its Via.
    public mutating func prepend(_ name: HeaderName, _ value: String) {
        fields.insert(HeaderField(name: name, value: value), at: 0)
    }

    /// Replaces all fields of that name by one, at the place of the first, or appends it.
    public mutating func set(_ name: HeaderName, _ value: String) {
        guard let index = fields.firstIndex(where: { $0.name == name }) else { return append(name, value) }
        fields[index].value = value
        keepFirst(name)
    }

    public mutating func remove(_ name: HeaderName) {
        fields.removeAll { $0.name == name }
    }

    /// Replaces the value of the first field of that name; nothing happens when there is none.
    mutating func replaceFirst(_ name: HeaderName, _ value: String) {
        guard let index = fields.firstIndex(where: { $0.name == name }) else { return }
        fields[index].value = value
    }

    mutating func keepFirst(_ name: HeaderName) {
        guard let first = fields.firstIndex(where: { $0.name == name }) else { return }
        for index in fields.indices.reversed() where index > first && fields[index].name == name {
            fields.remove(at: index)
        }
    }
}
