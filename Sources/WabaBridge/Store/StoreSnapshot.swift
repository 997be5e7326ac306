/// Everything that decides where calls go, read in one transaction.
public struct StoreSnapshot: Sendable, Hashable {
    /// By number.
    public var numbers: [NumberRecord]
    /// By name.
    public var peers: [PeerRecord]

    /// Whether reading it all takes the key.
    public var hasSecrets: Bool {
        numbers.contains { $0.password != nil } || peers.contains { $0.password != nil }
    }

    public init(numbers: [NumberRecord] = [], peers: [PeerRecord] = []) {
        self.numbers = numbers
        self.peers = peers
    }
}
