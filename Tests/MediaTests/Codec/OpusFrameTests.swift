import Testing

@testable import Media

@Suite("Opus packets without a codec")
struct OpusFrameTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var packet: [UInt8]
        var samples: Int?

        init(_ name: String, _ packet: [UInt8], _ samples: Int?) {
            testDescription = name
            self.packet = packet
            self.samples = samples
        }
    }

    static let cases: [Case] = [
        Case("nothing", [], nil),
        Case("SILK narrow band 10 ms", [0 << 3], 480),
        Case("SILK narrow band 20 ms", [1 << 3, 0], 960),
        Case("SILK medium band 40 ms", [6 << 3, 0], 1920),
        Case("SILK wide band 60 ms", [11 << 3, 0], 2880),
        Case("hybrid 10 ms", [12 << 3, 0], 480),
        Case("hybrid full band 20 ms", [15 << 3, 0], 960),
        Case("CELT 2.5 ms", [16 << 3, 0], 120),
        Case("CELT 5 ms", [21 << 3, 0], 240),
        Case("CELT 10 ms", [26 << 3, 0], 480),
        Case("CELT full band 20 ms, silence", [0xF8, 0xFF, 0xFE], 960),
        Case("two equal frames", [1 << 3 | 1, 0, 0], 1920),
        Case("two frames of 60 ms", [11 << 3 | 2, 1, 0, 0], 5760),
        Case("stereo counts once", [1 << 3 | 4, 0], 960),
        Case("code 3 without its count", [1 << 3 | 3], nil),
        Case("code 3 with no frame", [1 << 3 | 3, 0x80], nil),
        Case("code 3, six of 20 ms, VBR and padding", [1 << 3 | 3, 0xC6, 0], 5760),
        Case("code 3, seven of 20 ms are over 120 ms", [1 << 3 | 3, 7], nil),
        Case("code 3, 48 of 2.5 ms", [16 << 3 | 3, 48], 5760),
        Case("code 3, 49 of 2.5 ms", [16 << 3 | 3, 49], nil),
        Case("code 3, two of 60 ms", [3 << 3 | 3, 2], 5760),
        Case("code 3, three of 60 ms", [3 << 3 | 3, 3], nil),
    ]

    @Test("duration", arguments: cases)
    func duration(_ row: Case) {
        #expect(OpusFrame.duration(of: row.packet.span) == row.samples)
        #expect(row.packet.withUnsafeBytes { OpusFrame.duration(of: $0) } == row.samples)
    }

    @Test("the silence frame is silent, first or after sound")
    func silence() throws {
        let silence = OpusFrame.silence20ms
        #expect(OpusFrame.duration(of: silence.span) == 960)
        #expect(silence.count < 40)
        var decoder = try OpusDecoder()
        var pcm = [Int16](repeating: 0, count: 960)
        func peak(_ packet: [UInt8]) throws -> Int {
            var span = pcm.mutableSpan
            let count = try decoder.decode(packet.span, into: &span)
            #expect(count == 960)
            return pcm.reduce(0) { max($0, abs(Int($1))) }
        }
        for _ in 0..<5 { #expect(try peak(silence) <= 2) }

        var encoder = try OpusEncoder()
        let tone = ToneGenerator.sine(hertz: 1_000, seconds: 0.2, levelDBFS: -6)
        for start in stride(from: 0, to: tone.count, by: 960) {
            _ = try peak(try encoder.encode(tone.span.extracting(start..<start + 960)))
        }
        var fading: [Int] = []
        for _ in 0..<5 { fading.append(try peak(silence)) }
        #expect(fading[4] <= 2, "\(fading)")
    }
}
