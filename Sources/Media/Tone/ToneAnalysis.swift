import Glibc

/// What a recorded test tone sounds like: its pitch, its level, and how pure it is.
public struct ToneAnalysis: Hashable, Sendable {
    /// The strongest frequency in hertz, within 1 Hz for a tone of 50 ms or more; 0 for silence.
    public let peakHz: Double
    /// RMS level of everything recorded. 0 is the loudest sine that fits 16 bits (AES17); silence is `silenceDBFS`.
    public let levelDBFS: Double
    /// 0…1: the energy within 2 % of the peak, out of all energy but the mean.
    public let shareAtPeak: Double

    /// What stands for no signal at all, below the level of a single bit.
    public static let silenceDBFS = -120.0

    /// - Parameters:
    ///   - samples: Mono.
    ///   - rate: Samples per second.
    public static func analyse(_ samples: [Int16], rate: Int) -> ToneAnalysis {
        let spectrum = Spectrum(samples, rate: rate)
        let level = level(samples)
        guard let peak = spectrum.peak() else { return ToneAnalysis(peakHz: 0, levelDBFS: level, shareAtPeak: 0) }
        let width = max(peak * 0.02, spectrum.lobeWidth)
        let total = spectrum.power(from: 0, to: Double(rate) / 2)
        let near = spectrum.power(from: peak - width, to: peak + width)
        return ToneAnalysis(peakHz: peak, levelDBFS: level, shareAtPeak: total > 0 ? min(near / total, 1) : 0)
    }

    /// RMS level in dBFS as in `levelDBFS`.
    public static func level(_ samples: [Int16]) -> Double {
        guard !samples.isEmpty else { return silenceDBFS }
        let energy = samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(samples.count)
        // A sine's RMS is its peak over √2.
        let full = 32_767.0 * 32_767.0 / 2
        return energy > 0 ? max(10 * log10(energy / full), silenceDBFS) : silenceDBFS
    }
}
