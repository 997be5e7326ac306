/// One header field. The value holds the received octets with folds replaced by one space and outer space removed.
public struct HeaderField: Hashable, Sendable, CustomStringConvertible {
    public var name: HeaderName
    public var value: String

    public init(name: HeaderName, value: String) {
        self.name = name
        self.value = value
    }

    public init(_ name: HeaderName, _ value: String) {
        self.init(name: name, value: value)
    }

    public var description: String { "\(name.canonical): \(value)" }
}
