public import Logging
public import Media
package import NIOCore
import NIOPosix
package import SIPCore
public import ServiceLifecycle
import Synchronization

/// The edge: SIP on one event loop, media on the engine's threads. Bind it, then run it as a service.
public final class SIPEdge: Service, Sendable {
    public let counters = EdgeCounters()
    private let loop: any EventLoop
    private let parts: NIOLoopBound<Parts>
    private let logger: Logger
    /// How long a stop waits for calls to end by themselves before it hangs up.
    private let drainTime: Duration

    /// What lives on the loop.
    private final class Parts {
        let transport: TransportLayer
        let driver: TransactionDriver
        let dialogs: DialogTable
        let server: UserAgentServer
        let peers: PeerDirectory
        let monitor: LoopMonitor
        let log: CallLog
        let exporter: HEPExporter?
        /// Asked after each end of a call, a dialog or a transaction and after each change of a peer; true: has been served.
        var waiters: [() -> Bool] = []

        init(
            transport: TransportLayer, driver: TransactionDriver, dialogs: DialogTable, server: UserAgentServer,
            peers: PeerDirectory, log: CallLog, exporter: HEPExporter?
        ) {
            self.log = log
            self.exporter = exporter
            self.transport = transport
            self.driver = driver
            self.dialogs = dialogs
            self.server = server
            self.peers = peers
            monitor = LoopMonitor(loop: driver.loop) { [weak driver] in driver?.sample(busy: $0, lag: $1) }
            driver.onFinished = { [weak self] in self?.somethingEnded() }
            dialogs.onEmpty = { [weak self] in self?.somethingEnded() }
            server.onCallEnded = { [weak self] in self?.somethingEnded() }
            peers.onStatus = { [weak self] in self?.somethingEnded() }
        }

        private func somethingEnded() {
            guard !waiters.isEmpty else { return }
            let asked = waiters
            waiters = []
            waiters += asked.filter { !$0() }
        }

        var inventory: Inventory {
            Inventory(
                calls: server.activeCalls, dialogs: dialogs.count, serverTransactions: driver.openTransactions.server,
                clientTransactions: driver.openTransactions.client)
        }

        /// Calls back, once, when `condition` holds: now or after a call, a dialog or a transaction has ended.
        func when(_ condition: @escaping () -> Bool, _ body: @escaping () -> Void) {
            let waiter = {
                guard condition() else { return false }
                body()
                return true
            }
            if !waiter() { waiters.append(waiter) }
        }
    }

    public convenience init(
        configuration: EdgeConfiguration, routing: RoutingTable, media: MediaEngine, greeting: Prompt, logger: Logger,
        drainTime: Duration = .seconds(20)
    ) async {
        await self.init(
            configuration: configuration, routing: routing, media: media, greeting: greeting, logger: logger,
            drainTime: drainTime, timing: Timing())
    }

    /// - Parameter timing: of SIP's timers; tests shorten it.
    package init(
        configuration: EdgeConfiguration, routing: RoutingTable, media: MediaEngine, greeting: Prompt, logger: Logger,
        drainTime: Duration = .seconds(20), timing: Timing
    ) async {
        // One loop for all signalling: both legs of a call, their timers and the routing table never cross threads.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        self.logger = logger
        self.drainTime = drainTime
        let counters = self.counters
        parts = await loop.run {
            let parts = SIPEdge.assemble(
                configuration: configuration, routing: routing, media: media, greeting: greeting, timing: timing,
                counters: counters, loop: loop, logger: logger)
            return NIOLoopBound(parts, eventLoop: loop)
        }
    }

    private static func assemble(
        configuration: EdgeConfiguration, routing: RoutingTable, media: MediaEngine, greeting: Prompt, timing: Timing,
        counters: EdgeCounters, loop: any EventLoop, logger: Logger
    ) -> Parts {
        let transport = TransportLayer(configuration: configuration, counters: counters, loop: loop, logger: logger)
        let driver = TransactionDriver(
            transport: transport, timing: timing, limits: configuration.limits, counters: counters)
        let peers = PeerDirectory(driver: driver, ids: .random, configuration: configuration, logger: logger)
        let source = DialogSource(transport: transport, peers: peers)
        let dialogs = DialogTable { source.accepts($0, $1) }
        dialogs.onElsewhere = { counters.count(.messagesFromElsewhere) }
        peers.onChange = { [weak transport] in transport?.setPeerSources($0) }
        let exporter = configuration.hep.map { HEPExporter($0, counters: counters) }
        if let exporter { transport.onSighting = { exporter.sight($0) } }
        let log = CallLog(maximumCalls: configuration.loggedCalls, onLeg: exporter.map { $0.correlate })
        let services = CallServices(
            loop: loop, driver: driver, dialogs: dialogs, media: media, greeting: greeting,
            configuration: configuration,
            meta: MetaTrunk(
                hostname: configuration.hostname, port: configuration.tlsPort, configuration: configuration.meta),
            challenge: MetaChallenge(
                realm: configuration.hostname, secret: SecureRandom.octets(32), counters: counters),
            ids: .random, timing: driver.timing, counters: counters, log: log)
        let server = UserAgentServer(services: services, peers: peers, logger: logger)
        server.update(routing)
        return Parts(
            transport: transport, driver: driver, dialogs: dialogs, server: server, peers: peers, log: log,
            exporter: exporter)
    }

