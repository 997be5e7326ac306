import COpus

/// Decodes Opus packets (RFC 6716) and invents sound for lost ones; owns one libopus decoder.
///
/// Not thread-safe and not `Sendable`: make it where it is used.
public struct OpusDecoder: ~Copyable {
    /// Samples per channel in the longest packet, 120 ms at 48 kHz (RFC 6716 §3.2.5).
    public static let maximumFrame = 5760

    /// Samples per second and channel handed out.
    public let sampleRate: Int
    public let channels: Int
    private let state: OpaquePointer

    /// - Parameters:
    ///   - sampleRate: 8000, 12000, 16000, 24000 or 48000, whatever the sender coded at.
    ///   - channels: 1, or 2 for interleaved output, whatever the sender coded.
    public init(sampleRate: Int32 = 48_000, channels: Int32 = 1) throws(OpusError) {
        var code: Int32 = 0
        guard let state = opus_decoder_create(sampleRate, channels, &code) else { throw OpusError(code: code) }
        self.state = state
        self.sampleRate = Int(sampleRate)
        self.channels = Int(channels)
    }

    deinit {
        opus_decoder_destroy(state)
    }

    /// Decodes one packet and returns the samples per channel written.
    ///
    /// Throws `invalidPacket` for octets that are no Opus packet and `bufferTooSmall` where `pcm` is shorter than the
    /// packet's audio; the decoder stays usable.
    public mutating func decode(_ packet: Span<UInt8>, into pcm: inout MutableSpan<Int16>) throws(OpusError) -> Int {
        // libopus takes an empty packet as "lost"; on the wire it is a mistake of the sender.
        guard !packet.isEmpty else { throw .invalidPacket }
        guard pcm.count >= channels else { throw .bufferTooSmall }
        return try run(packet, capacity: pcm.count / channels, correcting: false, into: &pcm)
    }

    /// Writes `samples` per channel in place of a lost packet, from what was heard before; they fade as loss goes on.
    ///
    /// - Parameter samples: A multiple of 2.5 ms, and no more than `pcm` holds.
    public mutating func conceal(samples: Int, into pcm: inout MutableSpan<Int16>) throws(OpusError) -> Int {
        guard samples > 0, samples <= pcm.count / channels else { throw .bufferTooSmall }
        return try run(Span<UInt8>(), capacity: samples, correcting: false, into: &pcm)
    }

    /// Writes the `samples` per channel that came before `packet` and were lost, from the copy that in-band FEC put into
    /// `packet` (RFC 6716 §2.1.7), or by concealment where it carries none. Decode `packet` itself afterwards.
    public mutating func recover(
        samples: Int, before packet: Span<UInt8>, into pcm: inout MutableSpan<Int16>
    ) throws(OpusError) -> Int {
        guard !packet.isEmpty else { throw .invalidPacket }
        guard samples > 0, samples <= pcm.count / channels else { throw .bufferTooSmall }
        return try run(packet, capacity: samples, correcting: true, into: &pcm)
    }

    /// Forgets all earlier packets, as if newly made.
    public mutating func reset() {
        _ = ibis_opus_decoder_reset(state)
    }

    private mutating func run(
        _ packet: Span<UInt8>, capacity: Int, correcting: Bool, into pcm: inout MutableSpan<Int16>
    ) throws(OpusError) -> Int {
        let state = state
        let decoded = pcm.withUnsafeMutableBufferPointer { pcm in
            packet.withUnsafeBufferPointer { packet in
                guard let output = pcm.baseAddress else { return OPUS_BUFFER_TOO_SMALL }
                return opus_decode(
                    state, packet.baseAddress, Int32(clamping: packet.count), output, Int32(clamping: capacity),
                    correcting ? 1 : 0)
            }
        }
        try OpusError.check(decoded)
        return Int(decoded)
    }
}
