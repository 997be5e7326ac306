/// What one leg counted since it opened. Loss, jitter and order are of what the leg receives (RFC 3550 A.3, A.8).
public struct LegStatistics: Sendable, Hashable {
    /// Valid RTP (with SRTP: authenticated) and its payload octets, headers and padding not counted.
    public var packetsReceived: UInt64 = 0
    public var octetsReceived: UInt64 = 0
    public var packetsSent: UInt64 = 0
    public var octetsSent: UInt64 = 0
    /// Expected minus received; duplicates make it smaller, as in RFC 3550 A.3.
    public var lost: Int64 = 0
    public var duplicates: UInt64 = 0
    public var reordered: UInt64 = 0
    /// Interarrival jitter, milliseconds.
    public var jitter: Double = 0
    /// Packets from an address that is not the peer's; with SRTP only those that did not authenticate either.
    public var strangers: UInt64 = 0
    /// Packets from the peer's address that did not authenticate.
    public var unauthenticated: UInt64 = 0
    /// Neither RTP nor RTCP, truncated, or too long.
    public var malformed: UInt64 = 0
    /// Refused by the replay window (RFC 3711 §3.3.2).
    public var replayed: UInt64 = 0
    /// Valid packets of a payload type that nobody agreed on, or that the other leg has no name for.
    public var unknownPayload: UInt64 = 0
    /// Packets of the source that came too late or twice to be sent on.
    public var late: UInt64 = 0
    /// Packets that the kernel or SRTP did not let us send.
    public var sendFailures: UInt64 = 0
    /// Silence frames sent to keep the wire busy.
    public var silenceSent: UInt64 = 0
    public var rtcpReceived: UInt64 = 0
    public var rtcpSent: UInt64 = 0
    /// From the peer's last report about us (RFC 3550 §6.4.1).
    public var roundTrip: Duration?
    /// What the peer says it lost of ours, 0…1 of the last report's interval, and in all.
    public var remoteFractionLost: Double?
    public var remoteLost: Int64?
    /// Our first packet, counted from ``MediaSession/start(_:)``.
    public var firstPacketSentAfterStart: Duration?
    /// The peer's first packet, counted from the opening of the leg.
    public var firstPacketReceivedAfterOpen: Duration?
    /// The peer's SSRC, once known.
    public var remoteSSRC: UInt32?

    public init() {}
}

/// Sums over the engine since its start; at most a second old.
public struct EngineStatistics: Sendable, Hashable {
    public var sessions: Int = 0
    public var legs: Int = 0
    public var packetsReceived: UInt64 = 0
    public var packetsSent: UInt64 = 0
    public var octetsReceived: UInt64 = 0
    public var octetsSent: UInt64 = 0
    /// Packets that came in and were not used, by reason.
    public var strangers: UInt64 = 0
    public var unauthenticated: UInt64 = 0
    public var malformed: UInt64 = 0
    public var replayed: UInt64 = 0
    public var unknownPayload: UInt64 = 0
    public var late: UInt64 = 0
    public var sendFailures: UInt64 = 0
    public var silenceSent: UInt64 = 0
    /// CPU time of the worker threads.
    public var workerCPU: Duration = .zero
    /// Even ports: usable now, in use, resting after a call, held by other programs.
    public var portsFree: Int = 0
    public var portsUsed: Int = 0
    public var portsResting: Int = 0
    public var portsSquatted: Int = 0

    public init() {}

    mutating func add(_ leg: LegStatistics) {
        packetsReceived &+= leg.packetsReceived
        packetsSent &+= leg.packetsSent
        octetsReceived &+= leg.octetsReceived
        octetsSent &+= leg.octetsSent
        strangers &+= leg.strangers
        unauthenticated &+= leg.unauthenticated
        malformed &+= leg.malformed
        replayed &+= leg.replayed
        unknownPayload &+= leg.unknownPayload
        late &+= leg.late
        sendFailures &+= leg.sendFailures
        silenceSent &+= leg.silenceSent
    }

    mutating func merge(_ other: EngineStatistics) {
        sessions += other.sessions
        legs += other.legs
        packetsReceived &+= other.packetsReceived
        packetsSent &+= other.packetsSent
        octetsReceived &+= other.octetsReceived
        octetsSent &+= other.octetsSent
        strangers &+= other.strangers
        unauthenticated &+= other.unauthenticated
        malformed &+= other.malformed
        replayed &+= other.replayed
        unknownPayload &+= other.unknownPayload
        late &+= other.late
        sendFailures &+= other.sendFailures
        silenceSent &+= other.silenceSent
        workerCPU += other.workerCPU
    }
}
