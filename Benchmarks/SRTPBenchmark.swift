import Glibc
import Media

/// SRTP of a 20 ms Opus packet: CPU time of protecting and unprotecting, with that many sessions in turn, so that their
/// keys and windows have left the caches.
enum SRTPBenchmark {
    private static let payload = 60
    private static let packets = 1_000_000

    static func run() throws {
        print("SRTP, AES_CM_128_HMAC_SHA1_80, \(payload) octets of payload:")
        for count in [1, 200, 2_000] {
            let (protect, unprotect) = try measure(sessions: count)
            print(
                "  \(count) sessions: protect \(Figure.text(protect, digits: 0)) ns,"
                    + " unprotect \(Figure.text(unprotect, digits: 0)) ns")
        }
    }

    private static func measure(sessions count: Int) throws -> (protect: Double, unprotect: Double) {
        let ends = try (0..<count).map { try Ends($0) }
        // Enough packets between two readings of the clock.
        let perSession = max(1, 512 / count)
        let slots = (0..<count * perSession).map { _ in
            UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 64)
        }
        defer { slots.forEach { $0.deallocate() } }
        var spent = (protect: 0, unprotect: 0)
        let turns = packets / slots.count
        var number: UInt16 = 0
        for _ in 0..<turns {
            for (position, slot) in slots.enumerated() {
                RTPHeader(
                    marker: false, payloadType: 111, sequenceNumber: number &+ UInt16(position / count),
                    timestamp: 0, ssrc: UInt32(position % count + 1)
                ).write(into: slot)
            }
            number &+= UInt16(perSession)
            let start = clock()
            for (position, slot) in slots.enumerated() {
                guard ends[position % count].protect(slot, payload: payload) else {
                    throw BenchError(description: "a packet could not be protected")
                }
            }
            let middle = clock()
            for (position, slot) in slots.enumerated() {
                guard ends[position % count].unprotect(slot) else {
                    throw BenchError(description: "a packet did not authenticate")
                }
            }
            spent.protect += middle - start
            spent.unprotect += clock() - middle
        }
        let nanoseconds = 1e9 / Double(CLOCKS_PER_SEC) / Double(turns * slots.count)
        return (Double(spent.protect) * nanoseconds, Double(spent.unprotect) * nanoseconds)
    }

    private final class Ends {
        private var sender: SRTPSession
        private var receiver: SRTPSession
        private var length = 0

        init(_ index: Int) throws {
            let one = (0..<30).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index) }
            let two = (0..<30).map { UInt8(truncatingIfNeeded: $0 &* 5 &+ index &+ 1) }
            sender = try SRTPSession(keys: SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: one, send: two))
            receiver = try SRTPSession(keys: SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: two, send: one))
        }

        func protect(_ slot: UnsafeMutableRawBufferPointer, payload: Int) -> Bool {
            length = RTPHeader.length + payload
            return sender.protect(slot, length: &length) == .ok
        }

        func unprotect(_ slot: UnsafeMutableRawBufferPointer) -> Bool {
            var length = length
            return receiver.unprotect(slot, length: &length) == .ok
        }
    }
}
