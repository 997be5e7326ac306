import ArgumentParser
import Foundation

/// How a command is given a password: never as an argument, which every user of the machine could see.
struct PasswordOptions: ParsableArguments {
    @Flag(help: "Read the password from standard input: its first line.")
    var passwordStdin = false

    @Option(help: ArgumentHelp("Read the password from this file: its first line.", valueName: "file"))
    var passwordFile: String?

    @Flag(help: "Take the password away.")
    var noPassword = false

    func validate() throws {
        guard [passwordStdin, passwordFile != nil, noPassword].filter({ $0 }).count <= 1 else {
            throw ValidationError("Give one of --password-stdin, --password-file and --no-password.")
        }
    }

    /// Nil when none was given.
    func read() throws -> String? {
        let data: Data
        if passwordStdin {
            data = FileHandle.standardInput.readDataToEndOfFile()
        } else if let passwordFile {
            guard let contents = FileManager.default.contents(atPath: passwordFile) else {
                throw CommandFailure("cannot read \(passwordFile): there is no such file, or this user may not read it")
            }
            data = contents
        } else {
            return nil
        }
        let line = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init)
        guard let line, !line.isEmpty else { throw CommandFailure("there is no password: its first line is empty") }
        return line
    }
}
