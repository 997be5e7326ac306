import ArgumentParser
import Foundation
import WabaBridge

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Reads numbers and peers from a YAML file: all of it, or nothing.",
        discussion: "What is in the store and not in the file stays, unless --exact is given.")

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
        let snapshot = try StoreDocument.parse(String(decoding: data, as: UTF8.self), file: name)
        let summary = try await store.openOrMake().importing(snapshot, removingOthers: exact)
        Output.line(
            "\(summary.added) added, \(summary.changed) changed, \(summary.removed) removed. \(Words.takenUp)")
    }
}
