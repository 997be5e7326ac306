import Testing

@testable import Media

@Suite("Opus codec")
struct OpusCodecTests {
    @Test("a tone keeps its pitch and level", arguments: [200.0, 440, 1_000, 3_000, 6_000])
    func tone(hertz: Double) throws {
        var encoder = try OpusEncoder()
        var decoder = try OpusDecoder()
        let sent = ToneGenerator.sine(hertz: hertz, seconds: 1, levelDBFS: -12)
        let packets = try encoder.encodeAll(sent)
        let heard = Array(try decoder.decodeAll(packets)[4_800...])
        let analysis = ToneAnalysis.analyse(heard, rate: 48_000)
        #expect(abs(analysis.peakHz - hertz) < 1, "\(analysis)")
        #expect(abs(analysis.levelDBFS + 12) < 1, "\(analysis)")
        #expect(analysis.shareAtPeak > 0.9, "\(analysis)")
        // 20 kbit/s are 50 octets a packet on the average of speech.
        #expect(packets.reduce(0) { $0 + $1.count } / packets.count <= 66)
        #expect(packets.allSatisfy { OpusFrame.duration(of: $0.span) == 960 })
    }

    @Test("nothing above the receiver's band is sent")
    func band() throws {
        var encoder = try OpusEncoder()
        var decoder = try OpusDecoder()
        let sent = ToneGenerator.sine(hertz: 11_000, seconds: 0.5, levelDBFS: -12)
        let heard = try decoder.decodeAll(try encoder.encodeAll(sent))
        #expect(ToneAnalysis.level(Array(heard[4_800...])) < -60)
    }

    @Test("16 kHz input gives the same packets' length on the RTP clock")
    func wideBandInput() throws {
        var settings = OpusEncoder.Settings()
        settings.sampleRate = 16_000
        var encoder = try OpusEncoder(settings)
        var decoder = try OpusDecoder()
        let sent = ToneGenerator.sine(hertz: 1_000, seconds: 0.5, levelDBFS: -12, sampleRate: 16_000)
        var heard: [Int16] = []
        for start in stride(from: 0, to: sent.count - 319, by: 320) {
            let packet = try encoder.encode(sent.span.extracting(start..<start + 320))
            #expect(OpusFrame.duration(of: packet.span) == 960)
            heard += try decoder.decodeOne(packet)
        }
        let analysis = ToneAnalysis.analyse(Array(heard[4_800...]), rate: 48_000)
        #expect(abs(analysis.peakHz - 1_000) < 1 && abs(analysis.levelDBFS + 12) < 1, "\(analysis)")
    }

    @Test("a lost frame is concealed, then fades")
    func concealment() throws {
        var encoder = try OpusEncoder()
        var decoder = try OpusDecoder()
        let packets = try encoder.encodeAll(ToneGenerator.sine(hertz: 400, seconds: 0.4, levelDBFS: -12))
        _ = try decoder.decodeAll(packets)
        let first = try decoder.concealOne(960)
        #expect(first.count == 960)
        #expect(ToneAnalysis.level(first) > -24, "the first frame goes on much as before")
        for _ in 0..<25 { _ = try decoder.concealOne(960) }
        #expect(ToneAnalysis.level(try decoder.concealOne(960)) < -50)
    }

    @Test("in-band FEC brings back a lost onset that concealment cannot know")
    func forwardErrorCorrection() throws {
        var settings = OpusEncoder.Settings()
        settings.bitRate = 32_000
        settings.expectedLossPercent = 10
        var encoder = try OpusEncoder(settings)
        // Half a second of silence, then a voice-like sound: the first packet of it is lost.
        let voice = (0..<9_600).map { index in
            Int16(8_000 * Double((index % 320) - 160) / 160)
        }
        let packets = try encoder.encodeAll([Int16](repeating: 0, count: 24_000) + voice)
        let lost = 27
        var decoder = try OpusDecoder()
        _ = try decoder.decodeAll(Array(packets[..<lost]))
        var pcm = [Int16](repeating: 0, count: 960)
        var span = pcm.mutableSpan
        let next = packets[lost + 1]
        let count = try decoder.recover(samples: 960, before: next.span, into: &span)
        #expect(count == 960)
        var reference = try OpusDecoder()
        let truth = try reference.decodeAll(Array(packets[...lost])).suffix(960)
        #expect(abs(ToneAnalysis.level(pcm) - ToneAnalysis.level(Array(truth))) < 6)
        var guessing = try OpusDecoder()
        _ = try guessing.decodeAll(Array(packets[..<lost]))
        let guessed = try guessing.concealOne(960)
        func error(_ heard: [Int16]) -> Double {
            ToneAnalysis.level(zip(heard, truth).map { Int16(clamping: Int($0) - Int($1)) })
        }
        #expect(error(pcm) < error(guessed) - 3, "\(error(pcm)) against \(error(guessed)) dBFS")
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var error: OpusError
        var attempt: @Sendable () throws -> Void
    }

