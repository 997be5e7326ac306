/// The header fields of one message in the order they were received or will be sent.
///
/// All fields lie in one buffer of octets; the text of a value is made when it is asked for.
/// Content-Length is not among those of a parsed message: it frames the body, whose size says it, and `encoded()`
/// writes it anew.
public struct Headers: Hashable, Sendable, RandomAccessCollection, ExpressibleByArrayLiteral {
    /// A field's name and the places of its parts in the buffer.
    struct Field: Sendable {
        /// Nil for a name we do not know, which then stands in the buffer.
        var known: HeaderName.Known?
        private var nameStart: UInt32 = 0
        private var nameEnd: UInt32 = 0
        private var valueStart: UInt32
        private var valueEnd: UInt32

        init(_ known: HeaderName.Known?, name: Range<Int> = 0..<0, value: Range<Int>) {
            self.known = known
            nameStart = UInt32(clamping: name.lowerBound)
            nameEnd = UInt32(clamping: name.upperBound)
            valueStart = UInt32(clamping: value.lowerBound)
            valueEnd = UInt32(clamping: value.upperBound)
        }

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> {
            get { Int(valueStart)..<Int(valueEnd) }
            set {
                valueStart = UInt32(clamping: newValue.lowerBound)
                valueEnd = UInt32(clamping: newValue.upperBound)
            }
        }
    }

    /// UTF-8. A changed or removed field leaves its octets behind.
    private(set) var octets: [UInt8]
    private(set) var fields: [Field]

    public init(_ fields: [HeaderField] = []) {
        octets = []
        self.fields = []
        reserve(fields: fields.count, octets: 0)
        for field in fields { append(field) }
    }

    public init(arrayLiteral elements: HeaderField...) { self.init(elements) }

