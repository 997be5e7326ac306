import ArgumentParser
import Foundation

/// Text for the person at the terminal. Logs go elsewhere: to standard error, through swift-log.
enum Output {
    /// One or more lines on standard output, at once even when it is a pipe.
    static func line(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }

    static func error(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}

/// Ends the command with code 1 and this text on standard error: what is wrong, and what to do.
struct CommandFailure: Error, CustomStringConvertible {
    var text: String

    init(_ text: String) { self.text = text }

    var description: String { text }
}
