import Foundation
import Media

/// `scripts/lab` of this repository.
enum Lab {
    private static let script = Place.repository.appending(path: "scripts/lab").path

    @discardableResult
    static func run(_ arguments: String...) async throws -> String {
        try await Program.run(script, arguments, in: try Place.folder("lab"))
    }

    /// Folder of instances and certificates.
    static let home: URL = {
        let environment = ProcessInfo.processInfo.environment
        if let set = environment["IBIS_LAB"], !set.isEmpty { return URL(filePath: set) }
        return FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache/ibis-lab")
    }()

    /// A PEM file of the lab's certificates, which are made when they are not there.
    static func certificate(_ name: String) async throws -> URL {
        try await run("certs")
        return home.appending(path: "tls/\(name)")
    }
}

/// One Asterisk, which runs a folder of samples/asterisk as it stands but for the literals in lab/literals.
struct Asterisk {
    enum Sample: String {
        case ibisTrunk = "ibis-trunk"
        case direct
        /// Not a sample, but the lab's own, with what a PBX may have switched on.
        case features

        var folder: String { self == .features ? "Tests/Interop/lab/features" : "samples/asterisk/\(rawValue)" }
    }

    let name: String
    let address = Place.asteriskAddress
    private var folder: URL { Lab.home.appending(path: "run/\(name)") }

    /// Runs `body` while it is up. `settings` are names of lab/literals.
    static func with(
        _ sample: Sample, _ settings: [String: String] = [:], _ body: (Asterisk) async throws -> Void
    ) async throws {
        let asterisk = Asterisk(name: "\(sample.rawValue)-\(getpid())")
        let all = settings.merging([
            "ASTERISK_ADDR": Place.asteriskAddress, "IBIS_ADDR": Place.ibisAddress,
            "META_RANGE": Place.metaRangeWithMask,
        ]) { own, _ in own }
        let arguments =
            ["start", sample.folder, "--name", asterisk.name, "--with", "\(getpid())"]
            + all.map { "\($0)=\($1)" }
        let files = try Place.folder("asterisk")
        try await Program.run(Place.repository.appending(path: "scripts/lab").path, arguments, in: files)
        var failed: (any Error)?
        do { try await body(asterisk) } catch { failed = error }
        try await Lab.run("stop", "--name", asterisk.name)
        try? FileManager.default.copyItem(
            at: asterisk.folder.appending(path: "console.log"), to: files.appending(path: "console.log"))
        try? FileManager.default.copyItem(
            at: asterisk.folder.appending(path: "spool"), to: files.appending(path: "spool"))
        if let failed { throw failed }
    }

    /// What it logged, the dialplan's steps included.
    var console: String {
        String(decoding: (try? Data(contentsOf: folder.appending(path: "console.log"))) ?? Data(), as: UTF8.self)
    }

    func wait(for text: String, within limit: Duration) async throws {
        try await eventually(within: limit) {
            console.contains(text) ? () : nil
        } orFail: {
            InteropFailure("Asterisk did not log “\(text)” within \(limit)", log: console)
        }
    }

    func cli(_ command: String) async throws -> String {
        try await Lab.run("cli", "--name", name, command)
    }

    /// Calls that Asterisk has up now.
    func channels() async throws -> Int {
        let count = try await cli("core show channels count").firstMatch(of: /(\d+) active channel/)
        return count.flatMap { Int($0.1) } ?? -1
    }

    /// Waits until every call is over.
    func idle(within limit: Duration = .seconds(5)) async throws {
        let deadline = ContinuousClock.now + limit
        while try await channels() != 0 {
            guard ContinuousClock.now < deadline else {
                throw InteropFailure("Asterisk still has a call after \(limit)", log: console)
            }
        }
    }

    /// Waits until a call is up, its ACK included.
    func answered(within limit: Duration = .seconds(5)) async throws {
        let deadline = ContinuousClock.now + limit
        while try await !cli("core show channels concise").contains("!Up!") {
            guard ContinuousClock.now < deadline else {
                throw InteropFailure("Asterisk has answered no call after \(limit)", log: console)
            }
        }
    }

    /// A recording of the dialplan (heard.wav16, said.wav16, both.wav16) after the call, once it does not grow any more.
    func recording(_ name: String, within limit: Duration = .seconds(5)) async throws -> WAVReader {
        try await finishedRecording(folder.appending(path: "spool/\(name)"), within: limit)
    }
}
