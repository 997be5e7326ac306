import ArgumentParser
import Foundation
import SIPCore

struct SIPInspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Says what one raw SIP message is and what Meta makes of it.",
        discussion: """
            ibis sip inspect invite.txt
            ibis sip inspect --json < invite.txt

            Ends with code 0 when the message can be read, 1 when it is malformed, 2 when the file cannot be read. Keys \
            and digest responses are not shown; numbers and addresses are.
            """)

    /// Anything larger is no single message.
    static let largestInput = 1 << 20

    @Argument(help: "A file with the message, as it was on the wire or with plain line ends; - is standard input.")
    var file = "-"
    @Flag(help: "One JSON object instead of text.")
    var json = false

    func run() async throws {
        let octets: [UInt8]
        do {
            octets = try Self.read(file)
        } catch {
            Output.error("\(error)")
            throw ExitCode(2)
        }
        let inspection = MessageInspection(octets)
        if json {
            Output.line(try inspection.json())
        } else {
            Output.raw(InspectionText(inspection).text)
        }
        if !inspection.valid { throw ExitCode.failure }
    }

    static func read(_ file: String) throws(CommandFailure) -> [UInt8] {
        let data: Data
        do {
            let handle =
                file == "-" ? FileHandle.standardInput : try FileHandle(forReadingFrom: URL(fileURLWithPath: file))
            var read = Data()
            while read.count <= largestInput, let part = try handle.read(upToCount: 65_536), !part.isEmpty {
                read += part
            }
            data = read
        } catch {
            throw CommandFailure("\(file) cannot be read.")
        }
        guard data.count <= largestInput else {
            throw CommandFailure("\(file) is larger than 1 MiB: that is no single SIP message.")
        }
        guard !data.isEmpty else { throw CommandFailure("There is nothing in \(file == "-" ? "the input" : file).") }
        return Array(data)
    }
}
