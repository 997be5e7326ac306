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
        var position = start
        ordered = []
        text.skipWhitespace(&position)
        while position < text.count {
            guard ordered.count < Parameters.limit, text.take(";", &position) else { return nil }
            text.skipWhitespace(&position)
            guard let name = text.text(text.scan(.token, &position)), !name.isEmpty else { return nil }
            text.skipWhitespace(&position)
            var value: String?
            if text.take("=", &position) {
                text.skipWhitespace(&position)
                var range = position..<position
                if position < text.count, text[position] == UInt8(ascii: "\"") {
                    guard let quoted = text.scanQuoted(&position) else { return nil }
                    range = quoted
                } else {
                    range = text.scan(.parameterValue, &position)
                }
                value = text.text(range)
                guard value != nil else { return nil }
            }
            ordered.append(Parameter(name: name, value: value))
            text.skipWhitespace(&position)
        }
    }

    /// URI parameters (RFC 3261 `uri-parameters`) in the range, which is empty or begins with `;`.
    init?(uri text: Span<UInt8>, _ range: Range<Int>) {
        ordered = []
        var position = range.lowerBound
        while position < range.upperBound {
            guard ordered.count < Parameters.limit, text.take(";", &position) else { return nil }
            let end = text.firstIndex(of: UInt8(ascii: ";"), in: position..<range.upperBound) ?? range.upperBound
            let equals = text.firstIndex(of: UInt8(ascii: "="), in: position..<end) ?? end
            guard let name = text.text(position..<equals), !name.isEmpty else { return nil }
            var value: String?
            if equals < end {
                value = text.text(equals + 1..<end)
                guard value != nil else { return nil }
            }
            ordered.append(Parameter(name: name, value: value))
            position = end
        }
    }
}
