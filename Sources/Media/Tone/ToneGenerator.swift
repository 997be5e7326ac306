import Glibc

/// Test signals.
public enum ToneGenerator {
    /// A sine, mono, beginning at phase 0.
    ///
    /// - Parameters:
    ///   - seconds: Rounded to whole samples; nothing for 0 or less.
    ///   - levelDBFS: 0 is the loudest sine that fits 16 bits, which is what `ToneAnalysis` calls 0; more is cut to 0.
    public static func sine(
        hertz: Double, seconds: Double, levelDBFS: Double = -12, sampleRate: Int = 48_000
    ) -> [Int16] {
        let amplitude = 32_767 * pow(10, min(levelDBFS, 0) / 20)
        let step = 2 * Double.pi * hertz / Double(sampleRate)
        let count = Int(max(seconds, 0) * Double(sampleRate) + 0.5)
        return (0..<count).map { Int16((amplitude * sin(step * Double($0))).rounded()) }
    }
}
