/// Why a prompt cannot be played, and what to do about it.
public struct PromptError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String { case empty, tooLong, unsupportedRate, badTone, badFile, encoder }
        private let value: Value

        public static let empty = Code(value: .empty)
        public static let tooLong = Code(value: .tooLong)
        public static let unsupportedRate = Code(value: .unsupportedRate)
        public static let badTone = Code(value: .badTone)
        /// The file is missing or is no WAV file we read; `cause` is a `WAVError`.
        public static let badFile = Code(value: .badFile)
        /// libopus refused; `cause` is an `OpusError`.
        public static let encoder = Code(value: .encoder)

        public var description: String { value.rawValue }
    }

    public let code: Code
    public let message: String
    public let remedy: String
    public let cause: (any Error)?

    public init(code: Code, message: String, remedy: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.cause = cause
    }

    public var description: String { "\(message); \(remedy)" }
}
