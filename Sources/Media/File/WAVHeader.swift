/// Where the sound lies in a WAV file, and how it is coded.
struct WAVHeader {
    struct Format: Hashable {
        var encoding: WAVReader.Encoding
        var channels: Int
        var sampleRate: Int
        /// Octets of one sample of all channels.
        var frameSize: Int
    }

    let format: Format
    /// Offset of the first frame.
    let dataStart: Int
    /// Whole frames present in the file.
    let frames: Int
    let note: WAVReader.Note?

    /// A file of nothing but tiny chunks is not worth the walk.
    private static let maximumChunks = 1_024
    /// The 32-bit length that says "look elsewhere": in RF64 the `ds64` chunk, else the end of the file.
    private static let unknownLength = 0xFFFF_FFFF

    init(_ source: WAVSource) throws(WAVError) {
        let start = try source.read(at: 0, count: 12)
        let is64 = try WAVHeader.checkStart(start)
        let riffLength = Int(start.littleEndian32(at: 4))

        var format: Format?
        var longLength: Int?
        var offset = 12
        for _ in 0..<WAVHeader.maximumChunks {
            let head = try source.read(at: offset, count: 8)
            guard head.count == 8 else {
                throw .missingChunk(format == nil ? "fmt " : "data")
            }
            var length = Int(head.littleEndian32(at: 4))
            let body = offset + 8
            switch Array(head[0..<4]) {
            case Array("ds64".utf8) where is64:
                let chunk = try source.read(at: body, count: 16)
                guard chunk.count == 16 else { throw .truncatedHeader(needed: body + 16, have: source.size) }
                longLength = Int(clamping: chunk.littleEndian64(at: 8))
            case Array("fmt ".utf8):
                let chunk = try source.read(at: body, count: min(length, 40))
                guard chunk.count == min(length, 40) else {
                    throw .truncatedHeader(needed: body + min(length, 40), have: source.size)
                }
                format = try Format(chunk)
            case Array("data".utf8):
                guard let format else { throw .missingChunk("fmt ") }
                let present = source.size - body
                var note: WAVReader.Note?
                if length == WAVHeader.unknownLength, is64, let longLength {
                    length = longLength
                } else if length == WAVHeader.unknownLength
                    || (length == 0 && (riffLength == 0 || riffLength == 0xFFFF_FFFF))
                {
                    // A program that streams, or that was killed before it could go back to the header.
                    length = present
                    note = .unknownLength
                }
                if length > present { note = .truncated(promised: length, present: present) }
                self.format = format
                dataStart = body
                frames = min(length, present) / format.frameSize
                self.note = note
                return
            default:
                break
            }
            // Chunks begin at even offsets.
            let (next, overflow) = body.addingReportingOverflow(length + length & 1)
            guard !overflow else { throw .missingChunk("data") }
            offset = next
        }
        throw .missingChunk(format == nil ? "fmt " : "data")
    }

    /// Whether lengths may be 64 bits long.
    private static func checkStart(_ start: [UInt8]) throws(WAVError) -> Bool {
        guard !start.isEmpty else { throw .notWAV(found: "an empty file") }
        let name = Array(start.prefix(4))
        let is64 = name == Array("RF64".utf8) || name == Array("BW64".utf8)
        guard is64 || name == Array("RIFF".utf8) else { throw .notWAV(found: look(start)) }
        guard start.count == 12 else { throw .truncatedHeader(needed: 12, have: start.count) }
        guard start[8..<12] == ArraySlice("WAVE".utf8) else { throw .notWAV(found: "another kind of RIFF file") }
        return is64
    }

    /// Names what people mistake for WAV.
    private static func look(_ start: [UInt8]) -> String {
        let kinds: [(prefix: [UInt8], name: String)] = [
            (Array("OggS".utf8), "an Ogg file"), (Array("fLaC".utf8), "a FLAC file"),
            (Array("ID3".utf8), "an MP3 file"), ([0xFF, 0xFB], "an MP3 file"), ([0xFF, 0xF3], "an MP3 file"),
            (Array("RIFX".utf8), "a WAV file in the old big-endian form"), (Array("FORM".utf8), "an AIFF file"),
            (Array("#!AMR".utf8), "an AMR file"), (Array("caff".utf8), "a Core Audio file"),
            (Array(".snd".utf8), "an AU file"), ([0x1F, 0x8B], "compressed by gzip"),
            (Array("PK".utf8), "a ZIP archive"),
            (Array("<".utf8), "a web page or XML"),
        ]
        if start.count >= 8, start[4..<8] == ArraySlice("ftyp".utf8) { return "an MP4 or M4A file" }
        for kind in kinds where start.starts(with: kind.prefix) { return kind.name }
        return "something unknown, perhaps samples without a header"
    }
}