    /// No fields yet; theirs will lie in these octets, which are UTF-8.
    init(in octets: [UInt8]) {
        self.octets = octets
        fields = []
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { fields.count }
    public subscript(position: Int) -> HeaderField {
        let field = fields[position]
        return HeaderField(name: name(of: field), value: text(field.value))
    }

    /// The value of the first field of that name.
    public subscript(first name: HeaderName) -> String? { firstPlace(of: name).map(text) }

    public func contains(_ name: HeaderName) -> Bool { firstIndex(of: name) != nil }

    /// Whole field values in order, untouched.
    public func all(_ name: HeaderName) -> [String] {
        var values: [String] = []
        for field in fields where isNamed(field, name) { values.append(text(field.value)) }
        return values
    }

    /// The single values of all fields of that name: split at commas outside quotes and angle brackets, outer space
    /// removed, empty ones left out, otherwise octet for octet.
    public func elements(_ name: HeaderName) -> [String] {
        var elements: [String] = []
        forEachElement(name) { octets, range in
            if let text = octets.text(range) { elements.append(text) }
            return true
        }
        return elements
    }

    /// The first of `elements(_:)`.
    func firstElement(_ name: HeaderName) -> String? {
        var first: String?
        forEachElement(name) { octets, range in
            first = octets.text(range)
            return first == nil
        }
        return first
    }

    /// The places of single values until the body says no.
    func forEachElement(_ name: HeaderName, _ body: (Span<UInt8>, Range<Int>) -> Bool) {
        guard let first = firstIndex(of: name) else { return }
        let span = octets.span
        for index in first..<fields.count where isNamed(fields[index], name) {
            let value = span.extracting(fields[index].value)
            var start = 0
            while start < value.count {
                let end = Headers.elementEnd(value, from: start)
                let range = value.trimmed(start..<end)
                if !range.isEmpty, !body(value, range) { return }
                start = end + 1
            }
        }
    }

    /// Where the comma after the element beginning at `start` stands, or the value ends.
    static func elementEnd(_ value: Span<UInt8>, from start: Int) -> Int {
        precondition(start >= 0, "an element begins inside its value")
        var position = start
        var inAngle = false
        while position < value.count {
            // Not below its start, which was just checked, and below the count.
            switch unsafe value[unchecked: position] {
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
}

// MARK: Places

extension Headers {
    func text(_ range: Range<Int>) -> String { octets.span.text(range) ?? "" }

    func name(of field: Field) -> HeaderName {
        if let known = field.known { return HeaderName(known) }
        return HeaderName(other: text(field.name))
    }

    func isNamed(_ field: Field, _ name: HeaderName) -> Bool {
        if let known = name.known { return field.known == known }
        return field.known == nil && octets.span.equals(field.name, ignoringCase: name.canonical)
    }

    func firstIndex(of name: HeaderName) -> Int? {
        if let known = name.known {
            return fields.firstIndex { $0.known == known }
        }
        return fields.firstIndex { isNamed($0, name) }
    }

    /// Where the value of the first field of that name stands in `octets`.
    func firstPlace(of name: HeaderName) -> Range<Int>? { firstIndex(of: name).map { fields[$0].value } }
}

// MARK: Changing

extension Headers {
    public mutating func append(_ name: HeaderName, _ value: String) {
        fields.append(add(name, value))
    }

    public mutating func append(_ field: HeaderField) { append(field.name, field.value) }

    /// Puts the field before all others, as a hop does with its Via.
    public mutating func prepend(_ name: HeaderName, _ value: String) {
        fields.insert(add(name, value), at: 0)
    }

    /// Replaces all fields of that name by one, at the place of the first, or appends it.
    public mutating func set(_ name: HeaderName, _ value: String) {
        guard let index = firstIndex(of: name) else { return append(name, value) }
        fields[index].value = add(value)
        keepFirst(name)
    }

    public mutating func remove(_ name: HeaderName) {
        guard let first = firstIndex(of: name) else { return }
        for index in fields.indices.reversed() where index >= first && isNamed(fields[index], name) {
            fields.remove(at: index)
        }
    }

    /// Replaces the value of the first field of that name; nothing happens when there is none.
    mutating func replaceFirst(_ name: HeaderName, _ value: [UInt8]) {
        guard let index = firstIndex(of: name) else { return }
        let start = octets.count
        octets += value
        fields[index].value = start..<octets.count
    }

    mutating func keepFirst(_ name: HeaderName) {
        guard let first = firstIndex(of: name) else { return }
        for index in fields.indices.reversed() where index > first && isNamed(fields[index], name) {
            fields.remove(at: index)
        }
    }

    mutating func reserve(fields count: Int, octets size: Int) {
        if count > 0 { fields.reserveCapacity(count) }
        if size > 0 { octets.reserveCapacity(size) }
    }

    /// A field whose parts stand in the buffer already.
    mutating func append(_ field: Field) { fields.append(field) }

    /// Adds octets that are no field yet, and says where they stand.
    mutating func add(octets added: [UInt8]) -> Range<Int> {
        let start = octets.count
        octets += added
        return start..<octets.count
    }

    /// Appends all fields of that name from other headers, octet for octet, and `suffix` behind the values.
    mutating func copy(_ name: HeaderName.Known, from other: Headers, onlyFirst: Bool, suffix: String = "") {
        for field in other.fields where field.known == name {
            let start = octets.count
            other.octets.span.extracting(field.value).append(to: &octets)
            if !suffix.isEmpty { _ = add(suffix) }
            fields.append(Field(name, value: start..<octets.count))
            if onlyFirst { return }
        }
    }

    private mutating func add(_ name: HeaderName, _ value: String) -> Field {
        if let known = name.known { return Field(known, value: add(value)) }
        let place = add(name.canonical)
        return Field(nil, name: place, value: add(value))
    }

    /// A CR or LF inside a value would begin a new line, so each becomes a space: values may stem from another peer.
    private mutating func add(_ text: String) -> Range<Int> {
        let start = octets.count
        let added = text.utf8Span.span
        added.append(to: &octets)
        var position = added.firstLineEnd(in: 0..<added.count)
        while let found = position {
            octets[start + found] = .space
            position = added.firstLineEnd(in: found + 1..<added.count)
        }
        return start..<octets.count
    }
}

// MARK: Comparing and showing

extension Headers {
    public static func == (a: Headers, b: Headers) -> Bool {
        guard a.fields.count == b.fields.count else { return false }
        let (mine, other) = (a.octets.span, b.octets.span)
        for index in 0..<a.fields.count {
            let (x, y) = (a.fields[index], b.fields[index])
            guard x.known == y.known, mine.equals(x.value, in: other, y.value),
                x.known != nil || a.text(x.name).equalsIgnoringASCIICase(b.text(y.name))
            else { return false }
        }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for field in self { hasher.combine(field) }
    }
}

extension Headers: CustomStringConvertible, CustomReflectable {
    public var description: String { Array(self).description }
    public var customMirror: Mirror { Mirror(self, unlabeledChildren: Array(self)) }
}