    /// Reads the certificate and listens. Throws when a file cannot be used or a port cannot be had.
    public func bind() async throws(EdgeError) {
        do {
            try await loop.flatSubmit {
                do {
                    self.parts.value.monitor.start()
                    self.parts.value.exporter?.start(home: self.loop)
                    return try self.parts.value.transport.bind()
                } catch {
                    return self.loop.makeFailedFuture(error)
                }
            }.get()
        } catch let error as EdgeError {
            throw error
        } catch {
            throw EdgeError.binding("SIP", key: "sip.tlsPort", error)
        }
    }

    /// Serves until shutdown, then lets calls end and hangs up what is left.
    public func run() async throws {
        try? await gracefulShutdown()
        await drain()
    }

    private func drain() async {
        let (idle, signal) = AsyncStream.makeStream(of: Void.self)
        await loop.run {
            let parts = self.parts.value
            let server = parts.server
            server.drain()
            if server.activeCalls > 0 {
                self.logger.notice("waiting for calls to end", metadata: ["calls": "\(server.activeCalls)"])
            }
            let loop = self.loop.assumeIsolated()
            let hangUp = loop.scheduleTask(in: TimeAmount(self.drainTime)) { server.hangUpAll(.normalClearing) }
            parts.when({ server.activeCalls == 0 }) {
                hangUp.cancel()
                // A BYE of ours may still be on its way, over a connection that is only being made.
                let limit = loop.scheduleTask(in: Self.lastRequestsTime) { signal.finish() }
                parts.when({ parts.dialogs.count == 0 }) {
                    limit.cancel()
                    signal.finish()
                }
            }
        }
        for await _ in idle {}
        await loop.run {
            self.parts.value.monitor.stop()
            self.parts.value.exporter?.stop()
            self.parts.value.peers.stop()
            self.parts.value.transport.shutdown()
        }
    }

    /// How long a stop waits for the answers to our last requests.
    private static let lastRequestsTime = TimeAmount.seconds(3)

    /// Takes a new routing table into use; calls in progress go on as they are.
    public func update(routing: RoutingTable) {
        loop.execute { self.parts.value.server.update(routing) }
    }

    /// Takes another certificate into use for connections that come in from now on; those that are open keep theirs.
    ///
    /// - Parameters: the full chain and its private key, both PEM. Throws, and changes nothing, when they cannot be used.
    public func use(certificate: [UInt8], privateKey: [UInt8]) async throws(EdgeError) {
        let context = try TLSContexts.server(certificate: certificate, privateKey: privateKey)
        await loop.run { self.parts.value.transport.use(context) }
    }

    /// Part of the new calls that the machine can serve now, 0 to 1.
    public var admittedShare: Double {
        get async { await loop.run { self.parts.value.driver.admittedShare } }
    }

    /// The last calls, newest first.
    public func recentCalls(limit: Int = 100) async -> [CallTrace.Summary] {
        await loop.run { self.parts.value.log.summaries(limit: limit) }
    }

    /// The messages of one of the last calls; nil when it is not, or no longer, kept.
    public func messages(ofCall id: String) async -> CallTrace? {
        await loop.run { self.parts.value.log.capture(id) }.map { CallTrace($0, withText: true) }
    }

    public var activeCalls: Int {
        get async { await loop.run { self.parts.value.server.activeCalls } }
    }

    /// What is going on now; all of it comes back to 0.
    package struct Inventory: Sendable, Hashable {
        package var calls: Int
        package var dialogs: Int
        package var serverTransactions: Int
        package var clientTransactions: Int
    }

    package var inventory: Inventory {
        get async {
            await loop.run {
                self.parts.value.inventory
            }
        }
    }

    /// Returns once the inventory is as the condition asks for, or the task is cancelled.
    package func settle(_ condition: @escaping @Sendable (Inventory) -> Bool) async {
        let (settled, signal) = AsyncStream.makeStream(of: Void.self)
        loop.execute {
            let parts = self.parts.value
            parts.when({ condition(parts.inventory) }) { signal.finish() }
        }
        for await _ in settled {}
    }

    /// Returns once the peers are as the condition asks for, or the task is cancelled.
    package func settlePeers(_ condition: @escaping @Sendable ([PeerStatus]) -> Bool) async {
        let (settled, signal) = AsyncStream.makeStream(of: Void.self)
        loop.execute {
            let parts = self.parts.value
            parts.when({ condition(parts.peers.status) }) { signal.finish() }
        }
        for await _ in settled {}
    }

    /// Hangs up all calls, as a stop does in the end.
    package func hangUpAll() { loop.execute { self.parts.value.server.hangUpAll(.normalClearing) } }

    /// New INVITEs get 503 from now on.
    package func startDraining() { loop.execute { self.parts.value.server.drain() } }

    /// The PBX peers as they are now, by name.
    public var peers: [PeerStatus] {
        get async { await loop.run { self.parts.value.peers.status } }
    }

    /// Ports that are listened on.
    public var ports: (tls: UInt16, peer: UInt16) {
        get async {
            await loop.run { (self.parts.value.transport.tlsPort, self.parts.value.transport.peerPort) }
        }
    }
}

extension EventLoop {
    /// Runs the body on the loop. Our loop lives as long as the process, so nothing can fail.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            execute { continuation.resume(returning: body()) }
        }
    }
}
