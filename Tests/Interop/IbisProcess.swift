import Foundation

/// `ibis serve` of the same build, on addresses of this run, with a store of its own.
final class IbisProcess {
    /// A PBX as `ibis peer add` takes it.
    struct Peer {
        enum Transport: String, CaseIterable { case udp, tcp, tls }

        var transport = Transport.udp
        var secureMedia = false
        var ringSeconds = 45
    }

    /// What happens with the calls to a number.
    enum Route {
        case echo
        /// Relayed to the run's Asterisk; the extension is dialled in the number's place.
        case asterisk(Peer, extension: String? = nil)
        /// Relayed to a host by its name, which is asked for every 5 s whether it is there.
        case peer(host: String)
    }

    /// The business number of all tests.
    static let number = "+15550100001"
    static let address = Place.ibisAddress
    static let tlsPort: UInt16 = 5061
    private static let consolePort: UInt16 = 8080

    /// What a WhatsApp user calls.
    static func uri(_ number: String = number) -> String { "sip:\(number)@\(address):\(tlsPort);transport=tls" }

    private let program: Program

    private init(_ program: Program) {
        self.program = program
    }

    /// Runs `body` while it is up; it must end at SIGTERM, with status 0.
    ///
    /// - Parameters:
    ///   - nameServer: the only one that it asks, on port 53; nil: the system's.
    ///   - password: `sip_user_password` of the number; nil: none is known.
    static func with(
        _ route: Route, _ settings: [String: String] = [:], nameServer: String? = nil, password: String? = nil,
        _ body: (IbisProcess) async throws -> Void
    ) async throws {
        let ibis = try await start(route, settings, nameServer, password: password)
        do { try await body(ibis) } catch {
            ibis.program.terminate()
            _ = try? await ibis.program.ended(within: .seconds(10))
            throw error
        }
        try await ibis.stop()
    }

    private static func start(
        _ route: Route, _ settings: [String: String], _ nameServer: String?, password: String?
    ) async throws -> IbisProcess {
        let binary = Place.products.appending(path: "ibis").path
        let folder = try Place.folder("ibis")
        let file = folder.appending(path: "ibis.yaml").path
        try Data(try await configuration(in: folder).utf8).write(to: URL(filePath: file))
        func command(_ words: String...) async throws {
            try await Program.run(binary, words + ["--config", file], in: try Place.folder("ibis-command"))
        }
        var secret: [String] = []
        if let password {
            let file = folder.appending(path: "password")
            try Data(password.utf8).write(to: file)
            secret = ["--password-file", file.path]
        }
        switch route {
        case .echo:
            try await command("number", "add", number, "--echo")
        case .asterisk(let peer, let dialled):
            try await Program.run(
                binary,
                ["peer", "add", "asterisk"] + peer.arguments(try await Lab.certificate("ca.crt"))
                    + ["--config", file], in: try Place.folder("ibis-command"))
            try await Program.run(
                binary,
                ["number", "add", number, "--peer", "asterisk"] + (dialled.map { ["--extension", $0] } ?? []) + secret
                    + ["--config", file], in: try Place.folder("ibis-command"))
        case .peer(let host):
            try await command("peer", "add", "named", "--host", host, "--qualify-interval", "5")
            try await command("number", "add", number, "--peer", "named")
        }
        let flags = settings.flatMap { ["--\($0)", $1] }
        var words = [binary, "serve", "--config", file] + flags
        if let nameServer {
            let resolver = folder.appending(path: "resolv.conf")
            try Data("nameserver \(nameServer)\noptions timeout:1 attempts:1\n".utf8).write(to: resolver)
            let launch = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\""
            words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", launch, resolver.path] + words
        }
        let program = try Program(words[0], Array(words.dropFirst()), in: folder, limit: .seconds(115))
        try await program.wait(for: "ready in", within: .seconds(15))
        return IbisProcess(program)
    }

    private static func configuration(in folder: URL) async throws -> String {
        let certificate = try await Lab.certificate("sip.example.com.crt").path
        return """
            sip:
              hostname: sip.example.com
              tlsAddress: \(address)
              tlsPort: \(tlsPort)
              peerAddress: \(address)
              peerPort: 5060
              certificate: \(certificate)
              key: \(certificate.replacing(/crt$/, with: "key"))
              trustedRanges: [\(Place.metaRange)]
            media:
              address: \(address)
              portLow: 20000
              portHigh: 20199
            store:
              file: \(folder.path)/ibis.sqlite
            console:
              address: \(address)
              port: \(consolePort)
            log:
              level: debug

            """
    }

    /// Ends it as a service manager does.
    func terminate() { program.terminate() }

    /// It gives calls that are up 20 s to end.
    private func stop() async throws {
        terminate()
        let status = try await program.ended(within: .seconds(35))
        guard status == 0 else { throw program.failure("ended with status \(status) at SIGTERM") }
    }

    var log: String { program.output }

    func failure(_ what: String) -> InteropFailure { program.failure(what) }

    // MARK: The console

    struct Status: Decodable {
        let calls: Int
        let counters: [String: Int]
        let media: [String: Int]
        let peerStates: [Peer]

        struct Peer: Decodable {
            let name: String
            let state: String
            let addresses: [String]
        }
    }

    func status() async throws -> Status {
        guard let socket = LoopbackSocket(to: IbisProcess.address, port: IbisProcess.consolePort) else {
            throw program.failure("its console does not listen")
        }
        socket.send("GET /status HTTP/1.1\r\nHost: ibis\r\nConnection: close\r\n\r\n".utf8)
        let answer = try await eventually(within: .seconds(5)) {
            socket.receive()
            return socket.isClosed ? String(decoding: socket.received, as: UTF8.self) : nil
        } orFail: {
            program.failure("no answer of its console")
        }
        guard let start = answer.firstIndex(of: "{"), let end = answer.lastIndex(of: "}") else {
            throw program.failure("no JSON in /status: \(answer)")
        }
        return try JSONDecoder().decode(Status.self, from: Data(answer[start...end].utf8))
    }

    /// Waits until no call and no leg of media is left.
    func idle(within limit: Duration = .seconds(10)) async throws {
        let deadline = ContinuousClock.now + limit
        while true {
            let now = try await status()
            if now.calls == 0, now.media["legs"] == 0, now.media["ports_used"] == 0 { return }
            guard ContinuousClock.now < deadline else {
                throw program.failure("\(now.calls) calls and media \(now.media) are left after \(limit)")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

extension IbisProcess.Peer {
    fileprivate func arguments(_ authority: URL) -> [String] {
        var words = ["--host", Place.asteriskAddress, "--port", transport == .tls ? "5061" : "5060"]
        words += ["--transport", transport.rawValue, "--ring-timeout", "\(ringSeconds)"]
        if transport == .tls { words += ["--tls-authority", authority.path] }
        if secureMedia { words.append("--secure-media") }
        return words
    }

    /// Settings of lab/literals that make the sample's Asterisk speak the same.
    var sampleSettings: [String: String] {
        [
            "TRANSPORT": transport.rawValue, "IBIS_PORT": transport == .tls ? "5061" : "5060",
            "MEDIA_ENCRYPTION": secureMedia ? "sdes" : "no",
        ]
    }
}
