import Foundation
import Testing

/// The built program, as a newcomer meets it.
@Suite("A program that was built", .serialized, .timeLimit(.minutes(1)))
struct ServeTests {
    /// A run of `ibis` in a directory of its own.
    private final class Run {
        private let process = Process()
        private let output = Pipe()
        private let errors = Pipe()

        init(_ arguments: [String], in directory: TemporaryDirectory) throws {
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
                .deletingLastPathComponent().appendingPathComponent("ibis")
            process.arguments = arguments
            process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
            process.environment = ["HOME": directory.path]
            process.standardOutput = output
            process.standardError = errors
            try process.run()
        }

        deinit {
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }

        /// What was written until the mark came, or all of it.
        func output(until mark: String) -> String { Run.read(output, until: mark) }
        func errors(until mark: String) -> String { Run.read(errors, until: mark) }

        private static func read(_ pipe: Pipe, until mark: String) -> String {
            var text = ""
            while !text.contains(mark), case let data = pipe.fileHandleForReading.availableData, !data.isEmpty {
                text += String(decoding: data, as: UTF8.self)
            }
            return text
        }

        func terminate() { process.terminate() }

        func status() -> Int32 {
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    /// Nobody else's: each run of the tests has another loopback address, so that the usual ports are free there.
    private static let address = "127.88.\(Int.random(in: 1...254)).\(Int.random(in: 1...254))"
    private static let addresses = [
        "--sip-tls-address", address, "--sip-peer-address", address, "--media-address", address, "--console-address",
        address,
    ]

    private func ibis(_ arguments: [String], in directory: TemporaryDirectory) throws -> (text: String, status: Int32) {
        let run = try Run(arguments, in: directory)
        let text = run.output(until: "\u{0}") + run.errors(until: "\u{0}")
        return (text, run.status())
    }

    @Test func fromTheFirstStartToTheEnd() throws {
        let directory = try TemporaryDirectory()
        let server = try Run(["serve"] + Self.addresses, in: directory)
        let banner = server.output(until: "ready in")
        try #require(banner.contains("ready in"), "\(server.errors(until: "\u{0}"))")
        #expect(banner.contains("META WILL REFUSE IT"))

        // The very command that the banner shows.
        let line = try #require(banner.split(separator: "\n").first { $0.contains("ibis call ") })
        let command = line.split(separator: " ").dropFirst().map(String.init) + ["--duration", "1"]
        let call = try ibis(command, in: directory)
        #expect(call.status == 0, "\(call.text)")

        // A number that another process adds is taken up.
        let added = try ibis(["number", "add", "+15550100002", "--echo"], in: directory)
        #expect(added.status == 0, "\(added.text)")
        let log = server.errors(until: "Numbers or peers have changed")
        #expect(!log.contains("15550100001"))
        let second = command.map { $0 == "+15550100001" ? "+15550100002" : $0 }
        #expect(try ibis(second, in: directory).status == 0)
        let unknown = command.map { $0 == "+15550100001" ? "+15550100003" : $0 }
        #expect(try ibis(unknown, in: directory).status == 1)

        // One that finds the ports taken says which.
        let another = try ibis(["serve"] + Self.addresses, in: directory)
        #expect(another.status == 1)
        for key in ["sip.tlsPort", "sip.peerPort", "console.port"] {
            #expect(another.text.contains("choose another \(key)"))
        }

        server.terminate()
        #expect(server.status() == 0)
        #expect(server.errors(until: "\u{0}").contains("Stopped"))
    }

    @Test func wrongConfigurationStopsTheStart() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("sip:\n  tlsPort: 99999\n", to: "ibis.yaml")
        let run = try ibis(["serve", "--config", file, "--log-level", "loud"], in: directory)
        #expect(run.status == 1)
        #expect(run.text.contains("2 things in the configuration are wrong:"))
        #expect(run.text.contains("sip.tlsPort: 99999  (\(file), line 2)\n      must be a port, 1 to 65535"))
        #expect(run.text.contains("log.level: loud  (flag --log-level)"))
    }
}