extension WAVHeader.Format {
    private static let pcm: UInt16 = 1
    private static let float: UInt16 = 3
    private static let extensible: UInt16 = 0xFFFE
    /// What follows the format's number in the GUID of an extensible format.
    private static let guidTail: [UInt8] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]

    /// - Parameter chunk: The `fmt ` chunk's first 40 octets or fewer.
    init(_ chunk: [UInt8]) throws(WAVError) {
        guard chunk.count >= 16 else { throw .malformedFormat("it is \(chunk.count) octets long instead of 16") }
        var tag = chunk.littleEndian16(at: 0)
        let channels = Int(chunk.littleEndian16(at: 2))
        let rate = Int(chunk.littleEndian32(at: 4))
        let frameSize = Int(chunk.littleEndian16(at: 12))
        let bits = Int(chunk.littleEndian16(at: 14))
        if tag == Self.extensible {
            guard chunk.count >= 40 else { throw .malformedFormat("the extensible part is missing") }
            guard chunk[26..<40] == ArraySlice(Self.guidTail) else {
                throw .unsupportedEncoding("an unknown extension")
            }
            tag = chunk.littleEndian16(at: 24)
        }
        switch (tag, bits) {
        case (Self.pcm, 8), (Self.pcm, 16), (Self.pcm, 24), (Self.pcm, 32): encoding = .pcm(bits: bits)
        case (Self.float, 32): encoding = .float32
        default: throw .unsupportedEncoding(Self.name(tag, bits))
        }
        guard (1...2).contains(channels) else { throw .unsupportedChannels(channels) }
        guard Resampler.rates.contains(rate) else { throw .unsupportedRate(rate) }
        guard frameSize == channels * bits / 8 else {
            throw .malformedFormat("\(frameSize) octets a frame for \(channels) channels of \(bits) bits")
        }
        self.channels = channels
        sampleRate = rate
        self.frameSize = frameSize
    }

    private static func name(_ tag: UInt16, _ bits: Int) -> String {
        switch tag {
        case pcm: "PCM of \(bits) bits"
        case float: "\(bits)-bit floating point"
        case 2: "Microsoft ADPCM"
        case 6: "G.711 A-law"
        case 7: "G.711 µ-law"
        case 0x11: "IMA ADPCM"
        case 0x31: "GSM 06.10"
        case 0x50, 0x55: "MPEG audio"
        default: "format \(tag)"
        }
    }

    /// One frame as one sample; the frame lies whole within `octets`.
    func mono(_ octets: Span<UInt8>, at offset: Int) -> Int16 {
        let first = sample(octets, at: offset)
        guard channels == 2 else { return Int16(clamping: first) }
        return Int16(clamping: (first + sample(octets, at: offset + frameSize / 2)) >> 1)
    }

    private func sample(_ octets: Span<UInt8>, at offset: Int) -> Int {
        switch encoding {
        case .pcm(bits: 8):
            return (Int(octets[offset]) - 128) << 8
        case .pcm(bits: 16):
            return Int(Int16(truncatingIfNeeded: word(octets, at: offset, count: 2)))
        case .pcm(bits: 24):
            return (Int(Int32(bitPattern: word(octets, at: offset, count: 3) << 8)) + 0x8000) >> 16
        case .pcm:
            return (Int(Int32(bitPattern: word(octets, at: offset, count: 4))) + 0x8000) >> 16
        case .float32:
            let value = Float(bitPattern: word(octets, at: offset, count: 4)) * 32_768
            return value.isNaN ? 0 : Int(min(max(value, -32_768), 32_767).rounded())
        }
    }

    private func word(_ octets: Span<UInt8>, at offset: Int, count: Int) -> UInt32 {
        var word: UInt32 = 0
        for index in 0..<count { word |= UInt32(octets[offset + index]) << UInt32(index * 8) }
        return word
    }
}

extension [UInt8] {
    fileprivate func littleEndian16(at offset: Int) -> UInt16 {
        UInt16(self[offset]) | UInt16(self[offset + 1]) << 8
    }

    fileprivate func littleEndian32(at offset: Int) -> UInt32 {
        UInt32(littleEndian16(at: offset)) | UInt32(littleEndian16(at: offset + 2)) << 16
    }

    fileprivate func littleEndian64(at offset: Int) -> UInt64 {
        UInt64(littleEndian32(at: offset)) | UInt64(littleEndian32(at: offset + 4)) << 32
    }
}
