import Logging
import NIOCore
import SIPCore

/// The peers of the routing table: where they are, whether they are up, and which of them a call goes to or comes from.
///
/// Runs on the signalling loop.
final class PeerDirectory {
    private let driver: TransactionDriver
    private let ids: IDSource
    private let configuration: EdgeConfiguration
    private let family: NIOBSDSocket.ProtocolFamily?
    private let logger: Logger
    private var entries: [String: PeerEntry] = [:]
    private var identification: PeerIdentification
    /// Called with all sources that are let in as peers.
    var onChange: ([CIDR]) -> Void = { _ in }
    /// Called when a peer's addresses or state have changed.
    var onStatus: () -> Void = {}

    init(driver: TransactionDriver, ids: IDSource, configuration: EdgeConfiguration, logger: Logger) {
        self.driver = driver
        self.ids = ids
        self.configuration = configuration
        self.logger = logger
        // Addresses of another family cannot be reached from the peers' socket; the wildcard of IPv6 has both.
        let own = try? SocketAddress(ipAddress: configuration.peerAddress, port: 0)
        family = configuration.peerAddress == "::" ? nil : own?.protocol
        identification = PeerIdentification(realm: configuration.hostname)
    }

    subscript(name: String) -> PeerEntry? { entries[name] }

    /// The first by name that is meant.
    func first(where isMeant: (PeerEntry) -> Bool) -> PeerEntry? {
        entries.values.filter(isMeant).min { $0.peer.name < $1.peer.name }
    }

    /// By name.
    var status: [PeerStatus] { entries.values.map(\.status).sorted { $0.name < $1.name } }

    func replace(_ peers: [String: Peer]) {
        for (name, entry) in entries where peers[name] != entry.peer { entry.stop() }
        var started: [PeerEntry] = []
        entries = peers.mapValues { peer in
            let old = entries[peer.name]
            if let old, old.peer == peer { return old }
            // A peer that moved to another host is not reached, and not let in, by its old addresses.
            let entry = PeerEntry(
                peer: peer, seats: old?.seats ?? PeerSeats(), family: family, driver: driver, ids: ids,
                configuration: configuration, logger: logger)
            entry.onChange = { [weak self] in self?.announce() }
            entry.onStatus = { [weak self] in self?.onStatus() }
            started.append(entry)
            return entry
        }
        for entry in started { entry.start() }
        announce()
    }

    func stop() {
        for entry in entries.values { entry.stop() }
        entries = [:]
    }

    private func announce() {
        onChange(
            entries.values.flatMap { entry in
                entry.peer.sources + entry.addresses.all.compactMap { $0.ipAddress.flatMap(CIDR.init) }
            })
        onStatus()
    }

    // MARK: Calls to peers

    /// In the order to be tried; empty when each is at its limits.
    func order(_ members: [Route.Member], by spread: Spread, caller: String) -> [PeerEntry] {
        let known = members.compactMap { member in
            entries[member.name]?.member(weight: member.weight)
        }
        return PeerSelection.order(known, by: spread, caller: caller, random: .random(in: .min ... .max))
            .compactMap { entries[$0] }
    }

    // MARK: Calls from peers

    /// Whether one peer may send from both.
    func areSame(_ one: SocketAddress, _ other: SocketAddress) -> Bool {
        entries.values.contains { $0.maySend(from: one) && $0.maySend(from: other) }
    }

    /// Which peer an INVITE comes from. Asked once for each INVITE, before anything is spent on it.
    func identify(_ request: Request, from flow: Flow) -> PeerIdentification.Verdict {
        let candidates = entries.values.filter { $0.maySend(from: flow.remote) }
        return identification.identify(
            request, candidates: candidates.map(\.peer).sorted { $0.name < $1.name }, now: driver.now)
    }
}
