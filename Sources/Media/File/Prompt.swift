/// Sound to play into a call, encoded once into 20 ms Opus packets (design decision 6).
///
/// Immutable and shared by all calls that play it. Making one reads files and runs the encoder, so it is done at start or
/// on upload, never on a media worker or an event loop.
public final class Prompt: @unchecked Sendable {
    /// Longer sound is refused, in seconds.
    public static let maximumSeconds = 1_800

    /// Packets of 20 ms each.
    public let frameCount: Int
    /// Octets of the largest packet.
    public let largestFrame: Int

    // Both are written in `init` and freed in `deinit` only; frame `i` is octets `offsets[i]..<offsets[i + 1]`.
    private let octets: UnsafeMutableRawPointer
    private let offsets: UnsafeMutablePointer<UInt32>

    /// - Parameters:
    ///   - pcm: Mono samples, at most `maximumSeconds` of them.
    ///   - sampleRate: Samples per second, within `Resampler.rates`.
    public convenience init(pcm: [Int16], sampleRate: Int) throws(PromptError) {
        guard let resampler = Resampler(from: sampleRate, to: OpusFrame.clockRate) else {
            throw PromptError(
                code: .unsupportedRate, message: "a prompt at \(sampleRate) samples a second cannot be played",
                remedy: "convert it to 48000")
        }
        guard !pcm.isEmpty else {
            throw PromptError(code: .empty, message: "the prompt holds no sound", remedy: "record it again")
        }
        guard pcm.count <= Prompt.maximumSeconds * sampleRate else {
            throw PromptError(
                code: .tooLong, message: "the prompt lasts \(pcm.count / sampleRate) s",
                remedy: "shorten it to \(Prompt.maximumSeconds) s or less")
        }
        self.init(frames: try Prompt.encode(resampler.resample(pcm)))
    }

    /// - Parameter frames: Opus packets of 20 ms.
    init(frames packets: [[UInt8]]) {
        frameCount = packets.count
        largestFrame = packets.reduce(0) { max($0, $1.count) }
        octets = .allocate(byteCount: packets.reduce(0) { $0 + $1.count }, alignment: 1)
        offsets = .allocate(capacity: packets.count + 1)
        var offset = 0
        for (index, packet) in packets.enumerated() {
            (offsets + index).initialize(to: UInt32(offset))
            packet.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(start: octets + offset, count: source.count).copyMemory(from: source)
            }
            offset += packet.count
        }
        (offsets + packets.count).initialize(to: UInt32(offset))
    }

    /// Reads a WAV file, whatever its rate and shape, as `WAVReader` does; blocks meanwhile.
    public static func load(wav path: String) throws(PromptError) -> Prompt {
        let file: WAVReader
        do {
            file = try WAVReader(path: path, limits: WAVReader.Limits(seconds: maximumSeconds))
        } catch {
            throw PromptError(
                code: .badFile, message: "the prompt \(path) cannot be used: \(error.message)", remedy: error.remedy,
                cause: error)
        }
        return try Prompt(pcm: file.samples, sampleRate: file.sampleRate)
    }

    deinit {
        octets.deallocate()
        offsets.deallocate()
    }

    public var durationMilliseconds: Int { frameCount * 20 }

    /// Lends frame `index`, below `frameCount`: one Opus packet, valid inside `body` only.
    @inline(__always)
    public func withFrame<R>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        precondition(index >= 0 && index < frameCount, "no such frame in the prompt")
        let start = Int(offsets[index])
        return body(UnsafeRawBufferPointer(start: octets + start, count: Int(offsets[index + 1]) - start))
    }

    private static func encode(_ pcm: [Int16]) throws(PromptError) -> [[UInt8]] {
        do throws(OpusError) {
            var encoder = try OpusEncoder()
            let frame = OpusFrame.samples20ms
            // What is still inside the encoder after the last sample is pushed out by silence.
            let count = (pcm.count + encoder.lookahead + frame - 1) / frame
            let padded = pcm + [Int16](repeating: 0, count: count * frame - pcm.count)
            var packets: [[UInt8]] = []
            packets.reserveCapacity(count)
            for index in 0..<count {
                packets.append(try encoder.encode(padded.span.extracting(index * frame..<(index + 1) * frame)))
            }
            return packets
        } catch {
            throw PromptError(
                code: .encoder, message: "the prompt could not be encoded", remedy: "check the installed libopus",
                cause: error)
        }
    }
}
