/// What went wrong in the media engine, and what its operator can change.
public struct MediaError: Error, Hashable, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String, Hashable, Sendable {
            case portRangeExhausted, addressUnavailable, descriptorsExhausted, badConfiguration, legLimit
            case legAlreadyOpen, sessionClosed, badKey, cryptoFailed, systemCallFailed
        }
        private let value: Value
        public var description: String { value.rawValue }

        /// Every port of the range is in use, resting, or held by another program.
        public static let portRangeExhausted = Code(value: .portRangeExhausted)
        /// The address is no literal, or none of this machine's.
        public static let addressUnavailable = Code(value: .addressUnavailable)
        /// The process or the machine has no file descriptor left.
        public static let descriptorsExhausted = Code(value: .descriptorsExhausted)
        public static let badConfiguration = Code(value: .badConfiguration)
        /// ``MediaConfiguration/maxLegs`` are open.
        public static let legLimit = Code(value: .legLimit)
        public static let legAlreadyOpen = Code(value: .legAlreadyOpen)
        public static let sessionClosed = Code(value: .sessionClosed)
        /// SRTP key of the wrong length.
        public static let badKey = Code(value: .badKey)
        /// libsrtp refused to make a session.
        public static let cryptoFailed = Code(value: .cryptoFailed)
        public static let systemCallFailed = Code(value: .systemCallFailed)
    }

    public let code: Code
    public let message: String
    /// In terms of a setting or a command.
    public let remedy: String

    public init(code: Code, message: String, remedy: String) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    public var description: String { "\(message) (\(remedy))" }
}
