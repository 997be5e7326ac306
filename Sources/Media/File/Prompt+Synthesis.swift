import Glibc

extension Prompt {
    /// The built-in greeting: two soft rising notes of 1.2 s in all, after 1 s of silence, since the first words of a call
    /// are clipped at the caller's side (meta-calling §11.7).
    public static func chime() -> Prompt {
        do {
            return try Prompt(pcm: chimeSamples(), sampleRate: OpusFrame.clockRate)
        } catch {
            // Nothing here depends on input; libopus fails only where memory is exhausted.
            preconditionFailure("the built-in greeting could not be encoded: \(error)")
        }
    }

    /// A sine to be recognised at the other end.
    ///
    /// - Parameters:
    ///   - hertz: 20…7500; prompts are coded for a 16 kHz receiver.
    ///   - seconds: Up to `maximumSeconds`.
    ///   - levelDBFS: At most 0, the loudest sine that fits.
    public static func tone(hertz: Double, seconds: Double, levelDBFS: Double = -12) throws(PromptError) -> Prompt {
        guard (20...7_500).contains(hertz), levelDBFS <= 0 else {
            throw PromptError(
                code: .badTone, message: "a tone of \(hertz) Hz at \(levelDBFS) dBFS cannot be played",
                remedy: "take 20 to 7500 Hz and at most 0 dBFS")
        }
        guard seconds > 0, seconds <= Double(maximumSeconds) else {
            throw PromptError(
                code: seconds > 0 ? .tooLong : .empty, message: "a tone of \(seconds) s cannot be played",
                remedy: "take more than 0 and at most \(maximumSeconds) seconds")
        }
        return try Prompt(
            pcm: ToneGenerator.sine(hertz: hertz, seconds: seconds, levelDBFS: levelDBFS),
            sampleRate: OpusFrame.clockRate)
    }

    private static func chimeSamples() -> [Int16] {
        let rate = OpusFrame.clockRate
        var sound = [Double](repeating: 0, count: rate * 12 / 10)
        strike(587.33, at: 0, into: &sound)  // D5
        strike(880.00, at: 0.32, into: &sound)  // A5
        let fade = rate / 20
        for index in 0..<fade { sound[sound.count - 1 - index] *= Double(index) / Double(fade) }
        return [Int16](repeating: 0, count: rate) + sound.map { Int16(($0 * 32_767).rounded()) }
    }

    /// Adds a bell-like note: a rounded attack, then a decay in which the overtones die first.
    private static func strike(_ hertz: Double, at start: Double, into sound: inout [Double]) {
        let rate = Double(OpusFrame.clockRate)
        let first = Int(start * rate)
        let attack = 0.012
        for index in first..<sound.count {
            let time = Double(index - first) / rate
            let rise = time < attack ? 0.5 - 0.5 * cos(.pi * time / attack) : 1
            let angle = 2 * Double.pi * hertz * time
            sound[index] += 0.24 * rise * (sin(angle) * exp(-time / 0.30) + 0.2 * sin(2 * angle) * exp(-time / 0.12))
        }
    }
}
