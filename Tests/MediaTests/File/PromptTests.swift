import Testing

@testable import Media

@Suite("Prompts")
struct PromptTests {
    private func heard(_ prompt: Prompt) throws -> [Int16] {
        var decoder = try OpusDecoder()
        return try decoder.decodeAll(prompt.packets)
    }

    @Test("the chime is a second of silence, then two notes that can be heard")
    func chime() throws {
        let prompt = Prompt.chime()
        #expect((2_200...2_240).contains(prompt.durationMilliseconds))
        let pcm = try heard(prompt)
        #expect(pcm.count == prompt.frameCount * 960)
        #expect(ToneAnalysis.level(Array(pcm[..<47_000])) < -80)
        let sound = Array(pcm[48_000...])
        #expect((-26 ... -12).contains(ToneAnalysis.level(sound)), "\(ToneAnalysis.level(sound))")
        #expect(sound.allSatisfy { abs(Int($0)) < 30_000 }, "soft: nothing near clipping")
        let first = ToneAnalysis.analyse(Array(sound[2_000..<14_000]), rate: 48_000)
        #expect(abs(first.peakHz - 587.33) < 3, "\(first)")
        let second = ToneAnalysis.analyse(Array(sound[24_000..<40_000]), rate: 48_000)
        #expect(abs(second.peakHz - 880) < 3, "\(second)")
        #expect(ToneAnalysis.level(Array(sound.suffix(480))) < -40, "ends without a click")
    }

    @Test("a tone is what was asked for", arguments: [(440.0, -12.0), (1_000, -20), (3_000, -6)])
    func tone(hertz: Double, level: Double) throws {
        let prompt = try Prompt.tone(hertz: hertz, seconds: 1, levelDBFS: level)
        #expect((1_000...1_020).contains(prompt.durationMilliseconds))
        let analysis = ToneAnalysis.analyse(Array(try heard(prompt)[4_800..<43_200]), rate: 48_000)
        #expect(abs(analysis.peakHz - hertz) < 1 && abs(analysis.levelDBFS - level) < 1, "\(analysis)")
    }

    @Test("frames are 20 ms packets, one after the other in memory, the same on every reading")
    func frames() throws {
        let prompt = try Prompt.tone(hertz: 500, seconds: 0.3)
        #expect(prompt.frameCount == 16, "15 frames and what is left in the encoder")
        var next: UnsafeRawPointer?
        for index in 0..<prompt.frameCount {
            let end = prompt.withFrame(index) { frame in
                #expect(OpusFrame.duration(of: frame) == 960)
                #expect(next == nil || frame.baseAddress == next)
                return frame.baseAddress.map { $0 + frame.count }
            }
            next = end
        }
        #expect(prompt.largestFrame == prompt.packets.map(\.count).max())
        #expect(prompt.packets == prompt.packets)
    }

    @Test("the last sound is not left inside the encoder")
    func tail() throws {
        var pcm = [Int16](repeating: 0, count: 960 * 5)
        for index in pcm.count - 480..<pcm.count { pcm[index] = Int16(12_000 * ((index / 24) % 2) - 6_000) }
        let out = try heard(try Prompt(pcm: pcm, sampleRate: 48_000))
        #expect(out.count == 960 * 6)
        #expect(ToneAnalysis.level(Array(out[(960 * 5)...])) > -40)
    }

    @Test("loads WAV files of any shape", arguments: [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
    func load(rate: Int) throws {
        let scratch = try ScratchDirectory()
        let tone = ToneGenerator.sine(hertz: 600, seconds: 0.5, levelDBFS: -12, sampleRate: rate)
        let path = try scratch.file("prompt.wav", WAVWriter.octets(tone, sampleRate: rate))
        let prompt = try Prompt.load(wav: path)
        let analysis = ToneAnalysis.analyse(Array(try heard(prompt)[2_400..<21_600]), rate: 48_000)
        #expect(abs(analysis.peakHz - 600) < 1 && abs(analysis.levelDBFS + 12) < 1, "\(analysis)")
    }

    struct Refusal: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var code: PromptError.Code
        var attempt: @Sendable () throws -> Prompt
    }

    static let refusals: [Refusal] = [
        Refusal(testDescription: "no sound", code: .empty) { try Prompt(pcm: [], sampleRate: 48_000) },
        Refusal(testDescription: "rate 1 Hz", code: .unsupportedRate) { try Prompt(pcm: [1], sampleRate: 1) },
        Refusal(testDescription: "rate 0", code: .unsupportedRate) { try Prompt(pcm: [1], sampleRate: 0) },
        Refusal(testDescription: "over half an hour", code: .tooLong) {
            try Prompt(pcm: [Int16](repeating: 0, count: 4_000 * 1_801), sampleRate: 4_000)
        },
        Refusal(testDescription: "tone too high", code: .badTone) { try Prompt.tone(hertz: 9_000, seconds: 1) },
        Refusal(testDescription: "tone too low", code: .badTone) { try Prompt.tone(hertz: 0, seconds: 1) },
        Refusal(testDescription: "tone of no number", code: .badTone) { try Prompt.tone(hertz: .nan, seconds: 1) },
        Refusal(testDescription: "tone too loud", code: .badTone) {
            try Prompt.tone(hertz: 1_000, seconds: 1, levelDBFS: 1)
        },
        Refusal(testDescription: "tone without length", code: .empty) { try Prompt.tone(hertz: 1_000, seconds: 0) },
        Refusal(testDescription: "endless tone", code: .tooLong) {
            try Prompt.tone(hertz: 1_000, seconds: .infinity)
        },
        Refusal(testDescription: "no file", code: .badFile) { try Prompt.load(wav: "/nonexistent/prompt.wav") },
        Refusal(testDescription: "no WAV file", code: .badFile) { try Prompt.load(wav: "/proc/version") },
    ]

    @Test("is refused with a remedy", arguments: refusals)
    func refused(_ row: Refusal) throws {
        let error = try #require(throws: PromptError.self) { try row.attempt() }
        #expect(error.code == row.code)
        #expect(!error.message.isEmpty && !error.remedy.isEmpty)
    }
}
