/// The base values of SIP's timers (RFC 3261 §17.1.1.1), from which all others follow.
public struct Timing: Hashable, Sendable {
    /// Estimate of the round trip; first interval of retransmissions.
    public var t1: Duration
    /// Longest interval between retransmissions of anything but an INVITE.
    public var t2: Duration
    /// Longest time a message stays in the network.
    public var t4: Duration

    public init(
        t1: Duration = .milliseconds(500), t2: Duration = .seconds(4), t4: Duration = .seconds(5)
    ) {
        self.t1 = t1
        self.t2 = t2
        self.t4 = t4
    }

    /// 64·T1, 32 s: timers B, F, H, J, L, M, the wait for an ACK to a 2xx, and the wait for the end of a cancelled INVITE.
    public var timeout: Duration { t1 * 64 }
    /// Timer D: at least 32 s on an unreliable transport.
    var responseLinger: Duration { max(timeout, .seconds(32)) }
}
