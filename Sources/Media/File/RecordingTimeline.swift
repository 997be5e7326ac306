/// A recording's packets put in the order they were sent in.
struct RecordingTimeline {
    struct Entry {
        let packet: PacketRecording.Packet
        /// Packets of whatever payload type missing right before this one.
        let lostBefore: Int
    }

    /// RFC 3550 A.1: a leap further than this, ahead or back, is believed only when the next packet follows on it.
    private static let maximumDropout = 3_000
    private static let maximumMisorder = 100
    /// A difference this large between two clocks is a leap of one of them, no jitter.
    static let jumpMilliseconds = 2_000.0

    /// Every payload type, without duplicates.
    private(set) var entries: [Entry] = []
    private(set) var statistics = RecordingStatistics()

    /// A packet with the place in its run of sequence numbers.
    private struct Placed {
        let packet: PacketRecording.Packet
        let run: Int
        let sequence: Int
        let arrivalOrder: Int
        let isLate: Bool
    }

    init(_ packets: [PacketRecording.Packet], payloadType: UInt8) {
        sort(place(packets, payloadType), payloadType)
    }

    /// In order of arrival: extends sequence numbers beyond 16 bits and measures jitter.
    private mutating func place(_ packets: [PacketRecording.Packet], _ payloadType: UInt8) -> [Placed] {
        var placed: [Placed] = []
        placed.reserveCapacity(packets.count)
        var jitter = Jitter()
        var run = 0
        var highest: (wire: UInt16, extended: Int)?
        for (order, packet) in packets.enumerated() {
            var sequence = 0
            var isLate = false
            if let last = highest {
                let step = Int(Int16(bitPattern: packet.sequence &- last.wire))
                if step > RecordingTimeline.maximumDropout || step < -RecordingTimeline.maximumMisorder {
                    guard order + 1 < packets.count, packets[order + 1].sequence == packet.sequence &+ 1 else {
                        statistics.stray += 1
                        continue
                    }
                    statistics.restarts += 1
                    run += 1
                    highest = (packet.sequence, 0)
                } else {
                    sequence = last.extended + step
                    isLate = step < 0
                    if step > 0 { highest = (packet.sequence, sequence) }
                }
            } else {
                highest = (packet.sequence, 0)
            }
            placed.append(
                Placed(packet: packet, run: run, sequence: sequence, arrivalOrder: order, isLate: isLate))
            if packet.payloadType == payloadType { jitter.add(packet, run: run) }
        }
        statistics.jitterMilliseconds = jitter.value
        statistics.maximumJitterMilliseconds = jitter.maximum
        return placed
    }

    /// Into order of sending: drops duplicates and finds what is missing.
    private mutating func sort(_ placed: [Placed], _ payloadType: UInt8) {
        let sorted = placed.sorted { ($0.run, $0.sequence, $0.arrivalOrder) < ($1.run, $1.sequence, $1.arrivalOrder) }
        entries.reserveCapacity(sorted.count)
        var previous: Placed?
        for item in sorted {
            var lost = 0
            if let previous, previous.run == item.run {
                guard previous.sequence != item.sequence else {
                    statistics.duplicates += 1
                    continue
                }
                lost = item.sequence - previous.sequence - 1
            }
            if item.isLate { statistics.reordered += 1 }
            if item.packet.payloadType == payloadType {
                statistics.packets += 1
            } else {
                statistics.otherPackets += 1
            }
            statistics.lost += lost
            entries.append(Entry(packet: item.packet, lostBefore: lost))
            previous = item
        }
    }

    /// RFC 3550 A.8, in milliseconds.
    private struct Jitter {
        var value = 0.0
        var maximum = 0.0
        private var previous: (arrival: Int64, timestamp: UInt32, run: Int)?

        mutating func add(_ packet: PacketRecording.Packet, run: Int) {
            defer { previous = (packet.arrival, packet.timestamp, run) }
            guard let previous, previous.run == run else { return }
            let arrival = Double(packet.arrival &- previous.arrival) / 1e6
            let media = Double(Int32(bitPattern: packet.timestamp &- previous.timestamp)) / 48
            let difference = abs(arrival - media)
            guard difference < RecordingTimeline.jumpMilliseconds else { return }
            value += (difference - value) / 16
            maximum = max(maximum, value)
        }
    }
}
