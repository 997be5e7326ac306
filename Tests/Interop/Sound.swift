import Foundation
import Media
import Testing

/// A WAV file that another program writes, once it has not grown for a while: there is no other sign that it is whole.
func finishedRecording(_ file: URL, within limit: Duration = .seconds(5)) async throws -> WAVReader {
    var size = -1
    var since = ContinuousClock.now
    return try await eventually(within: limit) {
        let now = (try? Data(contentsOf: file).count) ?? -1
        if now != size { (size, since) = (now, .now) }
        return size > 0 && since.duration(to: .now) > .milliseconds(300) ? try WAVReader(path: file.path) : nil
    } orFail: {
        InteropFailure("there is no recording \(file.path)")
    }
}

/// What a part of a recording sounds like; `start` and `end` in seconds.
func tone(of recording: WAVReader, from start: Double, to end: Double) -> ToneAnalysis {
    let rate = Double(recording.sampleRate)
    let all = 0...recording.samples.count
    let range = Int(start * rate).clamped(to: all)..<Int(max(start, end) * rate).clamped(to: all)
    return ToneAnalysis.analyse(Array(recording.samples[range]), rate: recording.sampleRate)
}

/// The last seconds of a recording, but for the very last 300 ms, in which the call ends.
func tone(of recording: WAVReader, seconds: Double = 2) -> ToneAnalysis {
    tone(of: recording, from: recording.seconds - 0.3 - seconds, to: recording.seconds - 0.3)
}

extension Int {
    fileprivate func clamped(to range: ClosedRange<Int>) -> Int {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}

/// A tone of `hertz` came through: peak within 5 Hz, level within 3 dB of `reference`, next to nothing else.
func expectTone(
    _ hertz: Double, in heard: WAVReader, asLoudAs reference: WAVReader? = nil, seconds: Double = 2,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(heard.seconds > seconds + 0.3, "the recording is too short", sourceLocation: sourceLocation)
    let got = tone(of: heard, seconds: seconds)
    #expect(abs(got.peakHz - hertz) <= 5, "heard \(got)", sourceLocation: sourceLocation)
    #expect(got.shareAtPeak > 0.9, "heard \(got)", sourceLocation: sourceLocation)
    guard let reference else { return }
    let wanted = tone(of: reference, seconds: seconds)
    #expect(abs(got.levelDBFS - wanted.levelDBFS) <= 3, "heard \(got), said \(wanted)", sourceLocation: sourceLocation)
}
