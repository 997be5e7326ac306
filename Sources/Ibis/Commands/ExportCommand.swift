import ArgumentParser
import Foundation
import WabaBridge

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes numbers and peers as one YAML file.")

    @OptionGroup var store: StoreOptions
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The file to write; without it, standard output.", valueName: "file"))
    var output: String?

    func run() async throws {
        let snapshot = try await store.read()
        let text = StoreDocument.text(snapshot)
        guard let output else {
            Output.raw(text)
            return
        }
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: output), options: .atomic)
        } catch {
            throw CommandFailure("cannot write \(output): \(error.localizedDescription)")
        }
        let (numbers, peers) = (
            Words.count(snapshot.numbers.count, "number"), Words.count(snapshot.peers.count, "peer")
        )
        Output.line("Wrote \(numbers) and \(peers) to \(output).")
    }
}
