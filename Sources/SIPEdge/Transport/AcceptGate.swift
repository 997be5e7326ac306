import NIOCore

/// Decides about a connection when it is accepted, before TLS and before memory is spent on it.
///
/// A value without sockets: the listener asks it and tells it what became of each connection.
struct AcceptGate {
    enum Verdict: Hashable, Sendable {
        case admit
        /// Not Meta and no peer.
        case refuseSource
        /// Too many connections, or too many unfinished handshakes of this source.
        case refuseLimit
    }

    /// Ranges and single addresses that may connect.
    var allowed: [CIDR]
    let maximumHandshakesPerSource: Int

    private var places: SharedCapacity
    private var handshakes: [HostAddress: Int] = [:]

    init(allowed: [CIDR], maximumConnections: Int, maximumHandshakesPerSource: Int) {
        self.allowed = allowed
        places = SharedCapacity(total: maximumConnections)
        self.maximumHandshakesPerSource = maximumHandshakesPerSource
    }

    /// No source of this side gets another connection.
    func isFull(for side: TransportLayer.Side) -> Bool { places.isFull(for: side) }

    /// Counts the connection when it is admitted; `handshakeEnded` and `closed` must follow.
    mutating func admit(_ source: SocketAddress?, _ side: TransportLayer.Side) -> Verdict {
        guard let source, let host = HostAddress(source), allowed.contains(where: { $0.contains(source) }) else {
            return .refuseSource
        }
        guard handshakes[host.source, default: 0] < maximumHandshakesPerSource, places.take(side) else {
            return .refuseLimit
        }
        handshakes[host.source, default: 0] += 1
        return .admit
    }

    /// The handshake is over, well or badly.
    mutating func handshakeEnded(_ source: SocketAddress) {
        guard let host = HostAddress(source)?.source, let count = handshakes[host] else { return }
        handshakes[host] = count > 1 ? count - 1 : nil
    }

    mutating func closed(_ side: TransportLayer.Side) { places.give(side) }
}
