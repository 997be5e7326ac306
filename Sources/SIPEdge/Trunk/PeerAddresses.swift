import NIOCore

/// Where one peer can be reached, as its host name was looked up last (RFC 3263 §4.2).
struct PeerAddresses: Hashable, Sendable {
    /// One host of the peer: an SRV record's target, or the peer's own name.
    struct Host: Hashable, Sendable {
        var name: String
        /// The lowest is tried first.
        var priority: UInt16
        /// Its share of the calls among hosts of one priority.
        var weight: UInt16
        /// In the resolver's order (RFC 6724), each with its port.
        var addresses: [SocketAddress]
    }

    var hosts: [Host] = []
    /// They come from SRV records.
    var areServices = false

    init(hosts: [Host] = [], areServices: Bool = false) {
        self.hosts = hosts
        self.areServices = areServices
    }

    init(_ name: String, _ addresses: [SocketAddress]) {
        self.init(hosts: [Host(name: name, priority: 0, weight: 0, addresses: addresses)])
    }

    var all: [SocketAddress] { hosts.flatMap(\.addresses) }

    /// The order in which they are tried, each once; hosts of one priority are drawn by weight (RFC 2782).
    ///
    /// - Parameter random: fresh for each call.
    func order(random: UInt64) -> [SocketAddress] {
        let groups = Dictionary(grouping: hosts, by: \.priority).sorted { $0.key < $1.key }
        var order: [SocketAddress] = []
        for group in groups {
            let drawn = WeightedOrder.sorted(group.value, seed: random, name: \.name) { Int($0.weight) }
            for address in drawn.flatMap(\.addresses) where !order.contains(address) { order.append(address) }
        }
        return order
    }
}
