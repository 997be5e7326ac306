extension SessionDescription {
    /// An `a=` line: a flag, or a name with a value.
    public struct Attribute: Hashable, Sendable {
        public var name: String
        public var value: String?

        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    /// The `a=` lines of one level in order.
    ///
    /// They lie as octets in one buffer, that of the whole body when they were read; the text of one is made when it is
    /// asked for.
    public struct AttributeList: Hashable, Sendable, RandomAccessCollection, MutableCollection,
        RangeReplaceableCollection, ExpressibleByArrayLiteral
    {
        /// Where a line's `name` or `name:value` stands.
        private struct Place: Sendable {
            var start: UInt32
            var nameEnd: UInt32
            var end: UInt32

            var name: Range<Int> { Int(start)..<Int(nameEnd) }
            /// Nil for a flag.
            var value: Range<Int>? { nameEnd < end ? Int(nameEnd) + 1..<Int(end) : nil }
            var whole: Range<Int> { Int(start)..<Int(end) }
        }

        /// UTF-8. Changed and removed lines leave their octets behind.
        private var octets: [UInt8]
        private var places: [Place] = []

        public init() { octets = [] }
        public init(arrayLiteral elements: Attribute...) { self.init(elements) }

        /// No lines yet; theirs will stand in the body, which is UTF-8.
        init(in body: [UInt8]) { octets = body }

        public var startIndex: Int { 0 }
        public var endIndex: Int { places.count }

        public subscript(position: Int) -> Attribute {
            get {
                let place = places[position]
                return Attribute(text(place.name), place.value.map(text))
            }
            set { places[position] = add(newValue.name, newValue.value) }
        }

        public mutating func replaceSubrange(_ range: Range<Int>, with added: some Collection<Attribute>) {
            places.replaceSubrange(range, with: added.map { add($0.name, $0.value) })
        }

        public mutating func append(_ attribute: Attribute) { append(attribute.name, attribute.value) }

        mutating func append(_ name: String, _ value: String? = nil) {
            places.append(add(name, value))
        }

        /// - Parameter line: of the body, with a name before its first colon.
        mutating func append(place line: Range<Int>, colon: Int?) {
            if places.isEmpty { places.reserveCapacity(16) }
            places.append(
                Place(
                    start: UInt32(clamping: line.lowerBound), nameEnd: UInt32(clamping: colon ?? line.upperBound),
                    end: UInt32(clamping: line.upperBound)))
        }

        private mutating func add(_ name: String, _ value: String?) -> Place {
            let start = octets.count
            octets.appendDisarmed(name)
            let nameEnd = octets.count
            if let value {
                octets.append(UInt8(ascii: ":"))
                octets.appendDisarmed(value)
            }
            return Place(
                start: UInt32(clamping: start), nameEnd: UInt32(clamping: nameEnd), end: UInt32(clamping: octets.count))
        }

        private func text(_ range: Range<Int>) -> String { octets.span.text(range) ?? "" }

        public static func == (a: Self, b: Self) -> Bool {
            guard a.count == b.count else { return false }
            let (mine, other) = (a.octets.span, b.octets.span)
            for index in 0..<a.count {
                let (x, y) = (a.places[index], b.places[index])
                guard x.name.count == y.name.count, mine.equals(x.whole, in: other, y.whole) else { return false }
            }
            return true
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(count)
            for attribute in self { hasher.combine(attribute) }
        }
    }
}

// MARK: Reading without text

extension SessionDescription.AttributeList {
    /// Whether there is an attribute of that name.
    func contains(_ name: String) -> Bool {
        let span = octets.span
        for place in places where span.equals(place.name, name) { return true }
        return false
    }

    /// The value of the first attribute of that name; "" for a flag.
    func first(_ name: String) -> String? {
        let span = octets.span
        for place in places where span.equals(place.name, name) { return place.value.map(text) ?? "" }
        return nil
    }

    /// Hands out the values of all attributes of that name, empty for flags, until the body says no.
    func forEach(_ name: String, _ body: (Span<UInt8>) -> Bool) {
        let span = octets.span
        for place in places where span.equals(place.name, name) {
            guard body(span.extracting(place.value ?? 0..<0)) else { return }
        }
    }

    /// The first flag that says who may send.
    var direction: MediaDescription.Direction? {
        let span = octets.span
        for place in places where place.value == nil {
            if let direction = MediaDescription.Direction(span, place.name) { return direction }
        }
        return nil
    }

    /// Each as a line of a description.
    func write(to output: inout [UInt8]) {
        let span = octets.span
        for place in places {
            output.append(UInt8(ascii: "a"))
            output.append(UInt8(ascii: "="))
            span.extracting(place.whole).append(to: &output)
            output.append(.cr)
            output.append(.lf)
        }
    }
}

extension [UInt8] {
    /// Adds text without CR, LF and NUL, so that no value of a description begins a line of its own.
    mutating func appendDisarmed(_ text: String) {
        let added = text.utf8Span.span
        if added.firstLineEnd(in: 0..<added.count) == nil, added.firstIndex(of: 0, in: 0..<added.count) == nil {
            added.append(to: &self)
        } else {
            append(contentsOf: text.utf8.lazy.filter { $0 != .cr && $0 != .lf && $0 != 0 })
        }
    }
}

/// Printing an attribute never shows a key, whichever way it gets into a log line.
extension SessionDescription.Attribute: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private var holdsSecret: Bool { ["crypto", "ice-pwd", "key-mgmt"].contains(SDPText.lowercased(name)) }
    private var text: String { value.map { "\(name):\($0)" } ?? name }
    public var description: String { holdsSecret ? "\(name):<hidden>" : text }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["attribute": description]) }
}

extension SessionDescription.AttributeList: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { Array(self).description }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, unlabeledChildren: Array(self)) }
}
