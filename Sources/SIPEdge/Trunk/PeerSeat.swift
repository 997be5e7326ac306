import SIPCore

/// The places that one peer has for calls; they outlive a change of the peer's record.
///
/// Lives on the signalling loop.
final class PeerSeats {
    private var load = PeerLoad()

    var taken: Int { load.calls }

    func setLimits(of peer: Peer) {
        load.setLimits(maximumCalls: peer.maximumCalls, callsPerSecond: peer.maximumCallsPerSecond)
    }

    func hasRoom(now: Instant) -> Bool { load.hasRoom(now: now) }

    /// Nil at the limit of calls or of calls per second.
    func take(now: Instant) -> PeerSeat? { load.begin(now: now) ? PeerSeat { self.load.end() } : nil }
}

/// A call's place among those that one peer may have at once. Given back once, by `leave` or with its last reference.
final class PeerSeat {
    private var onLeave: (() -> Void)?

    init(onLeave: @escaping () -> Void) { self.onLeave = onLeave }

    deinit { onLeave?() }

    func leave() {
        onLeave?()
        onLeave = nil
    }
}
