import Logging
import NIOCore
import NIOPosix

/// The peers of the routing table and the addresses they have now, looked up again in time.
///
/// Runs on the signalling loop.
final class PeerDirectory {
    private static let refreshInterval = TimeAmount.seconds(60)

    private let family: NIOBSDSocket.ProtocolFamily?
    private let loop: any EventLoop
    private let logger: Logger
    private var peers: [String: Peer] = [:]
    private var addresses: [String: [SocketAddress]] = [:]
    private var refresh: Scheduled<Void>?
    /// Called with all addresses that are let in as peers.
    var onChange: (Set<String>) -> Void = { _ in }

    /// - Parameter family: the one that the peers' socket has; addresses of another cannot be reached from it.
    init(family: NIOBSDSocket.ProtocolFamily?, loop: any EventLoop, logger: Logger) {
        self.family = family
        self.loop = loop
        self.logger = logger
    }

    subscript(name: String) -> Peer? { peers[name] }

    /// First known address of the peer.
    func address(of name: String) -> SocketAddress? { addresses[name]?.first }

    /// The peer that sends from this address.
    func name(at host: String) -> String? {
        addresses.first { $0.value.contains { $0.ipAddress == host } }?.key
    }

    func replace(_ peers: [String: Peer]) {
        // A peer that moved to another host is not reached, and not let in, by its old addresses.
        let before = self.peers
        addresses = addresses.filter { peers[$0.key] != nil && peers[$0.key]?.host == before[$0.key]?.host }
        self.peers = peers
        lookUp()
    }

    func stop() {
        refresh?.cancel()
        refresh = nil
        peers = [:]
    }

    private func lookUp() {
        refresh?.cancel()
        var names: [(peer: String, host: String, port: Int)] = []
        for peer in peers.values {
            if let literal = try? SocketAddress(ipAddress: peer.host, port: Int(peer.port)) {
                addresses[peer.name] = [literal]
            } else {
                names.append((peer.name, peer.host, Int(peer.port)))
            }
        }
        announce()
        guard !names.isEmpty else { return }
        let wanted = names
        let family = self.family
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            wanted.map { ($0.peer, $0.host, HostLookup.addresses(of: $0.host, port: $0.port, family: family)) }
        }.assumeIsolated().whenSuccess { [weak self] found in
            guard let self else { return }
            for (name, host, addresses) in found where self.peers[name]?.host == host {
                if !addresses.isEmpty {
                    self.addresses[name] = addresses
                } else {
                    self.logger.warning("peer's host name has no address", metadata: ["peer": "\(name)"])
                }
            }
            self.announce()
        }
        refresh = loop.assumeIsolated().scheduleTask(in: Self.refreshInterval) { [weak self] in self?.lookUp() }
    }

    private func announce() {
        onChange(Set(addresses.values.joined().compactMap(\.ipAddress)))
    }
}
