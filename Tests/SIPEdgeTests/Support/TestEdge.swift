import Logging
import Media
import NIOCore
import NIOPosix
import SIPCore
import SIPEdge
import Simulators
import Testing

/// All tests with sockets, one after the other: they share addresses and this machine's few processors.
@Suite("SIP edge", .serialized, .timeLimit(.minutes(1))) struct EdgeSuite {}

/// An edge of its own on loopback addresses, with short timers and small limits, that must be left as it was found.
struct TestEdge: Sendable {
    static let number = "+15550100001"
    static let hostname = "sip.example.com"
    static let address = "127.61.0.1"
    /// T1 of 25 ms: 64·T1 is 1.6 s.
    static let timing = Timing(t1: .milliseconds(25), t2: .milliseconds(200), t4: .milliseconds(250))
    static let quiet: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    /// Tests run on machines that are busy with other things.
    static let limits = EdgeLimits(maximumLag: .zero)

    let edge: SIPEdge
    let media: MediaEngine
    let tlsPort: UInt16
    let peerPort: UInt16

    static let echo = RoutingTable(numbers: [number: .application(.echo)])

    static func relay(to peer: Peer) -> RoutingTable {
        RoutingTable(numbers: [number: .peer(peer.name, extension: nil)], peers: [peer.name: peer])
    }

    /// Runs the body with an edge, then looks for what it left behind.
    static func run(
        _ routing: RoutingTable = echo, limits: EdgeLimits = TestEdge.limits, meta: MetaTrunkConfiguration = .init(),
        hep: HEPConfiguration? = nil, drainTime: Duration = .zero, peerAddress: String = address,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (TestEdge) async throws -> Void
    ) async throws {
        let media = try MediaEngine(
            MediaConfiguration(
                workers: 1, bindAddress: address, portRest: .milliseconds(100), noMediaAfter: .seconds(1)))
        defer { media.shutdown() }
        let edge = try await bound(
            routing, limits: limits, meta: meta, hep: hep, drainTime: drainTime, peerAddress: peerAddress,
            media: media)
        let ports = await edge.ports
        let test = TestEdge(edge: edge, media: media, tlsPort: ports.tls, peerPort: ports.peer)
        do {
            try await body(test)
        } catch {
            await test.stop()
            throw error
        }
        await edge.settle { $0.calls == 0 && $0.dialogs == 0 }
        let statistics = await media.currentStatistics()
        #expect(statistics.sessions == 0, "media sessions leak", sourceLocation: sourceLocation)
        #expect(statistics.legs == 0, "media legs leak", sourceLocation: sourceLocation)
        await test.stop()
    }

    /// An edge that listens. The port that was found free may be another's by then: other suites run beside this one.
    private static func bound(
        _ routing: RoutingTable, limits: EdgeLimits, meta: MetaTrunkConfiguration, hep: HEPConfiguration?,
        drainTime: Duration,
        peerAddress: String, media: MediaEngine
    ) async throws -> SIPEdge {
        for _ in 0..<8 {
            let edge = await SIPEdge(
                configuration: EdgeConfiguration(
                    hostname: hostname, tlsAddress: address, tlsPort: try await freePort(address),
                    peerAddress: peerAddress,
                    peerPort: 0, certificateFile: TestCertificates.edge.certificate,
                    privateKeyFile: TestCertificates.edge.key, trustedRanges: ["127.69.171.0/24"].compactMap(CIDR.init),
                    meta: meta, limits: limits, hep: hep),
                routing: routing, media: media,
                greeting: try Prompt.tone(hertz: 440, seconds: 0.4), logger: quiet, drainTime: drainTime, timing: timing
            )
            do throws(EdgeError) {
                try await edge.bind()
                return edge
            } catch {
                guard error.code == .addressInUse else { throw error }
            }
        }
        throw EdgeError(
            code: .addressInUse, message: "no port is free on \(address)", remedy: "look for what has them all")
    }

    func stop() async {
        let edge = self.edge
        let task = Task { try await edge.run() }
        task.cancel()
        _ = await task.result
    }

    /// All transactions are over, lingering ones too; not for tests whose edge refuses over UDP, where timer D is 32 s.
    func settled() async {
        await edge.settle {
            $0.serverTransactions == 0 && $0.clientTransactions == 0 && $0.dialogs == 0 && $0.calls == 0
        }
    }

    // MARK: Callers

    /// Meta's side of the trunk, for calls with media. Shut it down in the end.
    static func caller(_ address: String = "127.69.171.10") async throws -> MetaSimulator {
        try await MetaSimulator(MetaSettings(address: address, port: nil))
    }

    var target: Target {
        Target(
            transport: .tls, host: Self.address, port: tlsPort, serverName: Self.hostname,
            trustRootsFile: TestCertificates.edge.certificate)
    }

    func call(_ change: (inout WhatsAppCall) -> Void = { _ in }) -> WhatsAppCall {
        var call = WhatsAppCall(target: target, number: Self.number, hostname: Self.hostname, talk: .milliseconds(300))
        change(&call)
        return call
    }

    /// A connection from Meta's range on which a test speaks for itself.
    func wire(from source: String = "127.69.171.11", reads: Bool = true) async throws -> Wire {
        try await Wire.connect(
            to: Self.address, tlsPort, from: source, serverName: Self.hostname,
            trust: TestCertificates.edge.certificate, reads: reads)
    }

    /// The body runs while a call with media is on, which must not lose a packet by it.
    func duringCall(
        from source: String = "127.69.171.12", sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async throws {
        let caller = try await TestEdge.caller(source)
        let answered = Inbox<Response>()
        let tone = try Prompt.tone(hertz: 1_000, seconds: 1)
        let call = call {
            $0.says = tone
            $0.talk = .seconds(50)
            $0.onAnswered = { answered.push($0) }
        }
        async let report = caller.place(call)
        _ = await answered.next()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        // Long enough that there was something to lose.
        try await caller.packets(50)
        edge.hangUpAll()
        let ended = try await report
        await caller.shutdown()
        #expect(ended.outcome == .talked(endedByUs: false), sourceLocation: sourceLocation)
        #expect(ended.statistics.lost == 0, sourceLocation: sourceLocation)
        #expect(ended.statistics.packetsReceived >= 50, sourceLocation: sourceLocation)
        try result.get()
    }

    /// A TCP port that is free now.
    static func freePort(_ address: String) async throws -> UInt16 {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: address, port: 0).get()
        let port = UInt16(listener.localAddress?.port ?? 0)
        try await listener.close()
        return port
    }
}

extension MetaSimulator {
    /// Returns once the calls of the simulator have received so many packets.
    func packets(_ count: UInt64) async throws {
        while await packetsReceived < count { try await Task.sleep(for: .milliseconds(20)) }
    }
}

extension Headers {
    /// Whole values of that name.
    func values(_ name: String) -> [String] { HeaderName(name).map(all) ?? [] }
    func value(_ name: String) -> String? { values(name).first }
}

/// Waits for what has no event to wait for: counters of sockets that nobody answers.
func eventually(_ condition: () async -> Bool) async throws {
    while await !condition() { try await Task.sleep(for: .milliseconds(10)) }
}

extension Response {
    var warning: String { headers.value("Warning") ?? "" }
    var text: String { String(decoding: body, as: UTF8.self) }

    /// The port of the first m= line; 0: none.
    var mediaPort: UInt16 {
        let line = text.split(separator: "\r\n").first { $0.hasPrefix("m=audio ") }
        return line.flatMap { UInt16($0.dropFirst(8).prefix { $0 != " " }) } ?? 0
    }
}
