/// Where the console's pages of calls come from.
public struct ConsoleCalls: Sendable {
    /// Newest first.
    let list: @Sendable () async -> [ConsoleCall]
    /// Nil: not, or no longer, kept.
    let trace: @Sendable (String) async -> ConsoleTrace?

    public init(
        list: @escaping @Sendable () async -> [ConsoleCall], trace: @escaping @Sendable (String) async -> ConsoleTrace?
    ) {
        self.list = list
        self.trace = trace
    }

    public static let none = ConsoleCalls(list: { [] }, trace: { _ in nil })
}

/// One call in the list of `/calls`, numbers shortened to four digits.
public struct ConsoleCall: Sendable, Encodable, Hashable {
    public var id: String
    /// ISO 8601.
    public var began: String
    /// Its first message.
    public var line: String
    /// The final answer to it.
    public var status: Int?
    public var messageCount: Int

    public init(id: String, began: String, line: String, status: Int?, messageCount: Int) {
        self.id = id
        self.began = began
        self.line = line
        self.status = status
        self.messageCount = messageCount
    }
}

/// All messages of one call, both legs, without keys, passwords and numbers.
public struct ConsoleTrace: Sendable, Encodable, Hashable {
    public struct Message: Sendable, Encodable, Hashable {
        /// Since the first message.
        public var milliseconds: Int
        /// `meta` or `peer`.
        public var leg: String
        /// `sent` or `received`.
        public var direction: String
        public var line: String
        public var text: String

        public init(milliseconds: Int, leg: String, direction: String, line: String, text: String) {
            self.milliseconds = milliseconds
            self.leg = leg
            self.direction = direction
            self.line = line
            self.text = text
        }
    }

    public var id: String
    public var began: String
    /// Messages beyond those that are kept.
    public var dropped: Int
    public var messages: [Message]
    /// The same as arrows, for people.
    var ladder: String

    private enum CodingKeys: CodingKey { case id, began, dropped, messages }

    public init(id: String, began: String, dropped: Int, messages: [Message], ladder: String) {
        self.id = id
        self.began = began
        self.dropped = dropped
        self.messages = messages
        self.ladder = ladder
    }
}
