internal import GRDB

/// What went wrong with the store, and what to do about it.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    public struct Code: Sendable, Hashable {
        private enum Value: Hashable { case cannotOpen, newerSchema, invalid, notFound, exists, inUse, failed, key }
        private let value: Value
        /// The file cannot be made, read or is no SQLite file.
        public static let cannotOpen = Code(value: .cannotOpen)
        /// A later version of Ibis changed the file's tables.
        public static let newerSchema = Code(value: .newerSchema)
        /// A record breaks a rule; ``StoreError/problems`` says which.
        public static let invalid = Code(value: .invalid)
        public static let notFound = Code(value: .notFound)
        public static let exists = Code(value: .exists)
        /// A peer that numbers still go to cannot be removed.
        public static let inUse = Code(value: .inUse)
        /// The key that seals passwords is missing, is no key, or is another than the one they were sealed with.
        public static let key = Code(value: .key)
        /// SQLite refused; ``StoreError/message`` has its words.
        public static let failed = Code(value: .failed)
    }

    public var code: Code
    /// What happened, a sentence without its full stop.
    public var message: String
    /// What the reader can do next.
    public var remedy: String
    /// With ``Code/invalid``: every field that is wrong.
    public var problems: [FieldProblem]

    public init(code: Code, message: String, remedy: String, problems: [FieldProblem] = []) {
        self.code = code
        self.message = message
        self.remedy = remedy
        self.problems = problems
    }

    public var description: String { "\(message): \(remedy)" }

    static func invalid(_ problems: [FieldProblem]) -> StoreError {
        let text = problems.map(\.description).joined(separator: "; ")
        return StoreError(code: .invalid, message: text, remedy: "correct it and try again", problems: problems)
    }

    /// GRDB and SQLite errors in our words; a StoreError stays what it is.
    static func wrapping(_ error: any Error) -> StoreError {
        if let error = error as? StoreError { return error }
        guard let database = error as? DatabaseError else {
            return StoreError(code: .failed, message: "the store failed (\(error))", remedy: "try again")
        }
        let said = database.message ?? database.resultCode.description
        switch database.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return StoreError(
                code: .failed, message: "the store is locked by another process (\(said))",
                remedy: "wait until it has finished and try again")
        case .SQLITE_READONLY, .SQLITE_PERM:
            return StoreError(
                code: .failed, message: "the store cannot be written (\(said))",
                remedy: "run as the user who owns the file")
        case .SQLITE_FULL:
            return StoreError(
                code: .failed, message: "the disk is full (\(said))", remedy: "make room and try again")
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            return StoreError(
                code: .cannotOpen, message: "the file is no readable SQLite file (\(said))",
                remedy: "point store.file at another file, or put a backup in its place")
        default:
            return StoreError(code: .failed, message: "the store failed (\(said))", remedy: "see the message of SQLite")
        }
    }
}

/// One field of a record that breaks a rule.
public struct FieldProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// As it is called in the YAML file: `number`, `host`, `ringTimeout`.
    public var field: String
    public var value: String
    /// What would be right: `a name of letters, digits, ".", "-" and "_"`.
    public var expected: String

    public init(field: String, value: String, expected: String) {
        self.field = field
        self.value = value
        self.expected = expected
    }

    public var description: String { "\(field) is \"\(value)\", but must be \(expected)" }
}
