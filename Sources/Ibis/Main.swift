import ArgumentParser

/// The root command; each subcommand has a file in Commands/.
@main
struct IbisCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ibis",
        abstract: "Connects WhatsApp calls to a PBX.",
        discussion: """
            Start with `ibis serve`: it runs without any configuration, answers calls to +15550100001 itself and says \
            how to send it one.
            """,
        version: IbisVersion.text,
        subcommands: [
            ServeCommand.self, CallCommand.self, DemoCommand.self, CheckCommand.self, NumberCommand.self,
            PeerCommand.self, ExportCommand.self,
            ImportCommand.self, SIPCommand.self, VersionCommand.self,
        ])
}
