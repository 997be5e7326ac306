/// The two sides of a call's media.
public enum LegID: String, Sendable, Hashable, CaseIterable {
    case a, b

    public var other: LegID { self == .a ? .b : .a }
}

/// What a leg does when its prompt is over.
public enum AfterPlay: Sendable, Hashable {
    case silence, echo, bridge
}

/// What signalling agreed for one leg.
public struct LegParameters: Sendable, Hashable {
    /// Where RTP is sent, and (plain RTP) the only host it is accepted from.
    public var remote: MediaAddress
    /// 0…127, both directions.
    public var audioPayloadType: UInt8
    /// Payload type of `telephone-event/8000` (RFC 4733); nil: neither read nor sent.
    public var eventPayloadType: UInt8?
    /// RTP timestamp ticks per second; Opus 48,000 (RFC 7587 §4.1).
    public var clockRate: UInt32
    /// nil: plain RTP.
    public var srtp: SRTPKeys?
    /// The one SSRC we send with, for the leg's whole life. Later calls of `connect` cannot change it.
    public var ssrc: UInt32
    /// RTCP SDES CNAME (RFC 7022), at most 255 octets of UTF-8.
    public var cname: String
    /// RTCP on the RTP port (RFC 5761); else on the port above it, here and at the peer.
    public var rtcpMux: Bool
    /// Plain RTP: send to another port of the same host once the first packet came from there. SRTP: follow the source
    /// of packets that authenticate.
    public var symmetric: Bool
    /// Fill gaps of the source with paced silence, so that the wire is never quiet for more than 200 ms.
    public var keepAlive: Bool
    /// Until its source has spoken for the first time, the leg is sent one frame of silence every 160 ms instead of a paced
    /// stream: enough for a PBX to learn where we send from. Not for Meta, who wants the stream (meta-calling §11.7).
    public var waitsForSource: Bool

    public init(
        remote: MediaAddress, audioPayloadType: UInt8, eventPayloadType: UInt8? = nil, clockRate: UInt32 = 48_000,
        srtp: SRTPKeys? = nil, ssrc: UInt32, cname: String, rtcpMux: Bool = true, symmetric: Bool = true,
        keepAlive: Bool = true, waitsForSource: Bool = false
    ) {
        self.remote = remote
        self.audioPayloadType = audioPayloadType
        self.eventPayloadType = eventPayloadType
        self.clockRate = clockRate
        self.srtp = srtp
        self.ssrc = ssrc
        self.cname = cname
        self.rtcpMux = rtcpMux
        self.symmetric = symmetric
        self.keepAlive = keepAlive
        self.waitsForSource = waitsForSource
    }
}
