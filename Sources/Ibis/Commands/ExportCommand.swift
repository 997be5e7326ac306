import ArgumentParser
import Foundation
import Glibc
import WabaBridge

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes numbers and peers as one YAML file.",
        discussion: """
            Passwords are left out unless --with-passwords is given: then they are readable in the file, which is made for \
            this user's eyes alone.
            """)

    @OptionGroup var store: StoreOptions
    @Option(
        name: .shortAndLong, help: ArgumentHelp("The file to write; without it, standard output.", valueName: "file"))
    var output: String?
    @Flag(help: "Write passwords, readably.")
    var withPasswords = false

    func run() async throws {
        let snapshot = try await store.read()
        let text = try StoreDocument.text(
            snapshot, secrets: withPasswords && snapshot.hasSecrets ? store.secrets(making: false) : nil)
        guard let output else {
            Output.raw(text)
            return
        }
        do {
            if withPasswords { _ = umask(0o077) }
            try Data(text.utf8).write(to: URL(fileURLWithPath: output), options: .atomic)
        } catch {
            throw CommandFailure("cannot write \(output): \(error.localizedDescription)")
        }
        let (numbers, peers) = (
            Words.count(snapshot.numbers.count, "number"), Words.count(snapshot.peers.count, "peer")
        )
        Output.line("Wrote \(numbers) and \(peers) to \(output).")
        if snapshot.hasSecrets {
            Output.line(
                withPasswords
                    ? "It has passwords in it: keep it to yourself."
                    : "Passwords are not in it; --with-passwords writes them, too.")
        }
    }
}
