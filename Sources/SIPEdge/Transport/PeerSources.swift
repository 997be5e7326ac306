import NIOCore

/// Which source addresses belong to a PBX peer, where the ranges of peers and of Meta may overlap.
///
/// The narrower range wins, a peer's at a tie: the one address of a PBX inside a trusted range is the PBX, and a peer that
/// may come from anywhere (`0.0.0.0/0`) takes nothing away from Meta.
struct PeerSources {
    /// Of single addresses, which are nearly all, network order.
    private let hosts: Set<[UInt8]>
    private let ranges: [CIDR]
    private let trusted: [CIDR]

    init(_ peers: [CIDR] = [], trusted: [CIDR] = []) {
        hosts = Set(peers.compactMap(\.host))
        ranges = peers.filter { $0.host == nil }
        self.trusted = trusted
    }

    func contains(_ source: SocketAddress) -> Bool {
        guard let octets = CIDR.octets(of: source) else { return false }
        if hosts.contains(octets) { return true }
        guard let peer = PeerSources.narrowest(ranges, octets) else { return false }
        guard let other = PeerSources.narrowest(trusted, octets) else { return true }
        return peer >= other
    }

    private static func narrowest(_ ranges: [CIDR], _ octets: [UInt8]) -> Int? {
        ranges.lazy.filter { $0.contains(octets: octets) }.map(\.prefixLength).max()
    }
}
