/// Parameters of a URI or a header value, in order, with names compared regardless of ASCII case.
///
/// Values keep the octets they were written with, quotes of a quoted string included.
public struct Parameters: Hashable, Sendable, CustomStringConvertible {
    public struct Parameter: Hashable, Sendable {
        public var name: String
        /// Nil for a flag such as `;lr`.
        public var value: String?

        public init(name: String, value: String? = nil) {
            self.name = name
            self.value = value
        }

        public static func == (a: Parameter, b: Parameter) -> Bool {
            a.value == b.value && a.name.equalsIgnoringASCIICase(b.name)
        }

        public func hash(into hasher: inout Hasher) {
            for octet in name.utf8 { hasher.combine(octet.asciiLowercased) }
            hasher.combine(value)
        }
    }

    /// All parameters in the order they were written.
    public private(set) var ordered: [Parameter]

    public init(_ ordered: [Parameter] = []) { self.ordered = ordered }

    public var isEmpty: Bool { ordered.isEmpty }

    /// The value of the first parameter of that name, `""` for a flag, nil when absent. Setting keeps the place of an
    /// existing parameter; `""` writes a flag, nil removes.
    public subscript(name: String) -> String? {
        get {
            guard let index = index(of: name) else { return nil }
            return ordered[index].value ?? ""
        }
        set {
            guard let newValue else {
                ordered.removeAll { $0.name.equalsIgnoringASCIICase(name) }
                return
            }
            let parameter = Parameter(name: name, value: newValue.isEmpty ? nil : newValue)
            if let index = index(of: name) { ordered[index] = parameter } else { ordered.append(parameter) }
        }
    }

    public func contains(_ name: String) -> Bool { index(of: name) != nil }

    /// Puts a parameter right after another one, or at the end when that one is absent.
    mutating func insert(_ parameter: Parameter, after name: String) {
        let index = index(of: name).map { $0 + 1 } ?? ordered.endIndex
        ordered.insert(parameter, at: index)
    }

    private func index(of name: String) -> Int? {
        ordered.firstIndex { $0.name.equalsIgnoringASCIICase(name) }
    }

    /// As written behind a URI or value: `;a=b;c`.
    public var description: String {
        var text = ""
        for parameter in ordered {
            text += ";" + parameter.name
            if let value = parameter.value { text += "=" + value }
        }
        return text
    }
}

extension Parameters {
    /// More in one value or URI are refused, which keeps comparing them cheap.
    private static let limit = 64

    /// Header parameters (RFC 3261 `generic-param`) from the position to the end of the text; nil when anything else
    /// stands there, an empty parameter included (RFC 4475 §3.1.2.1).
    init?(header text: Span<UInt8>, from start: Int) {
        ordered = []
        var cursor = Cursor(header: start)
        while let parameter = cursor.next(in: text) {
            guard let name = text.text(parameter.name) else { return nil }
            var value: String?
            if let range = parameter.value {
                value = text.text(range)
                guard value != nil else { return nil }
            }
            ordered.append(Parameter(name: name, value: value))
        }
        if cursor.isMalformed { return nil }
    }

    /// URI parameters (RFC 3261 `uri-parameters`) in the range, which is empty or begins with `;`.
    init?(uri text: Span<UInt8>, _ range: Range<Int>) {
        ordered = []
        var cursor = Cursor(uri: range.lowerBound)
        while let parameter = cursor.next(in: text, end: range.upperBound) {
            guard let name = text.text(parameter.name) else { return nil }
            var value: String?
            if let range = parameter.value {
                value = text.text(range)
                guard value != nil else { return nil }
            }
            ordered.append(Parameter(name: name, value: value))
        }
        if cursor.isMalformed { return nil }
    }

    /// Goes from parameter to parameter without making text of them.
    struct Cursor {
        /// A value's range has its quotes; nil for a flag.
        typealias Element = (name: Range<Int>, value: Range<Int>?)

        private(set) var position: Int
        private var count = 0
        /// Set when `next` gave nil before the end.
        private(set) var isMalformed = false

        init(header start: Int) { position = start }
        init(uri start: Int) { position = start }

        /// The next header parameter, nil at the end of the text or where none can be read.
        mutating func next(in text: Span<UInt8>) -> Element? {
            text.skipWhitespace(&position)
            guard position < text.count else { return nil }
            guard count < Parameters.limit, text.take(";", &position) else { return fail() }
            count += 1
            text.skipWhitespace(&position)
            let name = text.scan(.token, &position)
            guard !name.isEmpty else { return fail() }
            text.skipWhitespace(&position)
            guard text.take("=", &position) else { return (name, nil) }
            text.skipWhitespace(&position)
            guard position < text.count, text[position] == UInt8(ascii: "\"") else {
                return (name, text.scan(.parameterValue, &position))
            }
            guard let quoted = text.scanQuoted(&position) else { return fail() }
            return (name, quoted)
        }

        /// The next URI parameter, nil at the end or where none can be read.
        mutating func next(in text: Span<UInt8>, end: Int) -> Element? {
            guard position < end else { return nil }
            guard count < Parameters.limit, text.take(";", &position) else { return fail() }
            count += 1
            let stop = text.firstIndex(of: UInt8(ascii: ";"), in: position..<end) ?? end
            let equals = text.firstIndex(of: UInt8(ascii: "="), in: position..<stop) ?? stop
            let name = position..<equals
            guard !name.isEmpty else { return fail() }
            position = stop
            return (name, equals < stop ? equals + 1..<stop : nil)
        }

        private mutating func fail() -> Element? {
            isMalformed = true
            return nil
        }
    }

    /// Looks through header parameters without making text of them: where the value of the first one of that name
    /// stands, empty for a flag.
    ///
    /// - Returns: nil when anything else stands in the text; `.some(nil)` when no parameter has that name.
    static func find(_ wanted: String, header text: Span<UInt8>, from start: Int) -> Range<Int>?? {
        var cursor = Cursor(header: start)
        var found: Range<Int>?
        while let parameter = cursor.next(in: text) {
            if found == nil, text.equals(parameter.name, ignoringCase: wanted) {
                found = parameter.value ?? parameter.name.upperBound..<parameter.name.upperBound
            }
        }
        return cursor.isMalformed ? nil : .some(found)
    }
}
