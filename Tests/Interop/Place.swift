import Foundation
import Glibc
import Testing

/// Where this run's files and addresses are. Addresses are the run's own, so that two runs on a machine do not meet.
enum Place {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let labFiles = repository.appending(path: "Tests/Interop/lab")

    /// Folder with the test bundle, and so with the `ibis` of the same build.
    static let products: URL = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let folder = URL(filePath: executable).deletingLastPathComponent()
        let built = folder.appending(path: "ibis").path
        return FileManager.default.fileExists(atPath: built) ? folder : repository.appending(path: ".build/debug")
    }()

    /// Emptied when the first test asks for it.
    private static let run: URL? = {
        let folder = repository.appending(path: ".build/interop")
        try? FileManager.default.removeItem(at: folder)
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            return folder
        } catch {
            return nil
        }
    }()

    /// A new folder for one program of the test that is under way.
    static func folder(_ name: String) throws -> URL {
        guard let run else { throw InteropFailure("cannot write to \(repository.path)/.build/interop") }
        let test = Test.current.map { "\($0.sourceLocation.fileName)-\($0.name.prefix { $0 != "(" })" } ?? "-"
        let parent = run.appending(path: test.replacing(".swift", with: ""))
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        for number in 1..<10_000 {
            let folder = parent.appending(path: "\(name)-\(number)")
            if mkdir(folder.path, 0o755) == 0 { return folder }
        }
        throw InteropFailure("no folder for \(name) could be made in \(parent.path)")
    }

    private static let octet = 1 + Int(getpid()) % 250

    static let ibisAddress = "127.62.\(octet).10"
    static let asteriskAddress = "127.62.\(octet).2"
    /// For what else a test needs, by the last number.
    static func other(_ last: Int) -> String { "127.62.\(octet).\(last)" }

    /// Where the WhatsApp side calls from, and what the tests' configurations trust.
    static let metaRange = "127.69.171.0/24"
    /// The same in the form of the samples.
    static let metaRangeWithMask = "127.69.171.0/255.255.255.0"
    static func metaAddress() -> String { "127.69.171.\(Int.random(in: 10...250))" }
    /// The rest of the world.
    static func strangerAddress() -> String { "127.66.6.\(Int.random(in: 10...250))" }
}
