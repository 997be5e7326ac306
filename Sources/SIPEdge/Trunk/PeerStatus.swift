/// One peer as the console shows it.
public struct PeerStatus: Sendable, Hashable {
    public enum State: String, Sendable, Hashable { case unknown, up, down }

    public var name: String
    public var transport: Peer.Transport
    /// OPTIONS are sent; otherwise the state stays unknown.
    public var isQualified: Bool
    public var state: State
    /// How long it has been so.
    public var age: Duration
    /// At this moment, both ways.
    public var calls: Int
    /// `192.0.2.10:5060`; empty while its name has none.
    public var addresses: [String]
    /// From the last OPTIONS to its answer.
    public var roundTrip: Duration?
}

extension PeerStatus.State {
    init(_ state: Qualify.State) {
        switch state {
        case .unknown: self = .unknown
        case .up: self = .up
        case .down: self = .down
        }
    }
}