    static let refusals: [Refusal] = [
        Refusal(testDescription: "encoder at 44.1 kHz", error: .badArgument) {
            var settings = OpusEncoder.Settings()
            settings.sampleRate = 44_100
            _ = try OpusEncoder(settings)
        },
        Refusal(testDescription: "complexity 11", error: .badArgument) {
            var settings = OpusEncoder.Settings()
            settings.complexity = 11
            _ = try OpusEncoder(settings)
        },
        Refusal(testDescription: "decoder with 3 channels", error: .badArgument) {
            _ = try OpusDecoder(channels: 3)
        },
        Refusal(testDescription: "no input", error: .badArgument) {
            var encoder = try OpusEncoder()
            _ = try encoder.encode([Int16]().span)
        },
        Refusal(testDescription: "a frame of 21 ms", error: .badArgument) {
            var encoder = try OpusEncoder()
            _ = try encoder.encode([Int16](repeating: 0, count: 1_008).span)
        },
        Refusal(testDescription: "an empty packet", error: .invalidPacket) {
            var decoder = try OpusDecoder()
            _ = try decoder.decodeOne([])
        },
        Refusal(testDescription: "code 3 without its count", error: .invalidPacket) {
            var decoder = try OpusDecoder()
            _ = try decoder.decodeOne([0x4B])
        },
        Refusal(testDescription: "output too short", error: .bufferTooSmall) {
            var decoder = try OpusDecoder()
            var frame = [Int16](repeating: 0, count: 480)
            var span = frame.mutableSpan
            let packet = OpusFrame.silence20ms
            _ = try decoder.decode(packet.span, into: &span)
        },
        Refusal(testDescription: "no output", error: .bufferTooSmall) {
            var decoder = try OpusDecoder()
            var frame: [Int16] = []
            var span = frame.mutableSpan
            let packet = OpusFrame.silence20ms
            _ = try decoder.decode(packet.span, into: &span)
        },
        Refusal(testDescription: "concealing more than fits", error: .bufferTooSmall) {
            var decoder = try OpusDecoder()
            var frame = [Int16](repeating: 0, count: 480)
            var span = frame.mutableSpan
            _ = try decoder.conceal(samples: 960, into: &span)
        },
    ]

    @Test("is refused", arguments: refusals)
    func refused(_ row: Refusal) {
        #expect(throws: row.error) { try row.attempt() }
    }

    @Test("random packets never trap, and decode to the length they state", arguments: [1, 2, 3] as [UInt64])
    func fuzz(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        var decoder = try OpusDecoder()
        var decoded = 0
        for _ in 0..<2_000 {
            let packet = numbers.octets(Int.random(in: 0...40, using: &numbers))
            let duration = OpusFrame.duration(of: packet.span)
            guard let pcm = try? decoder.decodeOne(packet) else { continue }
            decoded += 1
            #expect(pcm.count == duration)
        }
        #expect(decoded > 100)
    }

    @Test("a reset forgets")
    func reset() throws {
        var encoder = try OpusEncoder()
        let first = try encoder.encodeAll(ToneGenerator.sine(hertz: 500, seconds: 0.1))
        var decoder = try OpusDecoder()
        let heard = try decoder.decodeAll(first)
        decoder.reset()
        #expect(try decoder.decodeAll(first) == heard)
    }

    @Test("errors say what libopus says")
    func errorText() {
        #expect("\(OpusError.invalidPacket)" == "Opus error -4: corrupted stream")
    }
}
