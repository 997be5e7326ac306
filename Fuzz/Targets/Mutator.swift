/// Makes new inputs of old ones: single octets, pieces, whole lines, and the octets that parsers turn on.
public struct Mutator: Sendable {
    private let corpus: [[UInt8]]
    private static let maxOctets = 16_384

    /// - Parameter corpus: at least one input.
    public init(corpus: [[UInt8]]) {
        precondition(!corpus.isEmpty, "there is nothing to start from")
        self.corpus = corpus
    }

    /// The input of a number: the same one in every run from this corpus. The first ones are the corpus itself.
    public func input(seed: UInt64, number: UInt64) -> [UInt8] {
        if let index = Int(exactly: number), index < corpus.count { return corpus[index] }
        var random = SplitMix(state: seed &* 0x5851_F42D_4C95_7F2D &+ number &* 0xD134_2543_DE82_EF95)
        var octets = corpus[random.below(corpus.count)]
        for _ in 0...random.below(4) { mutate(&octets, &random) }
        return octets
    }

    private func mutate(_ octets: inout [UInt8], _ random: inout SplitMix) {
        guard !octets.isEmpty else {
            octets = Self.special[random.below(Self.special.count)]
            return
        }
        let at = random.below(octets.count)
        let length = min(1 + random.below(12), octets.count - at)
        switch random.below(12) {
        case 0: octets[at] ^= 1 << UInt8(random.below(8))
        case 1: octets[at] = UInt8(truncatingIfNeeded: random.next())
        case 2: octets.removeSubrange(at..<at + length)
        case 3: octets.insert(contentsOf: Array(octets[at..<at + length]), at: random.below(octets.count))
        case 4: octets.insert(contentsOf: Self.special[random.below(Self.special.count)], at: at)
        case 5: octets.replaceSubrange(at..<at + length, with: Self.special[random.below(Self.special.count)])
        case 6:
            let other = corpus[random.below(corpus.count)]
            let from = random.below(other.count)
            octets.insert(contentsOf: other[from..<min(from + 60, other.count)], at: at)
        case 7, 8: lines(&octets, &random)
        case 9: values(&octets, &random)
        case 10:
            // A long run finds what takes more than linear time.
            let piece = Self.special[random.below(Self.special.count)]
            for _ in 0..<random.below(400) where octets.count < Self.maxOctets {
                octets.insert(contentsOf: piece, at: min(at, octets.count))
            }
        default:
            if random.below(8) == 0 { octets.removeSubrange(at...) }
        }
        if octets.count > Self.maxOctets { octets.removeSubrange(Self.maxOctets...) }
    }

    /// Repeats, moves, drops or takes over a whole line.
    private func lines(_ octets: inout [UInt8], _ random: inout SplitMix) {
        var lines = octets.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
        let line = random.below(lines.count)
        switch random.below(4) {
        case 0: lines.insert(lines[line], at: random.below(lines.count))
        case 1: lines.swapAt(line, random.below(lines.count))
        case 2: lines.remove(at: line)
        default:
            let other = corpus[random.below(corpus.count)].split(separator: 0x0A)
            if !other.isEmpty { lines.insert(Array(other[random.below(other.count)]), at: line) }
        }
        octets = Array(lines.joined(separator: [0x0A]))
    }

    /// Puts another value behind a colon, an equals sign or a semicolon.
    private func values(_ octets: inout [UInt8], _ random: inout SplitMix) {
        let start = random.below(octets.count)
        let marks: [UInt8] = [0x3A, 0x3D, 0x3B]
        guard let mark = octets[start...].firstIndex(where: { marks.contains($0) }) else { return }
        let ends: [UInt8] = [0x3B, 0x0D, 0x0A, 0x2C, 0x3E, 0x20]
        let end = octets[(mark + 1)...].firstIndex { ends.contains($0) } ?? octets.endIndex
        octets.replaceSubrange(mark + 1..<end, with: Self.special[random.below(Self.special.count)])
    }

    private static let special: [[UInt8]] =
        [
            [], [0], [0xFF], [0xC3], [0xE2, 0x80], [0x0D], [0x0A], [0x0D, 0x0A], [0x0D, 0x0A, 0x20], [0x20], [0x09],
            [0x0D, 0x0A, 0x0D, 0x0A],
        ]
        + [
            "\"", "<", ">", ";", ",", ":", "=", "%", "@", "[", "]", "\\", "?", "/", "|", "*", "\"\\\"", "<sip:", ">,<",
            "99999999999999999999", "4294967296", "2147483648", "65536", "-1", "0", "00", "+1", "1", "[::]", "[::1]:1",
            "::ffff:192.0.2.1", "0.0.0.0", "sip:", "SIP/2.0", "\r\nl: 9\r\n", "z9hG4bK", ";tag=", ";branch=", "inline:",
            "a=", "m=audio 1 RTP/AVP 0", "Digest ", "auth,auth-int",
        ].map { Array($0.utf8) }
}
