import ArgumentParser

struct SIPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sip", abstract: "Tools for SIP messages.", subcommands: [SIPInspectCommand.self])
}
