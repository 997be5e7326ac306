package import Logging
package import NIOCore
import NIOPosix
import NIOSSL
package import SIPCore

/// All SIP sockets of the process on one event loop: the TLS listener, the peers' UDP and TCP sockets, and connections
/// that we open. It moves messages and knows nothing of transactions.
package final class TransportLayer {
    package enum Side: Hashable, Sendable {
        /// Came in by the TLS listener from a trusted range.
        case meta
        /// From or to a PBX peer.
        case peer
    }

    package struct Received {
        package let message: Message
        package let flow: Flow
        package let side: Side
    }

    let loop: any EventLoop
    private let configuration: EdgeConfiguration
    private let counters: EdgeCounters
    private let logger: Logger
    private var tls = TLSContexts()
    private var serverTLS: NIOSSLContext?
    private var gate: AcceptGate
    /// Addresses that are let in as peers, kept up to date by the peer directory.
    private var peerAddresses: Set<String> = []
    private var connections: [UInt64: Connection] = [:]
    private let buffered: SIPStreamHandler.Buffered
    /// Accepted TLS connections in the order they came; those whose handshake is over are skipped when it is used.
    private var handshakes: ArraySlice<UInt64> = []
    private var outbound: [Target: UInt64] = [:]
    private var opening: [Target: [(Result<Flow, any Error>) -> Void]] = [:]
    private var lastConnection: UInt64 = 0
    private var listeners: [Flow.Transport: any Channel] = [:]
    private var udp: (any Channel)?
    private var sweeper: Scheduled<Void>?

    /// A message that came in whole; the top Via of a request is stamped with its source already.
    package var onMessage: (Received) -> Void = { _ in }
    /// Something that is no good SIP message; `nil` flow where it cannot be answered.
    package var onMalformed: (MalformedMessage, Flow) -> Void = { _, _ in }
    package var onClosed: (Flow) -> Void = { _ in }

    private struct Connection {
        let handler: SIPStreamHandler
        let side: Side
        var target: Target?
        /// Counts among the unfinished handshakes of its source.
        var inHandshake: Bool
        /// Counts among the accepted connections.
        var isCounted: Bool
    }

    package init(configuration: EdgeConfiguration, counters: EdgeCounters, loop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.counters = counters
        self.loop = loop
        self.logger = logger
        buffered = SIPStreamHandler.Buffered(limit: configuration.limits.bufferedOctets)
        gate = AcceptGate(
            allowed: configuration.trustedRanges, maximumConnections: configuration.limits.connections,
            maximumHandshakesPerSource: configuration.limits.handshakesPerAddress)
    }

    // MARK: Opening and closing

    /// Reads the certificate and binds all listeners.
    package func bind() throws(EdgeError) -> EventLoopFuture<Void> {
        serverTLS = try TLSContexts.server(
            certificateFile: configuration.certificateFile, privateKeyFile: configuration.privateKeyFile)
        let local = NIOLoopBound(self, eventLoop: loop)
        return listen(.tls, on: configuration.tlsAddress, configuration.tlsPort, key: "sip.tlsPort")
            .flatMap { local.value.bindPeers() }
    }

    /// Binds UDP and TCP for the PBX peers alone. Port 0: the kernel's choice, the same for both.
    package func bindPeers() -> EventLoopFuture<Void> {
        let local = NIOLoopBound(self, eventLoop: loop)
        // What the kernel chose for UDP may be somebody's for TCP; another choice is free.
        return bindPeers(tries: configuration.peerPort == 0 ? 16 : 1).map { local.value.startSweeping() }
    }

    private func bindPeers(tries: Int) -> EventLoopFuture<Void> {
        let local = NIOLoopBound(self, eventLoop: loop)
        let address = configuration.peerAddress
        return DatagramBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_535))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramHandler { local.value.received($0) })
                }
            }
            .bind(host: address, port: Int(configuration.peerPort))
            .flatMapErrorThrowing { [configuration] error in
                throw EdgeError.binding(
                    "SIP over UDP on \(address):\(configuration.peerPort)", key: "sip.peerPort", error)
            }
            .flatMap { channel in
                local.value.udp = channel
                return local.value.listen(.tcp, on: address, local.value.peerPort, key: "sip.peerPort")
                    .flatMapError { error in
                        guard tries > 1, (error as? EdgeError)?.code == .addressInUse else {
                            return channel.eventLoop.makeFailedFuture(error)
                        }
                        return channel.close().flatMap { local.value.bindPeers(tries: tries - 1) }
                    }
            }
    }

    private func listen(
        _ transport: Flow.Transport, on address: String, _ port: UInt16, key: String
    ) -> EventLoopFuture<Void> {
        let local = NIOLoopBound(self, eventLoop: loop)
        return ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { local.value.accept($0, transport: transport) }
            .bind(host: address, port: Int(port))
            .flatMapThrowing { local.value.listeners[transport] = $0 }
            .flatMapErrorThrowing { error in
                throw EdgeError.binding("SIP over \(transport.viaToken) on \(address):\(port)", key: key, error)
            }
    }

    package func shutdown() {
        sweeper?.cancel()
        sweeper = nil
        for listener in listeners.values { listener.close(promise: nil) }
        udp?.close(promise: nil)
        for connection in connections.values { connection.handler.end(.shutdown) }
    }

    /// Ports in use, as `(name, port)`; the kernel's choice where 0 was configured.
    package var tlsPort: UInt16 {
        UInt16(clamping: listeners[.tls]?.localAddress?.port ?? Int(configuration.tlsPort))
    }
    package var peerPort: UInt16 {
        UInt16(clamping: udp?.localAddress?.port ?? Int(configuration.peerPort))
    }

    /// Replaces the addresses that are let in as PBX peers.
    package func setPeerAddresses(_ addresses: Set<String>) {
        peerAddresses = addresses
        gate.allowed = configuration.trustedRanges + addresses.compactMap(CIDR.init)
    }

    // MARK: Sending

    /// False when the flow is gone.
    @discardableResult
    package func send(_ octets: [UInt8], on flow: Flow) -> Bool {
        if flow.transport == .udp {
            guard let udp, udp.isActive else { return false }
            let envelope = AddressedEnvelope(remoteAddress: flow.remote, data: ByteBuffer(bytes: octets))
            udp.writeAndFlush(envelope, promise: nil)
            return true
        }
        guard let connection = connections[flow.connection], connection.handler.isOpen else { return false }
        connection.handler.send(octets)
        return true
    }

    package func isOpen(_ flow: Flow) -> Bool {
        flow.transport == .udp || connections[flow.connection]?.handler.isOpen == true
    }

    /// A call counts on this connection: it is not closed for being idle until released as often.
    package func retain(_ flow: Flow) { connections[flow.connection]?.handler.users += 1 }
    package func release(_ flow: Flow) { connections[flow.connection]?.handler.users -= 1 }

    /// Gives a flow to the target: an open connection when there is one, else a new one. Calls back on the loop.
    package func open(_ target: Target, _ completion: @escaping (Result<Flow, any Error>) -> Void) {
        if target.transport == .udp {
            return resolve(target) { result in
                completion(result.map { Flow(transport: .udp, connection: 0, remote: $0) })
            }
        }
        if let number = outbound[target], let connection = connections[number], connection.handler.isOpen {
            return completion(.success(connection.handler.flow))
        }
        opening[target, default: []].append(completion)
        if opening[target]?.count == 1 { connect(target) }
    }

    private func resolve(_ target: Target, _ completion: @escaping (Result<SocketAddress, any Error>) -> Void) {
        if let address = try? SocketAddress(ipAddress: target.host, port: Int(target.port)) {
            return completion(.success(address))
        }
        let host = target.host
        let port = Int(target.port)
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try SocketAddress.makeAddressResolvingHost(host, port: port)
        }.assumeIsolated().whenComplete(completion)
    }

    private func connect(_ target: Target) {
        let local = NIOLoopBound(self, eventLoop: loop)
        lastConnection += 1
        let number = lastConnection
        var bootstrap = ClientBootstrap(group: loop).connectTimeout(.seconds(4))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        let own = target.trustsMeta(configuration.meta) ? configuration.tlsAddress : configuration.peerAddress
        if let address = try? SocketAddress(ipAddress: own, port: 0), !address.isWildcard {
            bootstrap = bootstrap.bind(to: address)
        }
        bootstrap.channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try local.value.prepare(channel, number: number, target: target) }
        }
        .connect(host: target.host, port: Int(target.port))
        .assumeIsolated().whenComplete { result in
            guard case .failure(let error) = result else { return }
            local.value.opened(target, .failure(error))
        }
    }

    private func prepare(_ channel: any Channel, number: UInt64, target: Target) throws {
        let usesTLS = target.transport == .tls
        if usesTLS {
            let context = try tls.client(for: target)
            let name = target.serverName ?? target.host
            // SNI holds names only; an address is checked against the certificate's addresses.
            let sni = CIDR.octets(of: name) == nil ? name : nil
            try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: sni))
        }
        let side: Side = target.trustsMeta(configuration.meta) ? .meta : .peer
        let waiter = ConnectWaiter(loop: loop) { [weak self] channel in
            guard let self else { return }
            guard let remote = channel.remoteAddress else {  // reset meanwhile
                self.opened(target, .failure(ChannelError.ioOnClosedChannel))
                return channel.close(promise: nil)
            }
            let flow = Flow(transport: target.transport, connection: number, remote: remote)
            self.add(channel, flow: flow, side: side, target: target, handshakeDone: !usesTLS)
            if !usesTLS { self.opened(target, .success(flow)) }
        }
        try channel.pipeline.syncOperations.addHandler(waiter)
    }

    private func opened(_ target: Target, _ result: Result<Flow, any Error>) {
        if case .success(let flow) = result { outbound[target] = flow.connection }
        for completion in opening.removeValue(forKey: target) ?? [] { completion(result) }
    }

    // MARK: Receiving

    private func accept(_ channel: any Channel, transport: Flow.Transport) -> EventLoopFuture<Void> {
        let source = channel.remoteAddress
        let verdict: AcceptGate.Verdict
        if transport == .tcp, let source, !peerAddresses.contains(source.ipAddress ?? "") {
            verdict = .refuseSource
        } else {
            verdict = admit(source)
        }
        guard verdict == .admit, let source else {
            counters.count(verdict == .refuseLimit ? .connectionsRefusedLimit : .connectionsRefusedSource)
            return channel.close()
        }
        counters.count(.connectionsAccepted)
        lastConnection += 1
        let flow = Flow(transport: transport, connection: lastConnection, remote: source)
        let side: Side = peerAddresses.contains(source.ipAddress ?? "") ? .peer : .meta
        return channel.eventLoop.makeCompletedFuture {
            do {
                if transport == .tls, let serverTLS {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: serverTLS))
                }
            } catch {
                gate.handshakeEnded(source)
                gate.closed()
                throw error
            }
            self.add(channel, flow: flow, side: side, target: nil, handshakeDone: transport == .tcp)
        }
    }

    /// When all places are taken, the handshake that has been going on for longest makes room: connections that only wait
    /// keep nobody out who means it.
    private func admit(_ source: SocketAddress?) -> AcceptGate.Verdict {
        let verdict = gate.admit(source)
        guard verdict == .refuseLimit, gate.isFull, endOldestHandshake() else { return verdict }
        return gate.admit(source)
    }

    private func endOldestHandshake() -> Bool {
        while let number = handshakes.popFirst() {
            guard let connection = connections[number], connection.inHandshake, connection.handler.isOpen else {
                continue
            }
            uncount(number)
            connection.handler.end(.evicted)
            return true
        }
        return false
    }

    /// The connection takes up no place any more.
    private func uncount(_ number: UInt64) {
        guard let connection = connections[number] else { return }
        handshakeEnded(connection.handler.flow)
        guard connection.isCounted else { return }
        connections[number]?.isCounted = false
        gate.closed()
    }

    private func add(_ channel: any Channel, flow: Flow, side: Side, target: Target?, handshakeDone: Bool) {
        let handler = SIPStreamHandler(
            flow: flow, limits: configuration.limits, buffered: buffered, handshakeDone: handshakeDone, now: loop.now
        ) { [weak self] handler, event in self?.handle(event, of: handler) }
        connections[flow.connection] = Connection(
            handler: handler, side: side, target: target, inHandshake: target == nil, isCounted: target == nil)
        if handshakeDone {
            handshakeEnded(flow)
        } else if target == nil {
            handshakes.append(flow.connection)
            if handshakes.count > 2 * connections.count + 1_024 {
                handshakes = handshakes.filter { connections[$0]?.inHandshake == true }[...]
            }
        }
        do {
            try channel.pipeline.syncOperations.addHandler(handler)
        } catch {
            handler.end(.closed)
        }
    }

    /// An accepted connection no longer counts among its source's unfinished handshakes.
    private func handshakeEnded(_ flow: Flow) {
        guard connections[flow.connection]?.inHandshake == true else { return }
        connections[flow.connection]?.inHandshake = false
        gate.handshakeEnded(flow.remote)
    }

    private func handle(_ event: SIPStreamHandler.Event, of handler: SIPStreamHandler) {
        let flow = handler.flow
        switch event {
        case .handshakeCompleted:
            handshakeEnded(flow)
            if let target = connections[flow.connection]?.target { opened(target, .success(flow)) }
        case .message(let message):
            guard let side = connections[flow.connection]?.side else { return }
            received(message, flow: flow, side: side)
        case .malformed(let problem):
            counters.count(.messagesMalformed)
            onMalformed(problem, flow)
        case .ended(let reason):
            uncount(flow.connection)
            guard let connection = connections.removeValue(forKey: flow.connection) else { return }
            count(reason)
            if let target = connection.target {
                if outbound[target] == flow.connection { outbound[target] = nil }
                // Those who wait for the target wait for another connection when this one was up already.
                if !handler.handshakeDone { opened(target, .failure(ConnectionEnded(reason: reason))) }
            }
            logger.debug(
                "connection ended",
                metadata: ["sip.peer": "\(flow.remoteHost)", "reason": "\(reason)", "transport": "\(flow.transport)"])
            onClosed(flow)
        }
    }

    private func count(_ reason: SIPStreamHandler.Ending) {
        switch reason {
        case .framingLost: counters.count(.framingLost)
        case .handshakeFailed: counters.count(.handshakesFailed)
        case .handshakeTooSlow: counters.count(.handshakesTimedOut)
        case .messageTooSlow, .writerFull: counters.count(.connectionsTooSlow)
        case .idle: counters.count(.connectionsIdle)
        case .buffersFull: counters.count(.connectionsBuffersFull)
        case .evicted: counters.count(.handshakesEvicted)
        case .closed, .shutdown: break
        }
    }

    private func received(_ datagram: AddressedEnvelope<ByteBuffer>) {
        let flow = Flow(transport: .udp, connection: 0, remote: datagram.remoteAddress)
        guard peerAddresses.contains(flow.remoteHost) else { return counters.count(.datagramsRefusedSource) }
        let octets = datagram.data.readableBytesUInt8Span
        guard octets.count > 4 else { return }  // keep-alive
        do throws(MalformedMessage) {
            received(try Message(parsing: octets), flow: flow, side: .peer)
        } catch {
            counters.count(.messagesMalformed)
            onMalformed(error, flow)
        }
    }

    private func received(_ message: Message, flow: Flow, side: Side) {
        var message = message
        if case .request(var request) = message {
            counters.count(.requestsReceived)
            request.stampTopVia(received: flow.remoteHost, port: flow.remotePort)
            message = .request(request)
        } else {
            counters.count(.responsesReceived)
        }
        onMessage(Received(message: message, flow: flow, side: side))
    }

    private func startSweeping() {
        sweeper = loop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in
            guard let self else { return }
            let now = self.loop.now
            for connection in self.connections.values { connection.handler.sweep(now: now) }
            self.startSweeping()
        }
    }
}

