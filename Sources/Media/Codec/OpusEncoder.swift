import COpus

/// Encodes speech into Opus packets (RFC 6716), one packet per call; owns one libopus encoder.
///
/// Not thread-safe and not `Sendable`: make it where it is used.
public struct OpusEncoder: ~Copyable {
    /// Defaults are what WhatsApp's SDP asks for: 16 kHz playback, 20 kbit/s, in-band FEC, mono (meta-calling §11.1).
    public struct Settings: Hashable, Sendable {
        /// Of the samples handed in, per second: 8000, 12000, 16000, 24000 or 48000.
        public var sampleRate: Int32 = 48_000
        /// 1, or 2 with interleaved samples.
        public var channels: Int32 = 1
        /// Bits per second, 500…512000.
        public var bitRate: Int32 = 20_000
        /// The receiver's `maxplaybackrate` (RFC 7587 §6.1): no band above half of it is coded.
        public var maximumPlaybackRate: Int32 = 16_000
        /// Carry a coarse copy of each frame in the packet after it (RFC 6716 §2.1.7).
        public var inBandFEC = true
        /// 0…100. libopus adds FEC only where loss is expected and bits are left; above 5 it makes room by giving up the
        /// upper half of the voice's band, which at 20 kbit/s is always so (libopus 1.3.1), hence not by default.
        public var expectedLossPercent: Int32 = 5
        /// 0…10, CPU against quality.
        public var complexity: Int32 = 9
        /// Send nothing while the input is silent. Off: Meta wants continuous RTP (meta-calling §11.7).
        public var discontinuous = false

        public init() {}

        /// RFC 6716 §2, table 1: the widest band that fits under half the playback rate.
        fileprivate var maximumBandwidth: Int32 {
            switch maximumPlaybackRate {
            case ..<12_000: OPUS_BANDWIDTH_NARROWBAND
            case ..<16_000: OPUS_BANDWIDTH_MEDIUMBAND
            case ..<24_000: OPUS_BANDWIDTH_WIDEBAND
            case ..<48_000: OPUS_BANDWIDTH_SUPERWIDEBAND
            default: OPUS_BANDWIDTH_FULLBAND
            }
        }
    }

    /// Octets enough for any one-frame packet (RFC 6716 §3.2.1).
    public static let maximumPacketSize = 1276

    public let settings: Settings
    /// Samples per channel by which decoded audio trails the input.
    public let lookahead: Int
    private let state: OpaquePointer

    /// Throws `OpusError.badArgument` for settings libopus does not take.
    public init(_ settings: Settings = Settings()) throws(OpusError) {
        let made = try OpusEncoder.make(settings)
        self.settings = settings
        state = made.state
        lookahead = made.lookahead
    }

    deinit {
        opus_encoder_destroy(state)
    }

    private static func make(_ settings: Settings) throws(OpusError) -> (state: OpaquePointer, lookahead: Int) {
        var code: Int32 = 0
        guard let state = opus_encoder_create(settings.sampleRate, settings.channels, OPUS_APPLICATION_VOIP, &code)
        else { throw OpusError(code: code) }
        do throws(OpusError) {
            return (state, try configure(state, settings))
        } catch {
            opus_encoder_destroy(state)
            throw error
        }
    }

    private static func configure(_ state: OpaquePointer, _ settings: Settings) throws(OpusError) -> Int {
        var lookahead: opus_int32 = 0
        try OpusError.check(ibis_opus_encoder_set_bitrate(state, settings.bitRate))
        try OpusError.check(ibis_opus_encoder_set_max_bandwidth(state, settings.maximumBandwidth))
        try OpusError.check(ibis_opus_encoder_set_inband_fec(state, settings.inBandFEC ? 1 : 0))
        try OpusError.check(ibis_opus_encoder_set_packet_loss_percent(state, settings.expectedLossPercent))
        try OpusError.check(ibis_opus_encoder_set_complexity(state, settings.complexity))
        try OpusError.check(ibis_opus_encoder_set_dtx(state, settings.discontinuous ? 1 : 0))
        try OpusError.check(ibis_opus_encoder_get_lookahead(state, &lookahead))
        return Int(lookahead)
    }

    /// Encodes one frame into `packet` and returns the octets written.
    ///
    /// - Parameters:
    ///   - pcm: 2.5, 5, 10, 20, 40 or 60 ms at the encoder's rate, channels interleaved; anything else is `badArgument`.
    ///   - packet: `maximumPacketSize` octets are always enough.
    public mutating func encode(_ pcm: Span<Int16>, into packet: inout MutableSpan<UInt8>) throws(OpusError) -> Int {
        let state = state
        let frame = Int32(clamping: pcm.count / Int(settings.channels))
        let written = packet.withUnsafeMutableBufferPointer { packet in
            pcm.withUnsafeBufferPointer { pcm in
                guard let input = pcm.baseAddress, let output = packet.baseAddress else { return OPUS_BAD_ARG }
                return opus_encode(state, input, frame, output, Int32(clamping: packet.count))
            }
        }
        try OpusError.check(written)
        return Int(written)
    }

    /// Encodes one frame into a new array; for work off the packet path.
    public mutating func encode(_ pcm: Span<Int16>) throws(OpusError) -> [UInt8] {
        var packet = [UInt8](repeating: 0, count: OpusEncoder.maximumPacketSize)
        var span = packet.mutableSpan
        let count = try encode(pcm, into: &span)
        packet.removeLast(packet.count - count)
        return packet
    }
}
