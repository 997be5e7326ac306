import Glibc
import Media

/// SRTP of a 20 ms Opus packet: CPU time of protecting and unprotecting with that many sessions in turn. Packets pass
/// through one buffer, as they do in a worker, while each session comes back when the others have had their turn.
enum SRTPBenchmark {
    private static let payload = 60
    private static let packets = 200_000
    /// Octets kept of each packet.
    private static let room = RTPHeader.length + payload + 10

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
        let senders = try (0..<count).map { try End($0, isSender: true) }
        let receivers = try (0..<count).map { try End($0, isSender: false) }
        let slot = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 64)
        let wire = UnsafeMutableRawBufferPointer.allocate(byteCount: packets * room, alignment: 64)
        defer {
            slot.deallocate()
            wire.deallocate()
        }
        wire.initializeMemory(as: UInt8.self, repeating: 0)
        let start = clock()
        for number in 0..<packets {
            RTPHeader(
                marker: false, payloadType: 111, sequenceNumber: UInt16(truncatingIfNeeded: number / count),
                timestamp: UInt32(number / count * 960), ssrc: UInt32(number % count + 1)
            ).write(into: slot)
            guard senders[number % count].protect(slot, RTPHeader.length + payload) == room else {
                throw BenchError(description: "a packet could not be protected")
            }
            UnsafeMutableRawBufferPointer(rebasing: wire[number * room..<(number + 1) * room])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: slot[0..<room]))
        }
        let middle = clock()
        for number in 0..<packets {
            slot.copyMemory(from: UnsafeRawBufferPointer(rebasing: wire[number * room..<(number + 1) * room]))
            guard receivers[number % count].unprotect(slot, room) == RTPHeader.length + payload else {
                throw BenchError(description: "a packet did not authenticate")
            }
        }
        let nanoseconds = 1e9 / Double(CLOCKS_PER_SEC) / Double(packets)
        return (Double(middle - start) * nanoseconds, Double(clock() - middle) * nanoseconds)
    }

    private final class End {
        private var session: SRTPSession

        init(_ index: Int, isSender: Bool) throws {
            let one = (0..<30).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index) }
            let two = (0..<30).map { UInt8(truncatingIfNeeded: $0 &* 5 &+ index &+ 1) }
            session = try SRTPSession(
                keys: SRTPKeys(
                    suite: .aesCM128HMACSHA1_80, receive: isSender ? one : two, send: isSender ? two : one))
        }

        func protect(_ slot: UnsafeMutableRawBufferPointer, _ octets: Int) -> Int? {
            var length = octets
            return session.protect(slot, length: &length) == .ok ? length : nil
        }

        func unprotect(_ slot: UnsafeMutableRawBufferPointer, _ octets: Int) -> Int? {
            var length = octets
            return session.unprotect(slot, length: &length) == .ok ? length : nil
        }
    }
}
