/// Where calls to each business number go: a value, replaced as a whole when the store changes.
public struct RoutingTable: Sendable, Hashable {
    /// Business numbers in E.164 with `+`, as they stand in Meta's Request-URI.
    public var numbers: [String: Route]
    /// PBX peers by the name that routes refer to.
    public var peers: [String: Peer]
    /// What else is known of a number; nothing for most.
    public var trunks: [String: TrunkNumber]

    public init(
        numbers: [String: Route] = [:], peers: [String: Peer] = [:], trunks: [String: TrunkNumber] = [:]
    ) {
        self.numbers = numbers
        self.peers = peers
        self.trunks = trunks
    }
}

/// What happens with a call to one business number.
public enum Route: Sendable, Hashable {
    /// Relayed to one of these peers. `extension` replaces the dialled number towards the PBX when given.
    case peers([Member], Spread, extension: String?)
    /// Ended here.
    case application(Application)

    /// One peer among those of a route.
    public struct Member: Sendable, Hashable {
        public var name: String
        /// Its share of the calls, where they are spread by weight or by caller; at least 1.
        public var weight: Int

        public init(_ name: String, weight: Int = 1) {
            self.name = name
            self.weight = weight
        }
    }

    public enum Application: String, Sendable, Hashable, CaseIterable {
        /// Plays the greeting, then lets the caller hear himself.
        case echo
    }

    /// To a single peer.
    public static func peer(_ name: String, extension dialled: String?) -> Route {
        .peers([Member(name)], .order, extension: dialled)
    }
}
