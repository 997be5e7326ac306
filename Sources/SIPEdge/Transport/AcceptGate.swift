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
    let maximumConnections: Int
    let maximumHandshakesPerSource: Int

    private var open = 0
    private var handshakes: [String: Int] = [:]

    init(allowed: [CIDR], maximumConnections: Int, maximumHandshakesPerSource: Int) {
        self.allowed = allowed
        self.maximumConnections = maximumConnections
        self.maximumHandshakesPerSource = maximumHandshakesPerSource
    }

    /// No source gets another connection.
    var isFull: Bool { open >= maximumConnections }

    /// Counts the connection when it is admitted; `handshakeEnded` and `closed` must follow.
    mutating func admit(_ source: SocketAddress?) -> Verdict {
        guard let source, allowed.contains(where: { $0.contains(source) }) else { return .refuseSource }
        let key = AcceptGate.key(source)
        guard open < maximumConnections, handshakes[key, default: 0] < maximumHandshakesPerSource else {
            return .refuseLimit
        }
        open += 1
        handshakes[key, default: 0] += 1
        return .admit
    }

    /// The handshake is over, well or badly.
    mutating func handshakeEnded(_ source: SocketAddress) {
        let key = AcceptGate.key(source)
        guard let count = handshakes[key] else { return }
        handshakes[key] = count > 1 ? count - 1 : nil
    }

    mutating func closed() {
        open = max(open - 1, 0)
    }

    /// One IPv4 address, or one /64 of IPv6, where one host has as many addresses as it likes.
    private static func key(_ source: SocketAddress) -> String {
        let text = source.ipAddress ?? ""
        guard let octets = CIDR.octets(of: text), octets.count == 16 else { return text }
        return octets.prefix(8).map { String($0, radix: 16) }.joined(separator: ".")
    }
}
