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
        func hangUp() { kill(process.processIdentifier, SIGHUP) }

        var isRunning: Bool { process.isRunning }

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

    // MARK: A renewed certificate

    private func makeCertificate(in directory: TemporaryDirectory) throws {
        try shell(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.new -out cert.new -days 90"
                + " -subj /CN=test -addext subjectAltName=DNS:sip.example.com 2>&1 && mv key.new key.pem && mv cert.new cert.pem",
            in: directory)
    }

    /// The fingerprint of the certificate that a new connection is shown, by OpenSSL.
    private func fingerprint(in directory: TemporaryDirectory) throws -> String {
        try shell(
            "openssl s_client -connect \(Self.address):5061 -servername sip.example.com </dev/null 2>/dev/null"
                + " | openssl x509 -noout -fingerprint -sha256", in: directory)
    }

    @discardableResult
    private func shell(_ command: String, in directory: TemporaryDirectory) throws -> String {
        let (process, output) = (Process(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.currentDirectoryURL = URL(fileURLWithPath: directory.path)
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text
    }

    @Test func renewedCertificateIsTakenIntoUse() throws {
        let directory = try TemporaryDirectory()
        try makeCertificate(in: directory)
        let server = try Run(
            [
                "serve", "--sip-hostname", "sip.example.com", "--sip-certificate", "cert.pem", "--sip-key", "key.pem",
                "--sip-trusted-ranges", "127.0.0.0/8",
            ] + Self.addresses, in: directory)
        try #require(server.output(until: "ready in").contains("ready in"), "\(server.errors(until: "\u{0}"))")
        let first = try fingerprint(in: directory)
        #expect(first.contains("Fingerprint"))

        // A file that is broken changes nothing, and the log says what is wrong with it.
        let good = try shell("cat cert.pem", in: directory)
        _ = try directory.write("-----BEGIN CERTIFICATE-----\nbroken\n", to: "cert.pem")
        server.hangUp()
        let refused = server.errors(until: "with SIGHUP.")
        #expect(refused.contains("The new certificate is not taken into use, the old one stays: cert.pem"))
        #expect(try fingerprint(in: directory) == first)
        _ = try directory.write(good, to: "cert.pem")

        // A new pair is seen without being told of.
        try makeCertificate(in: directory)
        #expect(server.errors(until: "in use for new connections").contains("in use for new connections"))
        let second = try fingerprint(in: directory)
        #expect(second.contains("Fingerprint") && second != first)

        // A key that is another certificate's.
        try shell("openssl ecparam -genkey -name prime256v1 -noout -out key.pem", in: directory)
        server.hangUp()
        #expect(server.errors(until: "with SIGHUP.").contains("is not the key of the certificate"))
        #expect(try fingerprint(in: directory) == second)
        server.terminate()
        #expect(server.status() == 0)
    }

    // MARK: Stopping

    /// A server and a call that it answers with an echo and that would last for half a minute.
    private func withCall(drain: String, in directory: TemporaryDirectory) throws -> (server: Run, call: Run) {
        let server = try Run(["serve", "--limits-drain-time", drain] + Self.addresses, in: directory)
        let banner = server.output(until: "ready in")
        let line = try #require(banner.split(separator: "\n").first { $0.contains("ibis call ") })
        let command = line.split(separator: " ").dropFirst().map(String.init) + ["--duration", "30"]
        let call = try Run(command, in: directory)
        #expect(server.errors(until: "call answered").contains("call answered"))
        return (server, call)
    }

    @Test func stopLetsCallsLiveForTheDrainTime() throws {
        let directory = try TemporaryDirectory()
        let (server, call) = try withCall(drain: "2s", in: directory)
        let clock = ContinuousClock()
        let began = clock.now
        server.terminate()
        #expect(server.status() == 0)
        let took = clock.now - began
        #expect(took > .seconds(2) && took < .seconds(12), "\(took)")
        #expect(call.output(until: "\u{0}").contains("the business hung up"))
        #expect(call.status() == 0)
    }

    @Test func secondSignalEndsAtOnce() throws {
        let directory = try TemporaryDirectory()
        let (server, call) = try withCall(drain: "1h", in: directory)
        server.terminate()
        #expect(server.errors(until: "waiting for calls to end").contains("waiting for calls to end"))
        // What is logged comes just before the second signal is let through.
        while server.isRunning {
            server.terminate()
            usleep(50_000)
        }
        #expect(server.status() != 0)
        call.terminate()
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
