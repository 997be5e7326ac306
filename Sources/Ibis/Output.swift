import Foundation

/// Text for the person at the terminal. Logs go elsewhere: to standard error, through swift-log.
enum Output {
    /// One or more lines on standard output, at once even when it is a pipe.
    static func line(_ text: String) {
        raw(text + "\n")
    }

    /// Where nobody reads any more (a closed pipe) there is nobody to tell either.
    static func raw(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    static func error(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }
}

/// Ends the command with code 1 and this text on standard error: what is wrong, and what to do.
struct CommandFailure: Error, CustomStringConvertible {
    var text: String

    init(_ text: String) { self.text = text }

    var description: String { text }
}
