import Testing

@testable import Media

/// Builds WAV files chunk by chunk, right or wrong.
enum WAVBuilder {
    static func file(name: String = "RIFF", length: UInt32 = 0x1234, _ chunks: [UInt8]...) -> [UInt8] {
        Array(name.utf8) + le(length) + Array("WAVE".utf8) + chunks.flatMap { $0 }
    }

    static func chunk(_ name: String, _ body: [UInt8], length: UInt32? = nil, padded: Bool = true) -> [UInt8] {
        Array(name.utf8) + le(length ?? UInt32(body.count)) + body + (padded && body.count % 2 == 1 ? [0] : [])
    }

    static func format(
        _ tag: UInt16 = 1, channels: UInt16 = 1, rate: UInt32 = 8_000, bits: UInt16 = 16, frameSize: UInt16? = nil,
        tail: [UInt8] = []
    ) -> [UInt8] {
        let size = frameSize ?? channels * (bits / 8)
        return chunk(
            "fmt ", le(tag) + le(channels) + le(rate) + le(rate &* UInt32(size)) + le(size) + le(bits) + tail)
    }

    static func extensible(_ tag: UInt16, channels: UInt16 = 1, bits: UInt16, guidEnd: UInt8 = 0x71) -> [UInt8] {
        let guid: [UInt8] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, guidEnd]
        return format(
            0xFFFE, channels: channels, bits: bits, tail: le(UInt16(22)) + le(bits) + le(UInt32(4)) + le(tag) + guid)
    }

    static func data(_ body: [UInt8], length: UInt32? = nil) -> [UInt8] {
        chunk("data", body, length: length)
    }

    static func ds64(dataLength: UInt64) -> [UInt8] {
        chunk("ds64", le(dataLength &+ 100) + le(dataLength) + le(UInt64(0)) + le(UInt32(0)))
    }

    static func samples(_ samples: [Int16]) -> [UInt8] {
        samples.flatMap { le($0) }
    }

    static func floats(_ samples: [Float]) -> [UInt8] {
        samples.flatMap { le($0.bitPattern) }
    }

    static func le(_ value: some FixedWidthInteger) -> [UInt8] {
        stride(from: 0, to: value.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: value >> $0) }
    }
}

@Suite("WAV files")
struct WAVTests {
    typealias B = WAVBuilder

    struct Shape: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var octets: [UInt8]
        var samples: [Int16]
        var rate = 8_000
        var channels = 1
        var encoding = WAVReader.Encoding.pcm(bits: 16)
        var note: WAVReader.Note?

