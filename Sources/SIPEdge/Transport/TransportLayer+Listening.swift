package import NIOCore
import NIOPosix
import NIOSSL
import SIPCore

/// Listening sockets, and what becomes of the connections that come in by them.
extension TransportLayer {
    /// Reads the certificate and binds all listeners.
    package func bind() throws(EdgeError) -> EventLoopFuture<Void> {
        serverTLS = try TLSContexts.server(
            certificateFile: configuration.certificateFile, privateKeyFile: configuration.privateKeyFile)
        let local = NIOLoopBound(self, eventLoop: loop)
        return listen(.tls, on: configuration.tlsAddress, configuration.tlsPort, key: "sip.tlsPort")
            .flatMap { local.value.bindPeers() }
    }

    func listen(
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

    func accept(_ channel: any Channel, transport: Flow.Transport) -> EventLoopFuture<Void> {
        let source = channel.remoteAddress
        let side = side(of: source)
        let verdict: AcceptGate.Verdict = transport == .tcp && side == .meta ? .refuseSource : admit(source, side)
        guard verdict == .admit, let source else {
            counters.count(verdict == .refuseLimit ? .connectionsRefusedLimit : .connectionsRefusedSource)
            return channel.close()
        }
        counters.count(.connectionsAccepted)
        lastConnection += 1
        let flow = Flow(transport: transport, connection: lastConnection, remote: source)
        return channel.eventLoop.makeCompletedFuture {
            do {
                if transport == .tls, let serverTLS {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: serverTLS))
                }
            } catch {
                gate.handshakeEnded(source)
                gate.closed(side)
                throw error
            }
            self.add(channel, flow: flow, side: side, target: nil, handshakeDone: transport == .tcp)
        }
    }

    /// When all places are taken, the handshake that has been going on for longest makes room: connections that only wait
    /// keep nobody out who means it.
    func admit(_ source: SocketAddress?, _ side: Side) -> AcceptGate.Verdict {
        let verdict = gate.admit(source, side)
        guard verdict == .refuseLimit, gate.isFull(for: side), endOldestHandshake() else { return verdict }
        return gate.admit(source, side)
    }

    func endOldestHandshake() -> Bool {
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
    func uncount(_ number: UInt64) {
        guard let connection = connections[number] else { return }
        handshakeEnded(connection.handler.flow)
        guard connection.isCounted else { return }
        connections[number]?.isCounted = false
        gate.closed(connection.side)
    }
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
