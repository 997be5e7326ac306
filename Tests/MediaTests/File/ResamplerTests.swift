import Testing

@testable import Media

@Suite("Resampler")
struct ResamplerTests {
    struct Rates: CustomTestStringConvertible, Sendable {
        var from: Int
        var to: Int
        var testDescription: String { "\(from) to \(to)" }
    }

    static let rates: [Rates] = [
        Rates(from: 8_000, to: 48_000), Rates(from: 11_025, to: 48_000), Rates(from: 16_000, to: 48_000),
        Rates(from: 22_050, to: 48_000), Rates(from: 44_100, to: 48_000), Rates(from: 96_000, to: 48_000),
        Rates(from: 192_000, to: 48_000), Rates(from: 48_000, to: 16_000), Rates(from: 48_000, to: 8_000),
        // No common divisor: coefficients are computed as they are needed.
        Rates(from: 47_999, to: 48_000), Rates(from: 8_001, to: 48_000), Rates(from: 48_000, to: 7_999),
    ]

    @Test("a tone in the band keeps pitch, level and place", arguments: rates)
    func tone(_ row: Rates) throws {
        let resampler = try #require(Resampler(from: row.from, to: row.to))
        let seconds = 0.1
        let nyquist = Double(min(row.from, row.to)) / 2
        for hertz in [300, nyquist * 0.88] {
            let input = ToneGenerator.sine(hertz: hertz, seconds: seconds, levelDBFS: -6, sampleRate: row.from)
            let output = resampler.resample(input)
            #expect(abs(Double(output.count) / Double(row.to) - seconds) < 2 / Double(min(row.from, row.to)))
            // The ends, where the signal meets silence, are not part of the measure.
            let wanted = ToneGenerator.sine(hertz: hertz, seconds: seconds, levelDBFS: -6, sampleRate: row.to)
            let edge = row.to / 50
            let middle = edge..<(min(output.count, wanted.count) - edge)
            let error = middle.map { Int16(clamping: Int(output[$0]) - Int(wanted[$0])) }
            #expect(ToneAnalysis.level(error) < -60, "\(hertz) Hz: \(ToneAnalysis.level(error)) dBFS")
        }
    }

    @Test("what does not fit the lower rate is gone", arguments: rates.filter { $0.from > $0.to })
    func alias(_ row: Rates) throws {
        let resampler = try #require(Resampler(from: row.from, to: row.to))
        let nyquist = Double(row.to) / 2
        // From just above the band to the top of the input's.
        for hertz in stride(from: nyquist * 1.001, to: Double(row.from) / 2, by: nyquist * 0.37) {
            let input = ToneGenerator.sine(hertz: hertz, seconds: 0.06, levelDBFS: 0, sampleRate: row.from)
            let output = resampler.resample(input)
            let edge = row.to / 50
            let level = ToneAnalysis.level(Array(output[edge..<(output.count - edge)]))
            #expect(level < -60, "\(hertz) Hz comes out at \(level) dBFS")
        }
    }

    @Test("no mirror of the input's band appears above it", arguments: rates.filter { $0.from < $0.to })
    func image(_ row: Rates) throws {
        guard row.to > row.from + row.from / 8 else { return }
        let resampler = try #require(Resampler(from: row.from, to: row.to))
        let hertz = Double(row.from) * 0.44
        let output = resampler.resample(
            ToneGenerator.sine(hertz: hertz, seconds: 0.2, levelDBFS: 0, sampleRate: row.from))
        let edge = row.to / 50
        let spectrum = Spectrum(Array(output[edge..<(output.count - edge)]), rate: row.to)
        let tone = spectrum.power(from: 0, to: Double(row.from) * 0.499)
        let images = spectrum.power(from: Double(row.from) * 0.501, to: Double(row.to) / 2)
        #expect(images < tone * 1e-6, "images \(images / tone)")
    }

    @Test("loud input is clipped, not wrapped")
    func clipping() throws {
        let resampler = try #require(Resampler(from: 8_000, to: 48_000))
        let square = (0..<800).map { Int16($0 / 8 % 2 == 0 ? Int16.max : .min) }
        let output = resampler.resample(square)
        // Overshoot at the edges would change its sign if it wrapped.
        for index in stride(from: 24, to: output.count - 48, by: 96) { #expect(output[index] > 20_000) }
        #expect(output.max() == .max)
    }

    @Test("equal rates change nothing; nothing stays nothing")
    func trivial() throws {
        #expect(try #require(Resampler(from: 48_000, to: 48_000)).resample([1, -2, 3]) == [1, -2, 3])
        #expect(try #require(Resampler(from: 8_000, to: 48_000)).resample([]) == [])
        #expect(try #require(Resampler(from: 8_000, to: 48_000)).resample([100]).count == 6)
    }

    @Test("rates out of range are refused", arguments: [0, -1, 3_999, 384_001, .max])
    func refused(rate: Int) {
        #expect(Resampler(from: rate, to: 48_000) == nil)
        #expect(Resampler(from: 48_000, to: rate) == nil)
    }
}
