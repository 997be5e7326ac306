package import Foundation

/// An `ibis serve` in a process and a folder of its own, for demonstrations and benchmarks.
package final class IbisProcess {
    package let pid: Int32
    private let process: Process
    private let folder: URL

    private init(process: Process, folder: URL) {
        self.process = process
        self.folder = folder
        pid = process.processIdentifier
    }

    /// The executable `ibis` in the folder of the running program.
    package static var executable: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("ibis")
    }

    /// A folder that is removed when the process is stopped.
    package static func makeFolder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ibis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// Starts `ibis serve` with these arguments and waits for the line that says ready. Blocks until then.
    package static func serve(_ arguments: [String], in folder: URL) throws -> IbisProcess {
        let process = Process()
        process.executableURL = executable
        process.arguments = ["serve"] + arguments
        process.currentDirectoryURL = folder
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var text = ""
        while case let data = output.fileHandleForReading.availableData, !data.isEmpty {
            text += String(decoding: data, as: UTF8.self)
            if text.contains("ready in") { return IbisProcess(process: process, folder: folder) }
        }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
        throw StandInError(message: "ibis serve did not start:\n\(text)")
    }

    /// Runs another `ibis` command to its end.
    package static func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw StandInError(message: "ibis \(arguments.joined(separator: " ")) failed")
        }
    }

    /// SIGTERM, and the end of it.
    package func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }
}
