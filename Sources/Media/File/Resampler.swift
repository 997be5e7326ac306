import Glibc

/// Changes the sample rate of speech by a windowed sinc (Kaiser, stop band 80 dB down from half of the lower rate on).
///
/// Takes whole signals; made for loading prompts and for analysis, not for the packet path.
public struct Resampler: Sendable {
    /// Samples per second that can be converted from and to.
    public static let rates = 4_000...384_000
    /// Zero crossings of the sinc on either side; the pass band ends at 0.89 of half the lower rate.
    private static let crossings = 48
    private static let beta = 7.86
    private static let rollOff = 0.947
    /// Entries of the kernel's table per zero crossing; between them it is interpolated.
    private static let resolution = 512
    /// Coefficients kept for all phases at once; rates that need more compute each phase anew.
    private static let largestBank = 1 << 20

    public let from: Int
    public let to: Int

    /// `to` and `from` without their common divisor.
    private let up: Int
    private let down: Int
    /// Input samples taken on either side of an output sample.
    private let reach: Int
    /// Zero crossings per input sample.
    private let density: Double
    private let kernel: [Double]
    /// Coefficients, `2 * reach` for each of `up` phases; empty where they are computed as needed.
    private var bank: [Float]

    /// Nil when a rate is outside `rates`.
    public init?(from: Int, to: Int) {
        guard Resampler.rates.contains(from), Resampler.rates.contains(to) else { return nil }
        self.from = from
        self.to = to
        let divisor = Resampler.commonDivisor(from, to)
        up = to / divisor
        down = from / divisor
        density = min(1, Double(to) / Double(from))
        reach = Int((Double(Resampler.crossings) / density).rounded(.up))
        kernel = from == to ? [] : Resampler.makeKernel()
        bank = []
        guard from != to, up * reach * 2 <= Resampler.largestBank else { return }
        var bank = [Float](repeating: 0, count: up * reach * 2)
        for phase in 0..<up { fill(&bank, at: phase * reach * 2, phase: phase) }
        self.bank = bank
    }

    /// The signal at the other rate, as long in time, in phase with the input; what lies outside counts as silence.
    public func resample(_ samples: [Int16]) -> [Int16] {
        guard from != to, !samples.isEmpty else { return samples }
        let taps = reach * 2
        var input = [Float](repeating: 0, count: samples.count + taps)
        for index in samples.indices { input[index + reach] = Float(samples[index]) }
        let count = (samples.count * up + down - 1) / down
        var output = [Int16](repeating: 0, count: count)
        var scratch = [Float](repeating: 0, count: bank.isEmpty ? taps : 0)
        var position = 0
        var phase = 0
        for index in 0..<count {
            if bank.isEmpty { fill(&scratch, at: 0, phase: phase) }
            // The first tap lies `reach - 1` before the position, which the padding moved up by `reach`.
            let sum = Resampler.product(
                input, from: position + 1, bank.isEmpty ? scratch : bank, from: bank.isEmpty ? 0 : phase * taps, taps)
            output[index] = Int16(min(max(sum.rounded(), -32_768), 32_767))
            phase += down
            position += phase / up
            phase %= up
        }
        return output
    }

    private static func product(_ a: [Float], from i: Int, _ b: [Float], from j: Int, _ count: Int) -> Float {
        precondition(i + count <= a.count && j + count <= b.count, "taps outside of the signal")
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                // Eight sums, so that they can be kept in one vector register.
                var sums = SIMD8<Float>.zero
                var offset = 0
                while offset + 8 <= count {
                    let x = UnsafeRawPointer(a.baseAddress.unsafelyUnwrapped + i + offset)
                        .loadUnaligned(as: SIMD8<Float>.self)
                    let y = UnsafeRawPointer(b.baseAddress.unsafelyUnwrapped + j + offset)
                        .loadUnaligned(as: SIMD8<Float>.self)
                    sums += x * y
                    offset += 8
                }
                var sum = sums.sum()
                while offset < count {
                    sum += a[i + offset] * b[j + offset]
                    offset += 1
                }
                return sum
            }
        }
    }

    /// Writes the coefficients for an output that lies `phase / up` after an input sample; they add up to 1.
    private func fill(_ row: inout [Float], at start: Int, phase: Int) {
        let fraction = Double(phase) / Double(up)
        var sum = 0.0
        for tap in 0..<reach * 2 {
            let distance = abs(Double(tap - reach + 1) - fraction) * density * Double(Resampler.resolution)
            let entry = Int(distance)
            guard entry + 1 < kernel.count else {
                row[start + tap] = 0
                continue
            }
            let value = kernel[entry] + (kernel[entry + 1] - kernel[entry]) * (distance - Double(entry))
            row[start + tap] = Float(value)
            sum += value
        }
        let scale = Float(1 / sum)
        for tap in 0..<reach * 2 { row[start + tap] *= scale }
    }

    private static func makeKernel() -> [Double] {
        let last = crossings * resolution
        let edge = bessel(beta)
        return (0...last).map { entry in
            let time = Double(entry) / Double(resolution)
            let angle = .pi * rollOff * time
            let part = Double(entry) / Double(last)
            return (entry == 0 ? 1 : sin(angle) / angle) * bessel(beta * (1 - part * part).squareRoot()) / edge
        }
    }

    /// The modified Bessel function of order 0, by its series.
    private static func bessel(_ x: Double) -> Double {
        var term = 1.0
        var sum = 1.0
        var order = 1.0
        while term > sum * 1e-12 {
            term *= (x / (2 * order)) * (x / (2 * order))
            sum += term
            order += 1
        }
        return sum
    }

    private static func commonDivisor(_ a: Int, _ b: Int) -> Int {
        b == 0 ? a : commonDivisor(b, a % b)
    }
}
