import NIOCore
import NIOPosix
import NIOSSL
import SIPCore
import SIPEdge

/// Meta's sockets for SIP: a TLS listener as `wa.meta.vc`, and connections to businesses. Runs on the simulator's loop.
final class MetaTransport {
    private let domain: String
    private let address: String
    private let loop: any EventLoop
    private var listener: (any Channel)?
    private var connections: [ObjectIdentifier: MetaConnection] = [:]
    private var outbound: [Target: MetaConnection] = [:]
    private var waiting: [Target: [(Result<MetaConnection, any Error>) -> Void]] = [:]
    private var contexts: [Trust: NIOSSLContext] = [:]
    private struct Trust: Hashable {
        var rootsFile: String?
        var verifies: Bool
    }

    var onMessage: (Message, MetaConnection) -> Void = { _, _ in }
    var onMalformed: (MalformedMessage, MetaConnection) -> Void = { _, _ in }
    var onClosed: (MetaConnection) -> Void = { _ in }
    var onViolation: (Violation) -> Void = { _ in }

    init(domain: String, address: String, loop: any EventLoop) {
        self.domain = domain
        self.address = address
        self.loop = loop
    }

    var port: UInt16 { UInt16(clamping: listener?.localAddress?.port ?? 0) }

    // MARK: Listening

    /// A TLS listener that asks for no client certificate (meta-calling §5.2). `port` 0: the kernel's choice.
    func listen(port: UInt16, certificate: CertificateFiles) throws -> EventLoopFuture<Void> {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate.chainFile)
        let key = try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        let context = try NIOSSLContext(configuration: configuration)
        let local = NIOLoopBound(self, eventLoop: loop)
        return ServerBootstrap(group: loop, childGroup: loop)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 512)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try local.value.accept(channel, context) }
            }
            .bind(host: address, port: Int(port)).map { local.value.listener = $0 }
    }

    private func accept(_ channel: any Channel, _ context: NIOSSLContext) throws {
        let connection = MetaConnection(isAccepted: true, usesTLS: true, remote: channel.remoteAddress)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(TransportEnd())
        try pipeline.addHandler(
            HelloGuard(domain: domain) { [weak self] violation in
                connection.isRefused = true
                self?.onViolation(violation)
            })
        try pipeline.addHandler(NIOSSLServerHandler(context: context))
        add(connection)
        try pipeline.addHandler(connection)
    }

    // MARK: Connecting

    /// A connection to a business: the one that is open already, or a new one. The certificate is checked as Meta does
    /// (meta-calling §5.1) unless the target says otherwise.
    ///
    /// - Parameter source: own address for a new connection; nil: the simulator's.
    func connect(
        to target: Target, fresh: Bool = false, source: String? = nil,
        _ completion: @escaping (Result<MetaConnection, any Error>) -> Void
    ) {
        if !fresh, source == nil, let known = outbound[target], known.isOpen { return completion(.success(known)) }
        if fresh || source != nil { return open(target, source: source ?? address, completion) }
        waiting[target, default: []].append(completion)
        guard waiting[target]?.count == 1 else { return }
        open(target, source: address) { [weak self] result in
            guard let self else { return }
            if case .success(let connection) = result { self.outbound[target] = connection }
            for completion in self.waiting.removeValue(forKey: target) ?? [] { completion(result) }
        }
    }

    private func open(
        _ target: Target, source: String, _ completion: @escaping (Result<MetaConnection, any Error>) -> Void
    ) {
        let connection = MetaConnection(isAccepted: false, usesTLS: target.transport == .tls, remote: nil)
        var completion: ((Result<MetaConnection, any Error>) -> Void)? = completion
        let done: (Result<MetaConnection, any Error>) -> Void = { result in
            completion?(result)
            completion = nil
        }
        let tls: NIOSSLContext?
        let own: SocketAddress
        do {
            tls = target.transport == .tls ? try context(for: target) : nil
            own = try SocketAddress(ipAddress: source, port: 0)
        } catch {
            return done(.failure(error))
        }
        let name = target.serverName ?? target.host
        // SNI holds names only (RFC 6066 §3).
        let isName = (try? SocketAddress(ipAddress: name, port: 0)) == nil
        add(connection) { connection, event in
            switch event {
            case .ready:
                // NIOSSL takes a certificate for the address that was connected to as well; Meta asks for the name.
                let covers =
                    !target.verifiesCertificate || tls == nil || !isName || connection.peerCertificateCovers(name)
                guard covers else {
                    done(.failure(NotCovered(name: name)))
                    return connection.close()
                }
                done(.success(connection))
            case .closed(let error): done(.failure(error ?? ChannelError.eof))
            case .message, .malformed: break
            }
        }
        let local = NIOLoopBound(connection, eventLoop: loop)
        let bound = NIOLoopBound(done, eventLoop: loop)
        ClientBootstrap(group: loop).connectTimeout(.seconds(4)).bind(to: own)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(TransportEnd())
                    if let tls {
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: isName ? name : nil))
                    }
                    try pipeline.addHandler(local.value)
                }
            }
            .connect(host: target.host, port: Int(target.port))
            .whenFailure { bound.value(.failure($0)) }
    }

    private func context(for target: Target) throws -> NIOSSLContext {
        let trust = Trust(rootsFile: target.trustRootsFile, verifies: target.verifiesCertificate)
        if let known = contexts[trust] { return known }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let file = trust.rootsFile { configuration.trustRoots = .file(file) }
        if !trust.verifies { configuration.certificateVerification = .none }
        let context = try NIOSSLContext(configuration: configuration)
        contexts[trust] = context
        return context
    }

    /// The certificate is good but another's.
    struct NotCovered: Error {
        let name: String
    }

    // MARK: Connections

    private func add(
        _ connection: MetaConnection, also: @escaping (MetaConnection, MetaConnection.Event) -> Void = { _, _ in }
    ) {
        connections[ObjectIdentifier(connection)] = connection
        connection.onEvent = { [weak self] connection, event in
            also(connection, event)
            guard let self else { return }
            switch event {
            case .ready: break
            case .message(let message): self.received(message, connection)
            case .malformed(let problem): self.onMalformed(problem, connection)
            case .closed(let error):
                if connection.isAccepted, !connection.isReady, !connection.isRefused, let error,
                    (error as? ChannelError) != .eof
                {
                    self.onViolation(Violation(.tlsHandshake, "\(type(of: error))"))
                }
                self.connections[ObjectIdentifier(connection)] = nil
                self.outbound = self.outbound.filter { $0.value !== connection }
                self.onClosed(connection)
            }
        }
    }

    private func received(_ message: Message, _ connection: MetaConnection) {
        guard case .request(var request) = message else { return onMessage(message, connection) }
        request.stampTopVia(received: connection.remoteHost, port: connection.remotePort)
        onMessage(.request(request), connection)
    }

    /// Closes connections that businesses opened to us, as Meta does with idle ones (meta-calling §5.3).
    func closeAccepted() {
        for connection in connections.values where connection.isAccepted { connection.close() }
    }

    func shutdown() {
        listener?.close(promise: nil)
        for connection in connections.values { connection.close() }
    }
}
