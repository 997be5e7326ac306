import Glibc
import Synchronization
import Testing

@testable import Media

@Suite("Packet recording")
struct PacketRecordingTests {
    private func append(_ octets: [UInt8], _ sequence: UInt16, to recording: PacketRecording) {
        octets.withUnsafeBytes {
            recording.append(
                $0, payloadType: 111, sequence: sequence, timestamp: UInt32(sequence) &* 960,
                marker: sequence == 0, arrival: Int64(sequence) * 20_000_000)
        }
    }

    private func payload(_ index: Int, of recording: PacketRecording) -> [UInt8] {
        recording.withPayload(of: recording[index]) { span in span.indices.map { span[$0] } }
    }

    @Test("keeps packets as they came")
    func keeps() {
        let recording = PacketRecording(capacityPackets: 10, capacityOctets: 100)
        append([1, 2, 3], 0, to: recording)
        append([], 1, to: recording)
        append([4], 2, to: recording)
        #expect(recording.count == 3 && recording.overflowed == 0)
        #expect((0..<3).map { payload($0, of: recording) } == [[1, 2, 3], [], [4]])
        let packet = recording[2]
        #expect(packet.payloadType == 111 && packet.sequence == 2 && packet.timestamp == 1_920)
        #expect(!packet.marker && recording[0].marker && packet.arrival == 40_000_000)
    }

    @Test("counts what no longer fits, by packets and by octets")
    func overflows() {
        let few = PacketRecording(capacityPackets: 2, capacityOctets: 100)
        for sequence in 0..<5 { append([9], UInt16(sequence), to: few) }
        #expect(few.count == 2 && few.overflowed == 3)

        let small = PacketRecording(capacityPackets: 100, capacityOctets: 10)
        append([1, 2, 3, 4, 5, 6], 0, to: small)
        append([1, 2, 3, 4, 5, 6], 1, to: small)
        append([7, 8, 9, 10], 2, to: small)
        append([11], 3, to: small)
        #expect(small.count == 2 && small.overflowed == 2)
        #expect(payload(1, of: small) == [7, 8, 9, 10])

        let none = PacketRecording(capacityPackets: 0, capacityOctets: 0)
        append([], 0, to: none)
        #expect(none.count == 0 && none.overflowed == 1)
    }

    @Test("ignores packets after its end")
    func finishes() {
        let recording = PacketRecording(seconds: 1)
        #expect(recording.capacityPackets == 55)
        append([1], 0, to: recording)
        #expect(!recording.isFinished)
        recording.finish()
        recording.finish()
        append([2], 1, to: recording)
        #expect(recording.isFinished && recording.count == 1 && recording.overflowed == 0)
    }

    /// What the two threads of `concurrent` share.
    private final class Shared: Sendable {
        let recording = PacketRecording(capacityPackets: 50_000, capacityOctets: 400_000)
        let written = Atomic<Int>(0)
    }

    @Test("another thread reads while one appends", .timeLimit(.minutes(1)))
    func concurrent() throws {
        let shared = Shared()
        var thread = pthread_t()
        let started = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let shared = Unmanaged<Shared>.fromOpaque(context).takeRetainedValue()
                for index in 0..<50_000 {
                    let value = UInt64(index)
                    withUnsafeBytes(of: value) {
                        shared.recording.append(
                            $0, payloadType: 1, sequence: UInt16(truncatingIfNeeded: index), timestamp: UInt32(index),
                            marker: false, arrival: Int64(index))
                    }
                }
                shared.recording.finish()
                return nil
            }, Unmanaged.passRetained(shared).toOpaque())
        try #require(started == 0)
        var wrong = 0
        var checked = 0
        while true {
            let finished = shared.recording.isFinished
            let count = shared.recording.count
            while checked < count {
                let packet = shared.recording[checked]
                let value = shared.recording.withPayload(of: packet) { span in
                    span.indices.reduce(UInt64(0)) { $0 | UInt64(span[$1]) << UInt64($1 * 8) }
                }
                if value != UInt64(checked) || packet.arrival != Int64(checked) { wrong += 1 }
                checked += 1
            }
            if finished { break }
        }
        pthread_join(thread, nil)
        #expect(wrong == 0)
        #expect(checked == 50_000)
    }
}
