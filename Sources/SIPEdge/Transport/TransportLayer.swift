package import Logging
package import NIOCore
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
    let configuration: EdgeConfiguration
    let counters: EdgeCounters
    let logger: Logger
    var tls = TLSContexts()
    var serverTLS: NIOSSLContext?
    var gate: AcceptGate
    /// Addresses that are let in as peers, kept up to date by the peer directory.
    var peerSources = PeerSources()
    var connections: [UInt64: Connection] = [:]
    let buffered: SIPStreamHandler.Buffered
    let unsent: SIPStreamHandler.Buffered
    /// Accepted TLS connections in the order they came; those whose handshake is over are skipped when it is used.
    var handshakes: ArraySlice<UInt64> = []
    var outbound: [Target: UInt64] = [:]
    var opening: [Target: [(Result<Flow, any Error>) -> Void]] = [:]
    var lastConnection: UInt64 = 0
    var listeners: [Flow.Transport: any Channel] = [:]
    var udp: (any Channel)?
    private var hasUnflushedDatagrams = false
    var sweeper: Scheduled<Void>?

    /// A message that came in whole; the top Via of a request is stamped with its source already.
    package var onMessage: (Received) -> Void = { _ in }
    /// Something that is no good SIP message; `nil` flow where it cannot be answered.
    package var onMalformed: (MalformedMessage, Flow) -> Void = { _, _ in }
    package var onClosed: (Flow) -> Void = { _ in }
    /// Sees every message, when set.
    var onSighting: ((HEPExporter.Sighting) -> Void)?

    struct Connection {
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
        unsent = SIPStreamHandler.Buffered(limit: configuration.limits.bufferedOctets)
        gate = AcceptGate(
            allowed: configuration.trustedRanges, maximumConnections: configuration.limits.connections,
            maximumHandshakesPerSource: configuration.limits.handshakesPerAddress)
    }

    package func shutdown() {
        sweeper?.cancel()
        sweeper = nil
        for listener in listeners.values { listener.close(promise: nil) }
        udp?.flush()
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
    package func setPeerSources(_ sources: [CIDR]) {
        peerSources = PeerSources(sources, trusted: configuration.trustedRanges)
        gate.allowed = configuration.trustedRanges + sources
    }

    // MARK: Sending

    /// False when the flow is gone.
    @discardableResult
    package func send(_ octets: [UInt8], on flow: Flow) -> Bool {
        if flow.transport == .udp {
            guard let udp, udp.isActive else { return false }
            if onSighting != nil { sighted(octets, isSent: true, flow) }
            let remote = udp.localAddress?.protocol == .inet6 ? flow.remote.mapped : flow.remote
            let envelope = AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: octets))
            udp.write(envelope, promise: nil)
            flushDatagrams(udp)
            return true
        }
        guard let connection = connections[flow.connection], connection.handler.isOpen else { return false }
        if onSighting != nil { sighted(octets, isSent: true, flow) }
        connection.handler.send(octets)
        return true
    }

    /// The datagrams of one turn of the loop leave together.
    private func flushDatagrams(_ udp: any Channel) {
        guard !hasUnflushedDatagrams else { return }
        hasUnflushedDatagrams = true
        loop.assumeIsolated().execute {
            self.hasUnflushedDatagrams = false
            udp.flush()
        }
    }

    private func sighted(_ octets: [UInt8], isSent: Bool, _ flow: Flow) {
        let local = flow.transport == .udp ? udp?.localAddress : connections[flow.connection]?.handler.localAddress
        onSighting?(HEPExporter.Sighting(octets: octets, isSent: isSent, flow: flow, local: local))
    }

    /// For connections that come in from now on; those that are open keep theirs.
    func use(_ context: NIOSSLContext) { serverTLS = context }

    package func isOpen(_ flow: Flow) -> Bool {
        flow.transport == .udp || connections[flow.connection]?.handler.isOpen == true
    }

    /// A call counts on this connection: it is not closed for being idle until released as often.
    package func retain(_ flow: Flow) { connections[flow.connection]?.handler.users += 1 }
    package func release(_ flow: Flow) { connections[flow.connection]?.handler.users -= 1 }

    // MARK: Receiving

    /// Nil when the connection is gone.
    func side(of flow: Flow) -> Side? { flow.transport == .udp ? .peer : connections[flow.connection]?.side }

    func side(of source: SocketAddress?) -> Side { source.map(peerSources.contains) == true ? .peer : .meta }

    func received(_ message: Message, flow: Flow, side: Side) {
        if onSighting != nil { sighted(message.encoded(), isSent: false, flow) }
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

    func startSweeping() {
        sweeper = loop.assumeIsolated().scheduleTask(in: .seconds(1)) { [weak self] in
            guard let self else { return }
            let now = self.loop.now
            for connection in self.connections.values { connection.handler.sweep(now: now) }
            self.startSweeping()
        }
    }
}

extension SocketAddress {
    var isWildcard: Bool { ipAddress == "0.0.0.0" || ipAddress == "::" }

    var isLoopback: Bool { ipAddress.map { $0.hasPrefix("127.") || $0 == "::1" } ?? false }
}