/// Why a connection that we opened did not come about.
struct ConnectionEnded: Error {
    let reason: SIPStreamHandler.Ending
}

/// Adds the SIP handler once an outgoing connection has its addresses.
private final class ConnectWaiter: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    private let loop: any EventLoop
    private let connected: (any Channel) -> Void

    init(loop: any EventLoop, connected: @escaping (any Channel) -> Void) {
        self.loop = loop
        self.connected = connected
    }

    func channelActive(context: ChannelHandlerContext) {
        connected(context.channel)
        context.fireChannelActive()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

private final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let received: (AddressedEnvelope<ByteBuffer>) -> Void

    init(received: @escaping (AddressedEnvelope<ByteBuffer>) -> Void) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { received(unwrapInboundIn(data)) }

    /// A peer's port that is closed (ICMP) is no reason to close ours.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}

extension Target {
    /// Whether this is Meta's side of the trunk, so that the public address is used to reach it.
    func trustsMeta(_ meta: MetaTrunkConfiguration) -> Bool {
        transport == .tls && serverName == meta.domain
    }
}

extension SocketAddress {
    var isWildcard: Bool { ipAddress == "0.0.0.0" || ipAddress == "::" }

    var isLoopback: Bool { ipAddress.map { $0.hasPrefix("127.") || $0 == "::1" } ?? false }
}

extension EdgeError {
    static func binding(_ what: String, key: String, _ error: any Error) -> EdgeError {
        let inUse = (error as? IOError)?.errnoCode == EADDRINUSE
        return EdgeError(
            code: inUse ? .addressInUse : .addressUnusable,
            message: "cannot listen for \(what) (\(inUse ? "another program has the port" : "\(error)"))",
            remedy: inUse
                ? "end the other program (`ss -tulpn` names it) or choose another port with \(key)"
                : "check the address and \(key); ports below 1024 need root")
    }
}
