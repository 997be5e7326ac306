/// In which order the peers of a route are tried for a call.
public enum Spread: String, Sendable, Hashable, CaseIterable {
    /// As they stand in the route: the first one gets all calls, the others stand by.
    case order
    /// Drawn for each call, each peer as often as its weight says.
    case weight
    /// The same peer for the same caller, as long as it is there; shares by weight.
    case hash
}
