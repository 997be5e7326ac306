/// Who may speak in a dialog (RFC 3261 leaves it open): Meta by any connection from its ranges, since it comes back over
/// other connections and from other addresses; a PBX from the addresses of the same peer alone.
struct DialogSource {
    let transport: TransportLayer
    let peers: PeerDirectory

    func accepts(_ flow: Flow, _ origin: DialogTable.Origin) -> Bool {
        guard transport.side(of: flow) == origin.side else { return false }
        if origin.side == .meta || flow.isSameHost(as: origin.flow) { return true }
        return peers.areSame(flow.remote, origin.flow.remote)
    }
}