        init(
            _ name: String, _ octets: [UInt8], _ samples: [Int16], rate: Int = 8_000, channels: Int = 1,
            _ encoding: WAVReader.Encoding = .pcm(bits: 16), note: WAVReader.Note? = nil
        ) {
            testDescription = name
            self.octets = octets
            self.samples = samples
            self.rate = rate
            self.channels = channels
            self.encoding = encoding
            self.note = note
        }
    }

    static let three = B.samples([1, -2, 3])

    static let shapes: [Shape] = [
        Shape("PCM 16", B.file(B.format(), B.data(B.samples([0, 1, -1, .max, .min]))), [0, 1, -1, .max, .min]),
        Shape("PCM 16 at 44.1 kHz", B.file(B.format(rate: 44_100), B.data(three)), [1, -2, 3], rate: 44_100),
        Shape(
            "PCM 8", B.file(B.format(bits: 8), B.data([128, 129, 127, 255, 0])), [0, 256, -256, 32_512, .min],
            .pcm(bits: 8)),
        Shape(
            "PCM 24, rounded",
            B.file(
                B.format(bits: 24),
                B.data([0, 1, 0, 0x80, 0, 0, 0x7F, 0, 0, 0, 0, 0x80, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])),
            [1, 1, 0, .min, .max, 0], .pcm(bits: 24)),
        Shape(
            "PCM 32, rounded",
            B.file(B.format(bits: 32), B.data([Int32(0x1_0000), 0x7FFF, 0x8000, .min, .max, -0x1_0000].flatMap(B.le))),
            [1, 0, 1, .min, .max, -1], .pcm(bits: 32)),
        Shape(
            "float, clipped, not a number",
            B.file(B.format(3, bits: 32), B.data(B.floats([0, 0.5, -0.5, 1, -1, 7, -.infinity, .nan]))),
            [0, 16_384, -16_384, .max, .min, .max, .min, 0], .float32),
        Shape(
            "stereo is averaged",
            B.file(B.format(channels: 2), B.data(B.samples([10, 20, -32_768, -32_768, 32_767, 32_767]))),
            [15, .min, .max], channels: 2),
        Shape(
            "stereo of 24 bits",
            B.file(B.format(channels: 2, bits: 24), B.data([0, 4, 0, 0, 2, 0])), [3], channels: 2, .pcm(bits: 24)),
        Shape("extensible PCM 16", B.file(B.extensible(1, bits: 16), B.data(three)), [1, -2, 3]),
        Shape("extensible float", B.file(B.extensible(3, bits: 32), B.data(B.floats([0.25]))), [8_192], .float32),
        Shape(
            "extra octets in the format", B.file(B.format(tail: [0, 0]), B.data(three)), [1, -2, 3]),
        Shape(
            "other chunks before and after, odd ones padded",
            B.file(
                B.chunk("LIST", [1, 2, 3]), B.format(), B.chunk("fact", [1, 2, 3, 4, 5]), B.data(three),
                B.chunk("id3 ", [9])),
            [1, -2, 3]),
        Shape(
            "odd data of 8 bits, padded", B.file(B.format(bits: 8), B.data([128, 128, 129])), [0, 0, 256], .pcm(bits: 8)
        ),
        Shape("no sound", B.file(B.format(), B.data([])), []),
        Shape("a part of a frame at the end", B.file(B.format(), B.data(three + [7])), [1, -2, 3]),
        Shape(
            "truncated data", B.file(B.format(), B.data(three, length: 4_000)), [1, -2, 3],
            note: .truncated(promised: 4_000, present: 6)),
        Shape(
            "length never entered", B.file(length: .max, B.format(), B.data(three, length: .max)), [1, -2, 3],
            note: .unknownLength),
        Shape(
            "lengths of 0, left by a killed recorder", B.file(length: 0, B.format(), B.data(three, length: 0)),
            [1, -2, 3],
            note: .unknownLength),
        Shape(
            "RF64", B.file(name: "RF64", length: .max, B.ds64(dataLength: 4), B.format(), B.data(three, length: .max)),
            [1, -2]),
        Shape(
            "BW64, truncated",
            B.file(name: "BW64", length: .max, B.ds64(dataLength: 1 << 40), B.format(), B.data(three, length: .max)),
            [1, -2, 3],
            note: .truncated(promised: 1 << 40, present: 6)),
        Shape(
            "RF64 of absurd length",
            B.file(name: "RF64", length: .max, B.ds64(dataLength: .max), B.format(), B.data(three, length: .max)),
            [1, -2, 3],
            note: .truncated(promised: .max, present: 6)),
        Shape(
            "RF64 with a short length",
            B.file(name: "RF64", length: .max, B.ds64(dataLength: 99), B.format(), B.data(three)),
            [1, -2, 3]),
        Shape("RIFF length is ignored", B.file(length: 3, B.format(), B.data(three)), [1, -2, 3]),
    ]

    @Test("is read", arguments: shapes)
    func read(_ row: Shape) throws {
        let file = try WAVReader(parsing: row.octets)
        #expect(file.samples == row.samples)
        #expect(file.sampleRate == row.rate)
        #expect(file.channels == row.channels)
        #expect(file.encoding == row.encoding)
        #expect(file.note == row.note)

        let scratch = try ScratchDirectory()
        let same = try WAVReader(path: try scratch.file("shape.wav", row.octets))
        #expect(same.samples == row.samples)
        #expect(same.note == row.note)
    }

    struct Broken: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var octets: [UInt8]
        var error: WAVError

        init(_ name: String, _ octets: [UInt8], _ error: WAVError) {
            testDescription = name
            self.octets = octets
            self.error = error
        }
    }

    static let broken: [Broken] = [
        Broken("empty", [], .notWAV(found: "an empty file")),
        Broken("Ogg", Array("OggS\0\0".utf8), .notWAV(found: "an Ogg file")),
        Broken("MP3 with a tag", Array("ID3\u{3}".utf8), .notWAV(found: "an MP3 file")),
        Broken("MP3 frame", [0xFF, 0xFB, 0x90, 0], .notWAV(found: "an MP3 file")),
        Broken("FLAC", Array("fLaC".utf8), .notWAV(found: "a FLAC file")),
        Broken("M4A", [0, 0, 0, 0x20] + Array("ftypM4A ".utf8), .notWAV(found: "an MP4 or M4A file")),
        Broken("web page", Array("<!DOCTYPE html>".utf8), .notWAV(found: "a web page or XML")),
        Broken("big-endian", Array("RIFX".utf8), .notWAV(found: "a WAV file in the old big-endian form")),
        Broken("raw", [0, 0, 1, 0], .notWAV(found: "something unknown, perhaps samples without a header")),
        Broken(
            "AVI", Array("RIFF".utf8) + [0, 0, 0, 0] + Array("AVI ".utf8), .notWAV(found: "another kind of RIFF file")),
        Broken("cut in the first header", Array("RIFF\u{1}\u{2}".utf8), .truncatedHeader(needed: 12, have: 6)),
        Broken("nothing but the first header", B.file(), .missingChunk("fmt ")),
        Broken("no data", B.file(B.format()), .missingChunk("data")),
        Broken("data first", B.file(B.data(three), B.format()), .missingChunk("fmt ")),
        Broken("cut in a chunk's head", B.file(B.format()) + Array("dat".utf8), .missingChunk("data")),
        Broken("cut in the format", B.file(Array(B.format().prefix(20))), .truncatedHeader(needed: 36, have: 32)),
        Broken(
            "chunk longer than the file", B.file(B.chunk("LIST", [1], length: .max), B.format()), .missingChunk("fmt ")),
        Broken(
            "cut in ds64", B.file(name: "RF64", B.chunk("ds64", [1, 2], length: 28)),
            .truncatedHeader(needed: 36, have: 22)),
        Broken(
            "short format", B.file(B.chunk("fmt ", [1, 0, 1, 0])), .malformedFormat("it is 4 octets long instead of 16")
        ),
        Broken(
            "extensible without its part", B.file(B.format(0xFFFE), B.data(three)),
            .malformedFormat("the extensible part is missing")),
        Broken(
            "extensible, unknown", B.file(B.extensible(1, bits: 16, guidEnd: 0), B.data(three)),
            .unsupportedEncoding("an unknown extension")),
        Broken(
            "wrong frame size", B.file(B.format(frameSize: 3), B.data(three)),
            .malformedFormat("3 octets a frame for 1 channels of 16 bits")),
        Broken(
            "frame size 0", B.file(B.format(frameSize: 0), B.data(three)),
            .malformedFormat("0 octets a frame for 1 channels of 16 bits")),
        Broken("A-law", B.file(B.format(6, bits: 8), B.data([1])), .unsupportedEncoding("G.711 A-law")),
        Broken("µ-law", B.file(B.format(7, bits: 8), B.data([1])), .unsupportedEncoding("G.711 µ-law")),
        Broken("GSM", B.file(B.format(0x31, bits: 0), B.data([1])), .unsupportedEncoding("GSM 06.10")),
        Broken("unknown code", B.file(B.format(0x7777), B.data([1])), .unsupportedEncoding("format 30583")),
        Broken("PCM 12", B.file(B.format(bits: 12), B.data([1])), .unsupportedEncoding("PCM of 12 bits")),
        Broken("double", B.file(B.format(3, bits: 64), B.data([1])), .unsupportedEncoding("64-bit floating point")),
        Broken("no channel", B.file(B.format(channels: 0), B.data(three)), .unsupportedChannels(0)),
        Broken("5.1", B.file(B.format(channels: 6), B.data(three)), .unsupportedChannels(6)),
        Broken("rate 0", B.file(B.format(rate: 0), B.data(three)), .unsupportedRate(0)),
        Broken("rate 4 GHz", B.file(B.format(rate: .max), B.data(three)), .unsupportedRate(4_294_967_295)),
        Broken(
            "a thousand empty chunks", B.file((0..<2_000).flatMap { _ in B.chunk("JUNK", []) }, B.format()),
            .missingChunk("fmt ")),
    ]

    @Test("is refused", arguments: broken)
    func refused(_ row: Broken) {
        #expect(throws: row.error) { try WAVReader(parsing: row.octets) }
        #expect(!row.error.message.isEmpty && !row.error.remedy.isEmpty)
        #expect("\(row.error)" == "\(row.error.message); \(row.error.remedy)")
    }

    @Test("every shape cut at every octet is read or refused, never more")
    func cut() {
        for shape in WAVTests.shapes {
            for end in 0..<shape.octets.count {
                guard let file = try? WAVReader(parsing: Array(shape.octets[..<end])) else { continue }
                #expect(file.samples.count <= shape.octets.count)
            }
        }
    }

    @Test("changed octets never trap", arguments: [11, 12, 13] as [UInt64])
    func fuzz(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed)
        var readable = 0
        for _ in 0..<1_500 {
            var octets = WAVTests.shapes[Int.random(in: 0..<WAVTests.shapes.count, using: &numbers)].octets
            for _ in 0..<Int.random(in: 1...6, using: &numbers) {
                let at = Int.random(in: 0..<octets.count, using: &numbers)
                switch Int.random(in: 0...3, using: &numbers) {
                case 0: octets[at] = UInt8.random(in: .min ... .max, using: &numbers)
                case 1: octets[at] = [0, 0x7F, 0x80, 0xFF][Int.random(in: 0...3, using: &numbers)]
                case 2: octets.insert(UInt8.random(in: .min ... .max, using: &numbers), at: at)
                default: octets.remove(at: at)
                }
            }
            guard let file = try? WAVReader(parsing: octets) else { continue }
            readable += 1
            #expect(file.samples.count <= octets.count)
        }
        #expect(readable > 100)
    }

    @Test("the limit is checked before anything is read")
    func limit() throws {
        let second = B.samples([Int16](repeating: 5, count: 8_000))
        let octets = B.file(B.format(), B.data(second + second + second))
        #expect(try WAVReader(parsing: octets, limits: .init(seconds: 3)).samples.count == 24_000)
        #expect(throws: WAVError.tooLong(seconds: 3, limit: 2)) {
            try WAVReader(parsing: octets, limits: .init(seconds: 2))
        }
    }

    @Test("files that cannot be read say why")
    func unreadable() throws {
        let scratch = try ScratchDirectory()
        let missing = try scratch.file("missing.wav")
        #expect(throws: WAVError.cannotOpen(path: missing, errno: 2)) { try WAVReader(path: missing) }
        #expect(throws: WAVError.notAFile(path: scratch.path)) { try WAVReader(path: scratch.path) }
        #expect(throws: WAVError.notAFile(path: "/dev/zero")) { try WAVReader(path: "/dev/zero") }
        #expect(
            WAVError.cannotOpen(path: "a.wav", errno: 2).message == "a.wav cannot be opened: No such file or directory")
    }

    @Test("what is written is read back")
    func roundTrip() throws {
        let scratch = try ScratchDirectory()
        let path = try scratch.file("tone.wav")
        let tone = ToneGenerator.sine(hertz: 440, seconds: 2.5, sampleRate: 16_000)
        try WAVWriter.write(tone, sampleRate: 16_000, to: path)
        let file = try WAVReader(path: path)
        #expect(file.samples == tone && file.sampleRate == 16_000 && file.note == nil && file.seconds == 2.5)
        #expect(try ScratchDirectory.octets(of: path) == WAVWriter.octets(tone, sampleRate: 16_000))
        // Written over by something shorter.
        try WAVWriter.write([1, 2], sampleRate: 48_000, to: path)
        #expect(try WAVReader(path: path).samples == [1, 2])
    }

    @Test("a file written piece by piece is readable at any time")
    func streaming() throws {
        let scratch = try ScratchDirectory()
        let path = try scratch.file("stream.wav")
        var writer = try WAVWriter(path: path, sampleRate: 48_000)
        let piece = [Int16](repeating: 7, count: 20_000)
        try writer.append(piece.span)
        try writer.append(piece.span)
        let early = try WAVReader(path: path)
        #expect(early.note == .unknownLength)
        #expect(early.samples == piece + piece)
        try writer.append(piece.span)
        try writer.finish()
        #expect(try WAVReader(path: path).samples.count == 60_000)
        try writer.append([1, 2, 3].span)
        try writer.finish()
        let final = try WAVReader(path: path)
        #expect(final.samples.count == 60_003 && final.note == nil)
    }

    @Test("a writer that is dropped leaves a whole file")
    func dropped() throws {
        let scratch = try ScratchDirectory()
        let path = try scratch.file("dropped.wav")
        func write() throws {
            var writer = try WAVWriter(path: path, sampleRate: 8_000)
            try writer.append([4, 5, 6].span)
        }
        try write()
        let file = try WAVReader(path: path)
        #expect(file.samples == [4, 5, 6] && file.note == nil)
    }

    @Test("a writer says what is wrong")
    func unwritable() {
        #expect(throws: WAVError.cannotOpen(path: "/nonexistent/a.wav", errno: 2)) {
            try WAVWriter.write([1], sampleRate: 8_000, to: "/nonexistent/a.wav")
        }
        #expect(throws: WAVError.unsupportedRate(1)) { try WAVWriter.write([1], sampleRate: 1, to: "/tmp/a.wav") }
        #expect(throws: WAVError.cannotWrite(errno: 28)) {
            try WAVWriter.write([1], sampleRate: 8_000, to: "/dev/full")
        }
    }
}
