import Glibc

/// Writes mono 16-bit samples into a WAV file as they come; owns the open file.
///
/// Until `finish()` the header says "length unknown", so what a killed process leaves behind can still be read to its end.
/// Blocks while it writes, so it stays off event loops and media workers.
public struct WAVWriter: ~Copyable {
    private static let headerSize = 44
    private static let maximumOctets = Int(UInt32.max) - headerSize
    private static let bufferSize = 65_536

    public let sampleRate: Int
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var dataOctets = 0
    private var isFinished = false

    /// Makes the file, or empties the one that is there.
    ///
    /// - Parameter permissions: Of a file that is made: the owner's alone by default, as voices are personal.
    public init(path: String, sampleRate: Int, permissions: UInt32 = 0o600) throws(WAVError) {
        guard Resampler.rates.contains(sampleRate) else { throw .unsupportedRate(sampleRate) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(permissions))
        guard descriptor >= 0 else { throw .cannotOpen(path: path, errno: errno) }
        self.descriptor = descriptor
        self.sampleRate = sampleRate
        buffer = WAVWriter.header(sampleRate: sampleRate, dataOctets: nil)
    }

    /// Enters the length as far as that works; call `finish()` to hear of failures.
    deinit {
        if !isFinished {
            do throws(WAVError) {
                try WAVWriter.write(buffer, to: descriptor)
                try WAVWriter.patch(descriptor, sampleRate, dataOctets)
            } catch {
                // The file stays readable with the header it has.
            }
        }
        close(descriptor)
    }

    public mutating func append(_ samples: Span<Int16>) throws(WAVError) {
        guard dataOctets + samples.count * 2 <= WAVWriter.maximumOctets else {
            let limit = WAVWriter.maximumOctets / 2 / sampleRate
            throw .tooLong(seconds: limit + 1, limit: limit)
        }
        for index in samples.indices { buffer.append(littleEndian: UInt16(bitPattern: samples[index])) }
        dataOctets += samples.count * 2
        if buffer.count >= WAVWriter.bufferSize { try flush() }
    }

    /// Writes what is left and enters the length into the header. Samples may follow, with another `finish()` after them.
    public mutating func finish() throws(WAVError) {
        try flush()
        try WAVWriter.patch(descriptor, sampleRate, dataOctets)
        isFinished = true
    }

    /// Writes a whole file.
    public static func write(
        _ samples: [Int16], sampleRate: Int, to path: String, permissions: UInt32 = 0o600
    ) throws(WAVError) {
        var writer = try WAVWriter(path: path, sampleRate: sampleRate, permissions: permissions)
        try writer.append(samples.span)
        try writer.finish()
    }

    /// A whole file in memory.
    public static func octets(_ samples: [Int16], sampleRate: Int) -> [UInt8] {
        var octets = header(sampleRate: sampleRate, dataOctets: samples.count * 2)
        octets.reserveCapacity(headerSize + samples.count * 2)
        for sample in samples { octets.append(littleEndian: UInt16(bitPattern: sample)) }
        return octets
    }

    private mutating func flush() throws(WAVError) {
        isFinished = false
        try WAVWriter.write(buffer, to: descriptor)
        buffer.removeAll(keepingCapacity: true)
    }

    private static func write(_ octets: [UInt8], to descriptor: Int32) throws(WAVError) {
        var failure: Int32 = 0
        octets.withUnsafeBytes { octets in
            var done = 0
            while done < octets.count, let base = octets.baseAddress {
                let written = Glibc.write(descriptor, base + done, octets.count - done)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else {
                    failure = errno
                    return
                }
                done += written
            }
        }
        guard failure == 0 else { throw .cannotWrite(errno: failure) }
    }

    private static func patch(_ descriptor: Int32, _ sampleRate: Int, _ dataOctets: Int) throws(WAVError) {
        let header = header(sampleRate: sampleRate, dataOctets: dataOctets)
        let written = header.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard written == header.count else { throw .cannotWrite(errno: written < 0 ? errno : ENOSPC) }
    }

    /// - Parameter dataOctets: Nil for "unknown yet".
    private static func header(sampleRate: Int, dataOctets: Int?) -> [UInt8] {
        var header = Array("RIFF".utf8)
        header.append(littleEndian: dataOctets.map { UInt32(clamping: $0 + headerSize - 8) } ?? .max)
        header += Array("WAVEfmt ".utf8)
        header.append(littleEndian: UInt32(16))
        header.append(littleEndian: UInt16(1))  // PCM
        header.append(littleEndian: UInt16(1))  // channel
        header.append(littleEndian: UInt32(clamping: sampleRate))
        header.append(littleEndian: UInt32(clamping: sampleRate * 2))
        header.append(littleEndian: UInt16(2))
        header.append(littleEndian: UInt16(16))
        header += Array("data".utf8)
        header.append(littleEndian: dataOctets.map { UInt32(clamping: $0) } ?? .max)
        return header
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: some FixedWidthInteger) {
        for shift in stride(from: 0, to: value.bitWidth, by: 8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}
