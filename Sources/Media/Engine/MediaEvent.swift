/// What a session tells its owner, at most a few times a second. Delivered on the worker thread: hop, do not work there.
public enum MediaEvent: Hashable, Sendable {
    /// The first valid (with SRTP: authenticated) RTP packet of the leg has come.
    case firstPacket(LegID)
    /// The prompt's last loop is over and the leg went on to what `then:` said.
    case playFinished(LegID)
    /// All digits of ``MediaSession/sendDigits(_:_:duration:gap:)`` are on the wire.
    case digitsSent(LegID)
    /// A key pressed by the peer (RFC 4733), once per key press, when it ended.
    case digit(LegID, Character, duration: Duration)
    /// Nothing valid was received on a started leg for `since`; once until media comes again.
    case noMedia(LegID, since: Duration)
    /// `count` packets in a row did not authenticate: the keys are probably not the peer's. Once per leg.
    case authenticationFailing(LegID, count: Int)
    /// The peer's media ended, or the leg cannot go on. The call is signalling's to end.
    case ended(LegID, EndReason)

    public enum EndReason: Hashable, Sendable {
        /// RTCP BYE from the peer. Advice: on plain RTP anybody at the peer's address can forge one.
        case bye
        case failed(MediaError)
    }
}
