import Testing

@testable import SIPCore

/// Mutations of good messages, the same ones in every run. Whatever is accepted must survive encoding, whatever is
/// refused must be answerable without harm, and nothing may trap.
@Suite struct FuzzTests {
    static let mutationsPerSeed = 2_500

    static let sources: [[UInt8]] =
        Torture.all.compactMap { if case .valid = $0.outcome, $0.octets.count < 1_200 { $0.octets } else { nil } }
        + [MetaExamples.invite, MetaExamples.bye, MetaExamples.metaChallenge, MetaExamples.authorizedInvite]

    @Test(arguments: 0..<8)
    func mutatedMessagesNeverTrap(_ seed: Int) throws {
        var random = SplitMix(state: UInt64(seed) &* 0x5851_F42D_4C95_7F2D &+ 1)
        let sources = Self.sources
        var accepted = 0
        for _ in 0..<Self.mutationsPerSeed {
            var octets = sources[random.below(sources.count)]
            for _ in 0...random.below(3) { mutate(&octets, &random, sources) }
            if try exercise(octets) { accepted += 1 }
            exerciseStream(octets, &random)
        }
        // Both sides of the parser were visited.
        #expect(accepted > Self.mutationsPerSeed / 20)
        #expect(accepted < Self.mutationsPerSeed * 9 / 10)
    }

    private func mutate(_ octets: inout [UInt8], _ random: inout SplitMix, _ sources: [[UInt8]]) {
        guard !octets.isEmpty else { return }
        let at = random.below(octets.count)
        let length = min(1 + random.below(12), octets.count - at)
        let special: [[UInt8]] =
            [
                [0], [0xFF], [0xC3], [0xE2, 0x80], [0x0D], [0x0A], [0x0D, 0x0A], [0x0D, 0x0A, 0x20], [0x20], [0x09],
            ]
            + ["\"", "<", ">", ";", ",", ":", "=", "%", "@", "[", "]", "\\", "?", "/", "99999999999999999999", "-1"]
            .map { Array($0.utf8) }
        switch random.below(7) {
        case 0: octets[at] ^= 1 << UInt8(random.below(8))
        case 1: octets[at] = UInt8(truncatingIfNeeded: random.next())
        case 2: octets.removeSubrange(at..<at + length)
        case 3: octets.insert(contentsOf: octets[at..<at + length], at: random.below(octets.count))
        case 4: octets.insert(contentsOf: special[random.below(special.count)], at: at)
        case 5: octets.replaceSubrange(at..<at + length, with: special[random.below(special.count)])
        default:
            let other = sources[random.below(sources.count)]
            let from = random.below(other.count)
            octets.insert(contentsOf: other[from..<min(from + 60, other.count)], at: at)
        }
        if random.below(40) == 0 { octets.removeSubrange(at...) }
    }

    /// Whether the octets were accepted.
    private func exercise(_ octets: [UInt8]) throws -> Bool {
        do throws(MalformedMessage) {
            let message = try Message(octets)
            touch(message.headers)
            if case .request(var request) = message {
                request.stampTopVia(received: "192.0.2.77", port: 5060)
                _ = request.uri.isEquivalent(to: request.uri)
                let response = request.response(200, toTag: "fuzz")
                let again = try Message(response.encoded()).response
                #expect(again?.headers == response.headers)
            }
            #expect(try Message(message.encoded()) == message, "\(String(reflecting: octets.text))")
            return true
        } catch {
            _ = error.description
            _ = error.request?.response(error.status, toTag: "fuzz").encoded()
            return false
        }
    }

    private func exerciseStream(_ octets: [UInt8], _ random: inout SplitMix) {
        var framer = StreamFramer(limits: MessageLimits(maxHead: 4_096, maxBody: 4_096))
        var rest = octets[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(1 + random.below(400))
            rest = rest.dropFirst(chunk.count)
            framer.append(Array(chunk))
            do throws(MalformedMessage) {
                while try framer.next() != nil {}
            } catch {
                return
            }
        }
    }

    private func touch(_ headers: Headers) {
        _ = (headers.vias, headers.topVia?.received, headers.topVia?.rport, headers.from?.description)
        _ = (headers.to?.description, headers.callID, headers.cseq, headers.maxForwards, headers.contact?.description)
        _ = (headers.contentType, headers.routes, headers.recordRoutes)
        for name: HeaderName in [.proxyAuthenticate, .authorization, .proxyAuthorization] {
            for value in headers.all(name) {
                _ = try? DigestChallenge(parsing: value)
                _ = try? DigestAnswer(parsing: value)
            }
        }
    }
}

/// The generator of Steele, Lea and Flood; small, and the same everywhere.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
