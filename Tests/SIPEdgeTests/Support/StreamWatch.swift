import Synchronization

/// What Meta's relay receives of one call: is it one stream without a gap? The headers of SRTP can be read without a key.
final class StreamWatch: Sendable {
    struct Packet: Sendable {
        var ssrc: UInt32
        var sequence: UInt16
        var timestamp: UInt32
        var payloadType: UInt8
    }

    private let packets = Mutex<[Packet]>([])
    let socket: Datagrams
    private let task: Task<Void, Never>

    init(address: String) async throws {
        let socket = try await Datagrams(address: address)
        self.socket = socket
        let inbox = Inbox<Packet>()
        task = Task {
            while let octets = try? await socket.next() {
                guard octets.count >= 12, octets[0] >> 6 == 2, !(192...223).contains(octets[1]) else { continue }
                inbox.push(
                    Packet(
                        ssrc: octets[8..<12].reduce(0) { $0 << 8 | UInt32($1) },
                        sequence: octets[2..<4].reduce(0) { $0 << 8 | UInt16($1) },
                        timestamp: octets[4..<8].reduce(0) { $0 << 8 | UInt32($1) }, payloadType: octets[1] & 0x7f))
            }
            inbox.finish()
        }
        self.inbox = inbox
    }

    private let inbox: Inbox<Packet>

    /// Waits for so many more packets.
    func more(_ count: Int) async {
        for _ in 0..<count {
            guard let packet = await inbox.next() else { return }
            packets.withLock { $0.append(packet) }
        }
    }

    var all: [Packet] { packets.withLock { $0 } }
    var ssrcs: Set<UInt32> { Set(all.map(\.ssrc)) }

    /// Breaks of the sequence, and steps of the timestamp that are none of time going by. Digits repeat their timestamp.
    var breaks: [String] {
        let all = all
        return zip(all, all.dropFirst()).enumerated().compactMap { index, pair in
            let (before, after) = pair
            let step = Int32(bitPattern: after.timestamp &- before.timestamp)
            if after.sequence == before.sequence &+ 1, (0...48_000).contains(step) { return nil }
            return "\(index): \(before) → \(after)"
        }
    }

    func close() async {
        await socket.close()
        _ = await task.value
    }
}
