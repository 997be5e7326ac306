import Logging
import NIOCore
import SIPCore

/// One peer of the routing table while it is in use: where it is now, whether it is up, what it is given.
///
/// Runs on the signalling loop.
final class PeerEntry {
    /// An address that did not take a call or an OPTIONS comes last for this long.
    private static let avoidance = TimeAmount.seconds(30)
    /// Addresses of one peer tried for one call.
    private static let mostAddresses = 4

    let peer: Peer
    private let driver: TransactionDriver
    private let configuration: EdgeConfiguration
    private let resolver: PeerResolver
    private let monitor: PeerMonitor
    let seats: PeerSeats
    private var avoided: [SocketAddress: NIODeadline] = [:]
    /// The peer's addresses have changed.
    var onChange: () -> Void = {}
    /// It is up or down now, or what it was is not known any more.
    var onStatus: () -> Void = {}

    /// - Parameter seats: of the entry that this one takes the place of: calls in progress go on counting.
    init(
        peer: Peer, seats: PeerSeats, family: NIOBSDSocket.ProtocolFamily?, driver: TransactionDriver, ids: IDSource,
        configuration: EdgeConfiguration, logger: Logger
    ) {
        self.peer = peer
        self.driver = driver
        self.configuration = configuration
        self.seats = seats
        seats.setLimits(of: peer)
        resolver = PeerResolver(peer: peer, family: family, loop: driver.loop, logger: logger)
        monitor = PeerMonitor(peer: peer, driver: driver, ids: ids, logger: logger)
        resolver.onChange = { [weak self] in self?.moved() }
        monitor.onChange = { [weak self] in self?.onStatus() }
        monitor.trunk = { [weak self] attempt in self?.trunk(attempt: attempt) }
    }

    func start() {
        resolver.start()
        // A name is asked for its state when it has an address.
        if !addresses.all.isEmpty { monitor.start() }
    }

    func stop() {
        resolver.stop()
        monitor.stop()
        onChange = {}
        onStatus = {}
    }

    private func moved() {
        let known = Set(addresses.all)
        avoided = avoided.filter { known.contains($0.key) }
        monitor.start()
        onChange()
    }

    // MARK: Where it is

    var addresses: PeerAddresses { resolver.addresses }

    func maySend(from source: SocketAddress) -> Bool {
        let host = HostAddress(source)
        return peer.sources.contains { $0.contains(source) } || addresses.all.contains { HostAddress($0) == host }
    }

    /// The ways to the peer for one call, in the order to be tried; empty while it has no address.
    func trunks() -> [PeerTrunk] {
        let now = driver.loop.now
        let order = addresses.order(random: .random(in: .min ... .max))
        let good = order.filter { avoided[$0].map { $0 < now } ?? true }
        let all = good + order.filter { !good.contains($0) }
        return all.prefix(Self.mostAddresses).map { trunk(at: $0) }
    }

    /// The way back to where a call of the peer came from: a connection of its own port is no way to it.
    func trunk(back flow: Flow) -> PeerTrunk {
        let trunks = trunks()
        let known = trunks.first { $0.remote.ipAddress == flow.remote.ipAddress } ?? trunks.first
        return trunk(at: known?.remote ?? flow.remote, by: flow.transport)
    }

    private func trunk(attempt: Int) -> PeerTrunk? {
        let addresses = addresses.all
        guard !addresses.isEmpty else { return nil }
        return trunk(at: addresses[Int(UInt(bitPattern: attempt) % UInt(addresses.count))])
    }

    /// - Parameter flow: the transport that the peer has chosen, when that is not the configured one.
    private func trunk(at remote: SocketAddress, by flow: Flow.Transport? = nil) -> PeerTrunk {
        var peer = peer
        switch flow {
        case .udp: peer.transport = .udp
        case .tcp: peer.transport = .tcp
        case .tls: peer.transport = .tls
        case nil: break
        }
        let transport = driver.transport
        let own = configuration.peerAddress
        let wildcard = (try? SocketAddress(ipAddress: own, port: 0))?.isWildcard ?? true
        return PeerTrunk(
            peer: peer, remote: remote, localAddress: wildcard ? LocalAddress.towards(remote) ?? own : own,
            localPort: peer.transport == .tls ? transport.tlsPort : transport.peerPort)
    }

    // MARK: How it is

    func member(weight: Int) -> PeerSelection.Member {
        PeerSelection.Member(
            name: peer.name, weight: weight, state: monitor.state, hasRoom: seats.hasRoom(now: driver.now))
    }

    /// Nil at its limits.
    func seat() -> PeerSeat? { seats.take(now: driver.now) }

    /// A call was moved on from this address. Of several, one that asks to be left alone does not speak for the others.
    func failed(at address: SocketAddress, retryAfter: Duration?) {
        let isOneOfMany = addresses.all.count > 1
        if isOneOfMany {
            let time = retryAfter.map { TimeAmount(min($0, Qualify.longestHold)) } ?? Self.avoidance
            avoided[address] = driver.loop.now + max(time, Self.avoidance)
        }
        monitor.handle(.callFailed(retryAfter: isOneOfMany ? nil : retryAfter))
    }

    func reached(at address: SocketAddress) {
        avoided[address] = nil
        monitor.handle(.callReached)
    }

    var status: PeerStatus {
        PeerStatus(
            name: peer.name, transport: peer.transport, isQualified: peer.qualifyInterval != nil,
            state: PeerStatus.State(monitor.state),
            age: .nanoseconds((driver.loop.now - monitor.since).nanoseconds), calls: seats.taken,
            addresses: addresses.all.map(\.hostAndPort), roundTrip: monitor.roundTrip)
    }
}
