/// The order in which the peers of a route are tried for one call.
enum PeerSelection {
    struct Member: Hashable, Sendable {
        var name: String
        /// Share of the calls where the route spreads them by weight or caller; at least 1.
        var weight: Int
        var state: Qualify.State
        /// False at its limit of calls or of calls per second.
        var hasRoom: Bool
    }

    /// Peers without room are left out. So are those that are down, unless nothing else is left: trying one that may be
    /// back costs less than refusing the call.
    ///
    /// - Parameters:
    ///   - caller: number or user id; calls of one caller stay together with `.hash`.
    ///   - random: fresh for each call, for `.weight`.
    /// - Returns: Names, the first to be tried first; empty when every peer is at its limit.
    static func order(_ members: [Member], by spread: Spread, caller: String, random: UInt64) -> [String] {
        let ranked =
            switch spread {
            case .order: members
            case .weight: WeightedOrder.sorted(members, seed: random, name: \.name, weight: \.weight)
            case .hash:
                WeightedOrder.sorted(
                    members, seed: WeightedOrder.mixed(WeightedOrder.hash(caller)), name: \.name, weight: \.weight)
            }
        let free = ranked.filter(\.hasRoom)
        let usable = free.filter { $0.state != .down }
        return (usable.isEmpty ? free : usable).map(\.name)
    }
}
