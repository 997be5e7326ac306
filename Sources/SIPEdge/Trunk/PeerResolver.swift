import Logging
import NIOCore
import NIOPosix

/// Keeps the addresses of one peer's host up to date, off the loop: looked up again when the records' time is over,
/// kept when the resolver fails.
///
/// Runs on the signalling loop.
final class PeerResolver {
    /// A record's time to live is taken at its word between these.
    private static let shortest = Duration.seconds(5)
    private static let longest = Duration.seconds(600)
    /// After a look-up that found nothing.
    private static let retry = TimeAmount.seconds(10)

    private let peer: Peer
    private let family: NIOBSDSocket.ProtocolFamily?
    private let loop: any EventLoop
    private let logger: Logger
    private var next: Scheduled<Void>?
    private var stopped = false
    private var failing = false
    private(set) var addresses = PeerAddresses()
    /// The addresses have changed.
    var onChange: () -> Void = {}

    init(peer: Peer, family: NIOBSDSocket.ProtocolFamily?, loop: any EventLoop, logger: Logger) {
        self.peer = peer
        self.family = family
        self.loop = loop
        self.logger = logger
        let port = peer.port ?? peer.transport.usualPort
        if let literal = try? SocketAddress(ipAddress: peer.host, port: Int(port)) {
            addresses = PeerAddresses(peer.host, [literal])
        }
    }

    /// A literal is known already.
    func start() {
        if addresses.hosts.isEmpty { lookUp() }
    }

    func stop() {
        stopped = true
        next?.cancel()
        onChange = {}
    }

    private func lookUp() {
        let (peer, family, known) = (peer, family, addresses)
        HostLookup.pool.runIfActive(eventLoop: loop) {
            HostLookup.find(
                peer.host, port: peer.port, transport: peer.transport, family: family, known: known)
        }.assumeIsolated().whenSuccess { [weak self] in self?.found($0) }
    }

    private func found(_ found: HostLookup.Found?) {
        guard !stopped else { return }
        guard let found else {
            if !failing {
                logger.warning(
                    addresses.hosts.isEmpty
                        ? "peer's host name has no address" : "peer's host name is not answered, its addresses stay",
                    metadata: ["peer": "\(peer.name)"])
            }
            failing = true
            return again(in: Self.retry)
        }
        failing = false
        again(in: TimeAmount(min(max(found.timeToLive, Self.shortest), Self.longest)))
        guard found.addresses != addresses else { return }
        let known = Set(addresses.all)
        addresses = found.addresses
        if Set(addresses.all) != known {
            logger.notice(
                "peer's addresses",
                metadata: [
                    "peer": "\(peer.name)", "addresses": "\(addresses.all.map(\.hostAndPort).joined(separator: " "))",
                ])
        }
        onChange()
    }

    private func again(in delay: TimeAmount) {
        next = loop.assumeIsolated().scheduleTask(in: delay) { [weak self] in self?.lookUp() }
    }
}

extension SocketAddress {
    /// `192.0.2.10:5060`, `[2001:db8::1]:5060`.
    var hostAndPort: String {
        let host = ipAddress ?? "?"
        return host.contains(":") ? "[\(host)]:\(port ?? 0)" : "\(host):\(port ?? 0)"
    }
}
