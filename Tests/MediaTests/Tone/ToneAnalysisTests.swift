import Testing

@testable import Media

@Suite("Tone analysis")
struct ToneAnalysisTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var hertz: Double
        var level: Double
        var seconds: Double
        var rate: Int

        var testDescription: String { "\(hertz) Hz, \(level) dBFS, \(seconds) s at \(rate)" }
    }

    static let cases: [Case] = [
        Case(hertz: 1_000, level: -12, seconds: 1, rate: 48_000),
        Case(hertz: 1_000, level: 0, seconds: 1, rate: 8_000),
        Case(hertz: 1_000.4, level: -30, seconds: 2, rate: 48_000),
        Case(hertz: 440, level: -40, seconds: 0.5, rate: 44_100),
        Case(hertz: 997, level: -6, seconds: 0.05, rate: 48_000),
        Case(hertz: 60, level: -6, seconds: 0.3, rate: 16_000),
        Case(hertz: 3_900, level: -6, seconds: 0.2, rate: 8_000),
        Case(hertz: 15_000, level: -3, seconds: 3, rate: 48_000),
    ]

    @Test("a sine is found", arguments: cases)
    func sine(_ row: Case) {
        let samples = ToneGenerator.sine(
            hertz: row.hertz, seconds: row.seconds, levelDBFS: row.level, sampleRate: row.rate)
        let analysis = ToneAnalysis.analyse(samples, rate: row.rate)
        #expect(abs(analysis.peakHz - row.hertz) < 0.5, "\(analysis)")
        #expect(abs(analysis.levelDBFS - row.level) < 0.1, "\(analysis)")
        #expect(analysis.shareAtPeak > 0.99, "\(analysis)")
    }

    @Test("the stronger of two tones is the peak, with its share")
    func twoTones() {
        let strong = ToneGenerator.sine(hertz: 700, seconds: 1, levelDBFS: -10)
        let weak = ToneGenerator.sine(hertz: 1_300, seconds: 1, levelDBFS: -16)
        let analysis = ToneAnalysis.analyse(zip(strong, weak).map { $0 + $1 }, rate: 48_000)
        #expect(abs(analysis.peakHz - 700) < 0.5)
        #expect(abs(analysis.shareAtPeak - 0.8) < 0.01, "four parts of five: 6 dB")
    }

    @Test("noise has no peak to speak of")
    func noise() {
        var numbers = SeededNumbers(seed: 7)
        let samples = (0..<70_000).map { _ in Int16.random(in: -8_000...8_000, using: &numbers) }
        let analysis = ToneAnalysis.analyse(samples, rate: 48_000)
        #expect(analysis.shareAtPeak < 0.1)
        #expect(abs(analysis.levelDBFS + 14) < 0.5)
    }

    @Test("a constant is not a tone, and has the level of its square")
    func constant() {
        let analysis = ToneAnalysis.analyse([Int16](repeating: 1_000, count: 4_800), rate: 48_000)
        #expect(analysis.peakHz == 0)
        #expect(abs(analysis.levelDBFS + 27.3) < 0.1)
    }

    @Test("nothing, silence and single samples are no tone", arguments: [0, 1, 2, 5, 1_000])
    func silence(count: Int) {
        let analysis = ToneAnalysis.analyse([Int16](repeating: 0, count: count), rate: 48_000)
        #expect(analysis == ToneAnalysis(peakHz: 0, levelDBFS: -120, shareAtPeak: 0))
        _ = ToneAnalysis.analyse([Int16](repeating: .min, count: count), rate: 48_000)
        _ = ToneAnalysis.analyse([Int16](repeating: .min, count: count), rate: 0)
    }

    @Test("a transform keeps energy and finds its bin (Parseval)", arguments: [2, 16, 1_024])
    func transform(size: Int) {
        var numbers = SeededNumbers(seed: 3)
        var real = (0..<size).map { _ in Double.random(in: -1...1, using: &numbers) }
        var imaginary = (0..<size).map { _ in Double.random(in: -1...1, using: &numbers) }
        func energy() -> Double { zip(real, imaginary).reduce(0) { $0 + $1.0 * $1.0 + $1.1 * $1.1 } }
        let before = energy()
        FourierTransform(size: size).forward(&real, &imaginary)
        #expect(abs(energy() / Double(size) - before) < 1e-9 * before)
    }
}
