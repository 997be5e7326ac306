import NIOCore
import NIOPosix
import NIOSSL

/// Connections that we open.
extension TransportLayer {
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

    func resolve(_ target: Target, _ completion: @escaping (Result<SocketAddress, any Error>) -> Void) {
        if let address = try? SocketAddress(ipAddress: target.host, port: Int(target.port)) {
            return completion(.success(address))
        }
        let host = target.host
        let port = Int(target.port)
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try SocketAddress.makeAddressResolvingHost(host, port: port)
        }.assumeIsolated().whenComplete(completion)
    }

    func connect(_ target: Target) {
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

    func prepare(_ channel: any Channel, number: UInt64, target: Target) throws {
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

    func opened(_ target: Target, _ result: Result<Flow, any Error>) {
        if case .success(let flow) = result { outbound[target] = flow.connection }
        for completion in opening.removeValue(forKey: target) ?? [] { completion(result) }
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

extension Target {
    /// Whether this is Meta's side of the trunk, so that the public address is used to reach it.
    func trustsMeta(_ meta: MetaTrunkConfiguration) -> Bool {
        transport == .tls && serverName == meta.domain
    }
}
