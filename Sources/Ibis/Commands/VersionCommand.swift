import ArgumentParser

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Says which Ibis this is.")

    func run() {
        Output.line(IbisVersion.text)
    }
}
