/// Why the edge cannot start or go on, and what to do about it.
public struct EdgeError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String { case addressInUse, addressUnusable, certificate, trustRoots, mediaUnavailable }
        private let value: Value

        public static let addressInUse = Code(value: .addressInUse)
        public static let addressUnusable = Code(value: .addressUnusable)
        public static let certificate = Code(value: .certificate)
        public static let trustRoots = Code(value: .trustRoots)
        public static let mediaUnavailable = Code(value: .mediaUnavailable)

        public var description: String { value.rawValue }
    }

    public let code: Code
    public let message: String
    /// What to do next, in terms of a configuration key or a command.
    public let remedy: String

    public init(code: Code, message: String, remedy: String) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    public var description: String { "\(message): \(remedy)" }
}
