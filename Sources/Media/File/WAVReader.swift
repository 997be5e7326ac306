import Glibc

/// Reads a WAV file whole, as mono 16-bit samples at the file's own rate.
///
/// Takes RIFF, RF64 and BW64, `WAVE_FORMAT_EXTENSIBLE` included, with PCM of 8, 16, 24 or 32 bits or 32-bit float, one or
/// two channels (two are averaged). Blocks while it reads, so it stays off event loops and media workers.
public struct WAVReader: Sendable {
    public enum Encoding: Hashable, Sendable {
        case pcm(bits: Int)
        case float32
    }

    /// Something that was wrong with the file and that could be lived with.
    public enum Note: Hashable, Sendable {
        /// Fewer octets of sound than the header promises; what is there was read.
        case truncated(promised: Int, present: Int)
        /// The program that wrote the file never entered its length; it was read to its end.
        case unknownLength
    }

    /// Checked against the header before memory is reserved.
    public struct Limits: Hashable, Sendable {
        public var seconds = 1_800

        public init(seconds: Int = 1_800) {
            self.seconds = seconds
        }
    }

    /// Mono.
    public let samples: [Int16]
    /// Samples per second, within `Resampler.rates`.
    public let sampleRate: Int
    /// Of the file: 1 or 2.
    public let channels: Int
    public let encoding: Encoding
    public let note: Note?

    public var seconds: Double { Double(samples.count) / Double(sampleRate) }

    /// Reads a file of the file system.
    public init(path: String, limits: Limits = Limits()) throws(WAVError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotOpen(path: path, errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .cannotRead(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        let source = WAVSource.file(descriptor: descriptor, size: Int(status.st_size))
        try self.init(source, limits)
    }

    /// Reads a file that is in memory already, such as an upload.
    public init(parsing octets: [UInt8], limits: Limits = Limits()) throws(WAVError) {
        try self.init(.memory(octets), limits)
    }

    private init(_ source: WAVSource, _ limits: Limits) throws(WAVError) {
        let header = try WAVHeader(source)
        let format = header.format
        let seconds = header.frames / format.sampleRate
        guard header.frames <= limits.seconds.multipliedClamped(by: format.sampleRate) else {
            throw .tooLong(seconds: seconds, limit: limits.seconds)
        }
        samples = try WAVReader.convert(source, header)
        sampleRate = format.sampleRate
        channels = format.channels
        encoding = format.encoding
        note = header.note
    }

    private static func convert(_ source: WAVSource, _ header: WAVHeader) throws(WAVError) -> [Int16] {
        let format = header.format
        let framesPerBlock = 16_384
        var samples: [Int16] = []
        samples.reserveCapacity(header.frames)
        var done = 0
        while done < header.frames {
            let wanted = min(framesPerBlock, header.frames - done)
            let block = try source.read(
                at: header.dataStart + done * format.frameSize, count: wanted * format.frameSize)
            // Fewer only where the file shrinks under our hands.
            let frames = block.count / format.frameSize
            for frame in 0..<frames { samples.append(format.mono(block.span, at: frame * format.frameSize)) }
            guard frames == wanted else { break }
            done += frames
        }
        return samples
    }
}

extension Int {
    fileprivate func multipliedClamped(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}

/// Where the octets of a WAV file come from.
enum WAVSource {
    case memory([UInt8])
    /// The descriptor is borrowed.
    case file(descriptor: Int32, size: Int)

    var size: Int {
        switch self {
        case .memory(let octets): octets.count
        case .file(_, let size): size
        }
    }

    /// `count` octets from `offset`, fewer at the end of the file.
    func read(at offset: Int, count: Int) throws(WAVError) -> [UInt8] {
        guard offset >= 0, offset < size, count > 0 else { return [] }
        let count = min(count, size - offset)
        switch self {
        case .memory(let octets):
            return Array(octets[offset..<offset + count])
        case .file(let descriptor, _):
            var failure: Int32 = 0
            let octets = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                while filled < count, let base = buffer.baseAddress {
                    let got = pread(descriptor, base + filled, count - filled, off_t(offset + filled))
                    if got < 0 && errno == EINTR { continue }
                    guard got > 0 else {
                        failure = got < 0 ? errno : 0
                        break
                    }
                    filled += got
                }
            }
            guard failure == 0 else { throw .cannotRead(errno: failure) }
            return octets
        }
    }
}
