import Glibc

/// The power spectrum of a mono signal, averaged over its whole length (Welch's method, 4-term Blackman-Harris window,
/// whose side lobes lie 92 dB down).
struct Spectrum: Sendable {
    /// Samples per transform at most; longer signals are averaged over half-overlapping pieces.
    static let maximumSize = 65_536
    /// Half the width of the window's main lobe, in bins of an unpadded transform.
    static let lobe = 4.0

    /// Power per bin, from 0 Hz to half the rate, in arbitrary units; empty for an empty signal.
    let power: [Double]
    /// Hertz from one bin to the next.
    let binWidth: Double
    /// Hertz to either side of a pure tone where its power lies.
    let lobeWidth: Double

    init(_ samples: [Int16], rate: Int) {
        guard !samples.isEmpty, rate > 0 else {
            power = []
            binWidth = 0
            lobeWidth = 0
            return
        }
        let length = min(samples.count, Spectrum.maximumSize)
        var size = 16
        while size < length { size *= 2 }
        let transform = FourierTransform(size: size)
        let window = Spectrum.window(length)

        var power = [Double](repeating: 0, count: size / 2 + 1)
        var start = 0
        while true {
            // The last piece is moved back to end with the signal.
            let from = min(start, samples.count - length)
            let mean = samples[from..<from + length].reduce(0.0) { $0 + Double($1) } / Double(length)
            var real = [Double](repeating: 0, count: size)
            var imaginary = real
            for index in 0..<length { real[index] = (Double(samples[from + index]) - mean) * window[index] }
            transform.forward(&real, &imaginary)
            for bin in power.indices { power[bin] += real[bin] * real[bin] + imaginary[bin] * imaginary[bin] }
            guard from + length < samples.count else { break }
            start += length / 2
        }
        self.power = power
        binWidth = Double(rate) / Double(size)
        lobeWidth = Spectrum.lobe * Double(rate) / Double(length)
    }

    /// The strongest frequency at or above `lowest` hertz, between the bins by a parabola through their decibels;
    /// nil where there is no power.
    func peak(from lowest: Double = 20) -> Double? {
        guard power.count > 2 else { return nil }
        let first = min(max(1, Int(lowest / binWidth)), power.count - 1)
        guard let bin = (first..<power.count).max(by: { power[$0] < power[$1] }), power[bin] > 0 else { return nil }
        guard bin > 0, bin + 1 < power.count else { return Double(bin) * binWidth }
        let floor = power[bin] * 1e-15
        let left = log(max(power[bin - 1], floor))
        let middle = log(power[bin])
        let right = log(max(power[bin + 1], floor))
        let bend = left - 2 * middle + right
        let shift = bend < 0 ? 0.5 * (left - right) / bend : 0
        return (Double(bin) + shift) * binWidth
    }

    /// Power of the bins between two frequencies in hertz, both included.
    func power(from low: Double, to high: Double) -> Double {
        guard binWidth > 0, high >= low else { return 0 }
        let first = Int(max(low / binWidth, 0).rounded(.up))
        let last = Int(min(high / binWidth, Double(power.count - 1)))
        guard first <= last else { return 0 }
        return power[first...last].reduce(0, +)
    }

    private static func window(_ count: Int) -> [Double] {
        (0..<count).map { index in
            let angle = 2 * Double.pi * (Double(index) + 0.5) / Double(count)
            return 0.35875 - 0.48829 * cos(angle) + 0.14128 * cos(2 * angle) - 0.01168 * cos(3 * angle)
        }
    }
}

/// A complex transform whose size is a power of two.
struct FourierTransform {
    let size: Int
    private let cosines: [Double]
    private let sines: [Double]

    init(size: Int) {
        precondition(size > 1 && size & (size - 1) == 0, "the size of a transform is a power of two")
        self.size = size
        cosines = (0..<size / 2).map { cos(2 * .pi * Double($0) / Double(size)) }
        sines = (0..<size / 2).map { sin(2 * .pi * Double($0) / Double(size)) }
    }

    /// In place; both arrays hold `size` values.
    func forward(_ real: inout [Double], _ imaginary: inout [Double]) {
        precondition(real.count == size && imaginary.count == size, "a transform takes as many values as its size")
        var reversed = 0
        for index in 1..<size {
            var bit = size >> 1
            while reversed & bit != 0 {
                reversed ^= bit
                bit >>= 1
            }
            reversed |= bit
            if index < reversed {
                real.swapAt(index, reversed)
                imaginary.swapAt(index, reversed)
            }
        }
        var half = 1
        while half < size {
            let step = size / (half * 2)
            for group in stride(from: 0, to: size, by: half * 2) {
                for offset in 0..<half {
                    let (c, s) = (cosines[offset * step], sines[offset * step])
                    let (a, b) = (group + offset, group + offset + half)
                    let re = real[b] * c + imaginary[b] * s
                    let im = imaginary[b] * c - real[b] * s
                    real[b] = real[a] - re
                    imaginary[b] = imaginary[a] - im
                    real[a] += re
                    imaginary[a] += im
                }
            }
            half *= 2
        }
    }
}
