/// How a recorded stream arrived. Telephone events and other payload types share the sequence numbers, so they count for
/// loss, order and duplicates.
public struct RecordingStatistics: Hashable, Sendable {
    /// Of the decoded payload type, duplicates not counted.
    public internal(set) var packets = 0
    /// Of other payload types, duplicates not counted.
    public internal(set) var otherPackets = 0
    /// Sequence numbers between the first and the last that never came.
    public internal(set) var lost = 0
    public internal(set) var duplicates = 0
    /// Came after a later packet.
    public internal(set) var reordered = 0
    /// Far outside of the sequence, with nothing following on them (RFC 3550 A.1); ignored.
    public internal(set) var stray = 0
    /// Times the sequence began anew.
    public internal(set) var restarts = 0
    /// Times the media clock leapt in a way that the arrival times contradict.
    public internal(set) var timestampJumps = 0
    /// Packets that libopus refused.
    public internal(set) var undecodable = 0
    /// At the last packet (RFC 3550 A.8).
    public internal(set) var jitterMilliseconds = 0.0
    public internal(set) var maximumJitterMilliseconds = 0.0
    /// Samples at 48 kHz invented for lost packets.
    public internal(set) var concealedSamples = 0
    /// Samples at 48 kHz taken for lost packets from the ones after them (in-band FEC, or invented where they carry none).
    public internal(set) var recoveredSamples = 0
    /// Samples at 48 kHz for which nothing was sent (discontinuous transmission), or whose loss was too long to conceal.
    public internal(set) var silentSamples = 0
    /// Packets that the recording had no room for.
    public internal(set) var overflowed = 0
    /// The sound was cut at the decoder's limit.
    public internal(set) var isCut = false

    public init() {}

    /// 0…1, of the packets expected.
    public var lossShare: Double {
        let expected = packets + otherPackets + lost
        return expected > 0 ? Double(lost) / Double(expected) : 0
    }
}
