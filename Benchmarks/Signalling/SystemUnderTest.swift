import Foundation

/// Something that takes Meta's calls over TLS and places them to the callee.
protocol SystemUnderTest: AnyObject {
    var name: String { get }
    var host: String { get }
    var port: UInt16 { get }
    /// CPU seconds since the start, of all its processes.
    func cpu() throws -> CPUTime
    func stop()
}

extension IbisUnderTest: SystemUnderTest {
    var name: String { "Ibis" }
    var host: String { Self.address }
    var port: UInt16 { Self.tlsPort }
    func cpu() throws -> CPUTime { try CPUTime.ofProcess(pid) }
}

/// The tests' Asterisk (`scripts/lab`), doing the same: TLS, SDES and Opus in, `Dial` to the callee over UDP out.
final class AsteriskUnderTest: SystemUnderTest {
    let name = "Asterisk"
    let host = "127.62.0.3"
    let port: UInt16 = 15_061
    private static let instance = "bench-signalling"
    private static let lab = SignallingBenchmark.repository.appending(path: "scripts/lab").path
    private let folder: URL
    private let pid: Int32

    /// Whether `scripts/lab install` has been run on this machine, or it has an Asterisk of its own that is named.
    static var isInstalled: Bool {
        ProcessInfo.processInfo.environment["ASTERISK"] != nil
            || FileManager.default.fileExists(atPath: home.appending(path: "chroot/lab-stamp").path)
    }

    private static var home: URL {
        if let set = ProcessInfo.processInfo.environment["IBIS_LAB"], !set.isEmpty { return URL(filePath: set) }
        return FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache/ibis-lab")
    }

    /// Where its certificate and key are while it runs.
    static var keys: URL { home.appending(path: "run/\(instance)/etc/keys") }

    init(in folder: URL) throws {
        self.folder = folder
        try Program.run(
            [
                Self.lab, "start", SignallingBenchmark.peers.appending(path: "asterisk").path, "--name", Self.instance,
                "--with", "\(getpid())", "ASTERISK_ADDR=\(host)", "META_RANGE=127.69.171.0/255.255.255.0",
            ], log: folder.appending(path: "asterisk-start.log"))
        // As a busy server runs: the lab logs each step of the dialplan.
        try Program.run(
            [Self.lab, "cli", "--name", Self.instance, "core set verbose 0"],
            log: folder.appending(path: "asterisk-cli.log"))
        let text = try String(
            contentsOf: Self.home.appending(path: "run/\(Self.instance)/pid"), encoding: .utf8)
        guard let pid = text.split(separator: " ").first.flatMap({ Int32($0) }) else {
            throw BenchError(description: "scripts/lab left no process id")
        }
        self.pid = pid
    }

    func cpu() throws -> CPUTime { try CPUTime.ofProcess(pid) }

    func stop() {
        _ = try? Program.run(
            [Self.lab, "stop", "--name", Self.instance], log: folder.appending(path: "asterisk-stop.log"))
    }
}

/// Kamailio as a stateful proxy on the same way: no second dialog and no SDP work, so less than a B2BUA does. Its figure is
/// a mark to aim at.
final class KamailioUnderTest: SystemUnderTest {
    let name = "Kamailio (proxy)"
    let host = "127.62.0.4"
    let port: UInt16 = 15_061
    private let program: Program

    static var isInstalled: Bool { Program.find("kamailio") != nil }

    /// Uses the certificate of a running ``AsteriskUnderTest``.
    init(in folder: URL) throws {
        let keys = AsteriskUnderTest.keys
        for file in ["asterisk.crt", "asterisk.key"] {
            try FileManager.default.copyItem(at: keys.appending(path: file), to: folder.appending(path: file))
        }
        program = try Program(
            [
                Program.find("kamailio") ?? "kamailio", "-f",
                SignallingBenchmark.peers.appending(path: "kamailio.cfg").path, "-A", "HOST=\(host)", "-A",
                "CALLEE=\"sip:\(SIPpCallee.address):\(SIPpCallee.port)\"", "-A",
                "CERTIFICATE=\"\(folder.appending(path: "asterisk.crt").path)\"", "-A",
                "KEY=\"\(folder.appending(path: "asterisk.key").path)\"", "-DD", "-E", "-m", "512", "-M", "16",
            ], log: folder.appending(path: "kamailio.log"))
        usleep(2_000_000)
        guard program.isRunning else { throw program.failure("Kamailio did not start") }
    }

    func cpu() throws -> CPUTime {
        let children = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter {
            guard let stat = try? String(contentsOfFile: "/proc/\($0)/stat", encoding: .utf8) else { return false }
            return (stat.split(separator: ")").last ?? "").split(separator: " ").dropFirst().first == "\(program.pid)"
        }
        return try ([program.pid] + children).reduce(CPUTime()) { try $0 + CPUTime.ofProcess($1) }
    }

    func stop() { program.stop() }
}
