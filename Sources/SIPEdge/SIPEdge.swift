public import Logging
public import Media
package import NIOCore
import NIOPosix
import SIPCore
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
        let server: UserAgentServer
        let peers: PeerDirectory

        init(transport: TransportLayer, server: UserAgentServer, peers: PeerDirectory) {
            self.transport = transport
            self.server = server
            self.peers = peers
        }
    }

    public init(
        configuration: EdgeConfiguration, routing: RoutingTable, media: MediaEngine, greeting: Prompt, logger: Logger,
        drainTime: Duration = .seconds(20)
    ) async {
        // One loop for all signalling: both legs of a call, their timers and the routing table never cross threads.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        self.logger = logger
        self.drainTime = drainTime
        let counters = self.counters
        parts = await loop.run {
            let parts = SIPEdge.assemble(
                configuration: configuration, routing: routing, media: media, greeting: greeting, counters: counters,
                loop: loop, logger: logger)
            return NIOLoopBound(parts, eventLoop: loop)
        }
    }

    private static func assemble(
        configuration: EdgeConfiguration, routing: RoutingTable, media: MediaEngine, greeting: Prompt,
        counters: EdgeCounters, loop: any EventLoop, logger: Logger
    ) -> Parts {
        let transport = TransportLayer(configuration: configuration, counters: counters, loop: loop, logger: logger)
        let driver = TransactionDriver(transport: transport, counters: counters)
        let peers = PeerDirectory(loop: loop, logger: logger)
        peers.onChange = { [weak transport] in transport?.setPeerAddresses($0) }
        let services = CallServices(
            loop: loop, driver: driver, dialogs: DialogTable(), media: media, greeting: greeting,
            configuration: configuration,
            meta: MetaTrunk(
                hostname: configuration.hostname, port: configuration.tlsPort, configuration: configuration.meta),
            ids: .random, timing: driver.timing, counters: counters)
        let server = UserAgentServer(services: services, peers: peers, logger: logger)
        server.update(routing)
        return Parts(transport: transport, server: server, peers: peers)
    }

    /// Reads the certificate and listens. Throws when a file cannot be used or a port cannot be had.
    public func bind() async throws(EdgeError) {
        do {
            try await loop.flatSubmit {
                do {
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
            let server = self.parts.value.server
            server.drain()
            guard server.activeCalls > 0 else { return signal.finish() }
            self.logger.notice("waiting for calls to end", metadata: ["calls": "\(server.activeCalls)"])
            server.onIdle = { signal.finish() }
            self.loop.assumeIsolated().scheduleTask(in: TimeAmount(self.drainTime)) {
                server.hangUpAll(.normalClearing)
            }
        }
        for await _ in idle {}
        // Long enough for the answers to our last requests.
        try? await loop.scheduleTask(in: .milliseconds(200)) {
            self.parts.value.peers.stop()
            self.parts.value.transport.shutdown()
        }.futureResult.get()
    }

    /// Takes a new routing table into use; calls in progress go on as they are.
    public func update(routing: RoutingTable) {
        loop.execute { self.parts.value.server.update(routing) }
    }

    public var activeCalls: Int {
        get async { await loop.run { self.parts.value.server.activeCalls } }
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
