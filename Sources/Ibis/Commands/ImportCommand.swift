import ArgumentParser
import Foundation
import WabaBridge

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Reads numbers and peers from a YAML file: all of it, or nothing.",
        discussion: """
            What is in the store and not in the file stays, unless --exact is given. The password of a number or a peer stays \
            in any case when the file has none for it.
            """)

    @OptionGroup var store: StoreOptions
    @Argument(help: "The file that ibis export wrote; - is standard input.")
    var file: String
    @Flag(help: "Remove what is not in the file.")
    var exact = false

    func run() async throws {
        let data =
            file == "-"
            ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
        guard let data else {
            throw CommandFailure("cannot read \(file): there is no such file, or this user may not read it")
        }
        let name = file == "-" ? "standard input" : file
        let store = try await store.openOrMake()
        let known = try await store.snapshot().passwords
        var box: SecretBox?
        var snapshot = try StoreDocument.parse(String(decoding: data, as: UTF8.self), file: name) {
            secret, owner throws(StoreError) in
            if box == nil { box = try secrets() }
            guard let secrets = box else { return try StoreDocument.noSealing(secret, owner) }
            // Sealing the same again would look like a change.
            if let old = known[owner], (try? secrets.open(old, for: owner)) == secret { return old }
            return try secrets.seal(secret, for: owner)
        }
        snapshot.keep(known)
        let summary = try await store.importing(snapshot, removingOthers: exact)
        Output.line(
            "\(summary.added) added, \(summary.changed) changed, \(summary.removed) removed. \(Words.takenUp)")
    }

    private func secrets() throws(StoreError) -> SecretBox {
        do {
            return try store.secrets(making: true)
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(code: .key, message: "\(error)", remedy: "correct the configuration")
        }
    }
}

extension StoreSnapshot {
    /// All that are set.
    fileprivate var passwords: [SecretOwner: SealedSecret] {
        var found: [SecretOwner: SealedSecret] = [:]
        for number in numbers { found[.number(number.number)] = number.password }
        for peer in peers { found[.peer(peer.name)] = peer.password }
        return found
    }

    /// Puts these where there is none.
    fileprivate mutating func keep(_ known: [SecretOwner: SealedSecret]) {
        for index in numbers.indices where numbers[index].password == nil {
            numbers[index].password = known[.number(numbers[index].number)]
        }
        for index in peers.indices where peers[index].password == nil && peers[index].user != nil {
            peers[index].password = known[.peer(peers[index].name)]
        }
    }
}
