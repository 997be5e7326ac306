/// Facts about Opus packets that need no codec (RFC 6716 §3).
public enum OpusFrame {
    /// The RTP clock of Opus, whatever rate the codec runs at (RFC 7587 §4.1).
    public static let clockRate = 48_000
    /// Samples at 48 kHz in the 20 ms that Meta prescribes (meta-calling §11.2).
    public static let samples20ms = 960

    /// A 20 ms mono packet that decodes to silence, wherever in a stream it stands; made once, by the encoder.
    ///
    /// Copy it out at start: reading it is not free.
    public static let silence20ms: [UInt8] = makeSilence()

    /// Samples at 48 kHz that the packet holds; nil for octets that cannot be an Opus packet.
    ///
    /// Reads the TOC octet and the frame count (RFC 6716 §3.1 and §3.2), never more than two octets.
    public static func duration(of packet: Span<UInt8>) -> Int? {
        guard packet.count > 0 else { return nil }
        return duration(toc: packet[0], frameCount: packet.count > 1 ? packet[1] : nil)
    }

    /// As `duration(of:)` for a span.
    @inline(__always)
    public static func duration(of packet: UnsafeRawBufferPointer) -> Int? {
        guard packet.count > 0 else { return nil }
        return duration(toc: packet[0], frameCount: packet.count > 1 ? packet[1] : nil)
    }

    @inline(__always)
    private static func duration(toc: UInt8, frameCount: UInt8?) -> Int? {
        let frames: Int
        switch toc & 0b11 {
        case 0: frames = 1
        case 1, 2: frames = 2
        default:
            guard let frameCount else { return nil }
            frames = Int(frameCount & 0b11_1111)
        }
        let samples = frames * samplesPerFrame(configuration: toc >> 3)
        // [R5]: at least one frame, at most 120 ms.
        guard samples > 0, samples <= OpusDecoder.maximumFrame else { return nil }
        return samples
    }

    /// RFC 6716 §3.1, table 2.
    @inline(__always)
    private static func samplesPerFrame(configuration: UInt8) -> Int {
        switch configuration {
        case 0..<12:  // SILK: 10, 20, 40, 60 ms
            switch configuration & 0b11 {
            case 0: 480
            case 1: 960
            case 2: 1920
            default: 2880
            }
        case 12..<16: configuration & 1 == 0 ? 480 : 960  // hybrid: 10, 20 ms
        default: 120 << Int(configuration & 0b11)  // CELT: 2.5, 5, 10, 20 ms
        }
    }

    private static func makeSilence() -> [UInt8] {
        let frame = [Int16](repeating: 0, count: samples20ms)
        do {
            var encoder = try OpusEncoder()
            var packet: [UInt8] = []
            // The first frames carry the encoder's start; by half a second it has settled.
            for _ in 0..<25 { packet = try encoder.encode(frame.span) }
            return packet
        } catch {
            // CELT, full band, 20 ms, with only the silence flag set (RFC 6716 §4.3).
            return [0xF8, 0xFF, 0xFE]
        }
    }
}
