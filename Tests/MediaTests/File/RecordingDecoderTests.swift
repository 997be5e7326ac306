import Testing

@testable import Media

@Suite("Decoding a recording")
struct RecordingDecoderTests {
    /// A packet on its way, before loss and reordering.
    struct Sent {
        var payload: [UInt8]
        var payloadType: UInt8 = 111
        var sequence: UInt16
        var timestamp: UInt32
        /// Milliseconds.
        var arrival: Double
    }

    /// A stream of 20 ms packets from a given place of both counters.
    static func stream(_ pcm: [Int16], sequence: UInt16 = 100, timestamp: UInt32 = 5_000) throws -> [Sent] {
        var encoder = try OpusEncoder()
        return try encoder.encodeAll(pcm).enumerated().map { index, payload in
            Sent(
                payload: payload, sequence: sequence &+ UInt16(index), timestamp: timestamp &+ UInt32(index * 960),
                arrival: Double(index) * 20)
        }
    }

    static let tone = ToneGenerator.sine(hertz: 500, seconds: 2, levelDBFS: -12)

    static func record(_ packets: [Sent], capacity: Int = 10_000) -> PacketRecording {
        let recording = PacketRecording(capacityPackets: capacity, capacityOctets: 1_000_000)
        for packet in packets {
            packet.payload.withUnsafeBytes {
                recording.append(
                    $0, payloadType: packet.payloadType, sequence: packet.sequence, timestamp: packet.timestamp,
                    marker: false, arrival: Int64(packet.arrival * 1e6))
            }
        }
        recording.finish()
        return recording
    }

    static func decode(_ packets: [Sent], maximumSeconds: Int = 1_800) throws -> DecodedRecording {
        try RecordingDecoder(maximumSeconds: maximumSeconds).decode(record(packets), payloadType: 111)
    }

    private func isTone(_ samples: some Sequence<Int16>, sourceLocation: SourceLocation = #_sourceLocation) {
        let analysis = ToneAnalysis.analyse(Array(samples), rate: 48_000)
        #expect(
            abs(analysis.peakHz - 500) < 1 && abs(analysis.levelDBFS + 12) < 1 && analysis.shareAtPeak > 0.9,
            "\(analysis)", sourceLocation: sourceLocation)
    }

    @Test("a clean stream is heard as the decoder hears it")
    func clean() throws {
        let sent = try Self.stream(Self.tone)
        let result = try Self.decode(sent)
        var decoder = try OpusDecoder()
        #expect(result.samples == (try decoder.decodeAll(sent.map(\.payload))))
        #expect(result.statistics.packets == 100)
        #expect(result.statistics.lost == 0 && result.statistics.jitterMilliseconds == 0)
        #expect(result.firstArrival == 0 && result.sampleRate == 48_000)
        isTone(result.samples[4_800...])
    }

    struct Wrap: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var sequence: UInt16
        var timestamp: UInt32
    }

    @Test(
        "both counters wrap",
        arguments: [
            Wrap(testDescription: "sequence", sequence: 65_500, timestamp: 0),
            Wrap(testDescription: "timestamp", sequence: 0, timestamp: .max - 30_000),
            Wrap(testDescription: "both", sequence: 65_535, timestamp: .max),
        ])
    func wraps(_ row: Wrap) throws {
        let plain = try Self.decode(try Self.stream(Self.tone))
        var sent = try Self.stream(Self.tone, sequence: row.sequence, timestamp: row.timestamp)
        sent.swapAt(34, 35)
        sent.insert(sent[35], at: 37)
        let result = try Self.decode(sent)
        #expect(result.samples == plain.samples)
        #expect(result.statistics.reordered == 1 && result.statistics.duplicates == 1)
        #expect(result.statistics.lost == 0 && result.statistics.restarts == 0)
    }

    @Test("reordered and repeated packets change nothing", arguments: [21, 22, 23] as [UInt64])
    func shuffled(seed: UInt64) throws {
        let sent = try Self.stream(Self.tone)
        let plain = try Self.decode(sent)
        var numbers = SeededNumbers(seed: seed)
        var arriving = sent.map { (packet: $0, time: $0.arrival + Double.random(in: 0...90, using: &numbers)) }
        let copies = arriving.filter { _ in Int.random(in: 0..<5, using: &numbers) == 0 }
        arriving += copies.map { ($0.packet, $0.time + Double.random(in: 0...40, using: &numbers)) }
        let packets = arriving.sorted { $0.time < $1.time }.map { item in
            var packet = item.packet
            packet.arrival = item.time
            return packet
        }
        let result = try Self.decode(packets)
        #expect(result.samples == plain.samples)
        #expect(result.statistics.duplicates == copies.count)
        #expect(result.statistics.reordered > 10)
        #expect(result.statistics.lost == 0)
        #expect((5...60).contains(result.statistics.jitterMilliseconds), "\(result.statistics)")
    }

    @Test("lost packets are filled and later ones stay in place")
    func loss() throws {
        let sent = try Self.stream(Self.tone)
        let plain = try Self.decode(sent)
        let kept = sent.enumerated().filter { ![20, 40, 41, 42].contains($0.offset) }.map(\.element)
        let result = try Self.decode(kept)
        #expect(result.samples.count == plain.samples.count)
        #expect(result.statistics.lost == 4 && result.statistics.packets == 96)
        #expect(result.statistics.lossShare == 0.04)
        #expect(result.statistics.concealedSamples == 2 * 960)
        #expect(result.statistics.recoveredSamples == 2 * 960)
        #expect(result.statistics.silentSamples == 0)
        #expect(ToneAnalysis.level(Array(result.samples[20 * 960..<21 * 960])) > -24, "concealed")
        isTone(result.samples[50 * 960..<80 * 960])
    }

    @Test("a long loss fades into silence of the right length")
    func outage() throws {
        let sent = try Self.stream(Self.tone)
        let result = try Self.decode(Array(sent[..<20] + sent[70...]))
        #expect(result.samples.count == 100 * 960)
        #expect(result.statistics.lost == 50)
        #expect(result.statistics.concealedSamples == 9_600)
        #expect(result.statistics.silentSamples == 39 * 960)
        #expect(result.samples[35 * 960..<60 * 960].allSatisfy { $0 == 0 })
    }

    @Test("time in which nothing was sent is silence")
    func discontinuous() throws {
        var sent = try Self.stream(Self.tone)
        for index in 50..<100 {
            sent[index].timestamp &+= 48_000
            sent[index].arrival += 1_000
        }
        let result = try Self.decode(sent)
        #expect(result.samples.count == 150 * 960)
        #expect(result.statistics.silentSamples == 48_000)
        #expect(result.statistics.lost == 0 && result.statistics.concealedSamples == 0)
        #expect(result.samples[50 * 960..<100 * 960].allSatisfy { $0 == 0 })
    }

    @Test("key presses take sequence numbers but are neither loss nor sound")
    func events() throws {
        var sent = try Self.stream(Self.tone)
        // Eight event packets in place of eight of audio, all with the timestamp of the first.
        for index in 30..<38 {
            sent[index].payloadType = 126
            sent[index].payload = [5, 10, 0, 160]
            sent[index].timestamp = sent[30].timestamp
        }
        let result = try Self.decode(sent)
        #expect(result.samples.count == 100 * 960)
        #expect(result.statistics.packets == 92 && result.statistics.otherPackets == 8)
        #expect(result.statistics.lost == 0 && result.statistics.silentSamples == 8 * 960)
        #expect(result.statistics.jitterMilliseconds == 0)
    }

    @Test("a sequence that begins anew goes on where the clock says")
    func restart() throws {
        let first = try Self.stream(Self.tone)
        var second = try Self.stream(Self.tone, sequence: 30_000, timestamp: 0x9000_0000)
        for index in second.indices { second[index].arrival += 2_500 }
        let result = try Self.decode(first + second)
        #expect(result.statistics.restarts == 1 && result.statistics.timestampJumps == 1)
        #expect(result.statistics.lost == 0 && result.statistics.packets == 200)
        // The gap is that of the arrival times: half a second.
        #expect(result.samples.count == 225 * 960)
        #expect(result.statistics.silentSamples == 25 * 960)
        isTone(result.samples[130 * 960..<220 * 960])
    }

    @Test("a single packet far off is left out")
    func stray() throws {
        var sent = try Self.stream(Self.tone)
        let plain = try Self.decode(sent)
        sent.insert(
            Sent(payload: [0xF8, 0xFF, 0xFE], sequence: 40_000, timestamp: 7, arrival: sent[49].arrival), at: 50)
        let result = try Self.decode(sent)
        #expect(result.samples == plain.samples)
        #expect(result.statistics.stray == 1 && result.statistics.lost == 0)
    }

    @Test("timestamps cannot stretch a call beyond its time")
    func stretching() throws {
        var sent = try Self.stream(Self.tone)
        for index in sent.indices { sent[index].timestamp = UInt32(truncatingIfNeeded: index * 90_000) }
        let result = try Self.decode(sent)
        // 2 s of call, 2 s of tolerance, and each packet's own 20 ms.
        #expect(result.samples.count <= 6 * 48_000, "\(result.samples.count)")
        #expect(result.statistics.timestampJumps > 0)

        for index in sent.indices { sent[index].timestamp = UInt32(truncatingIfNeeded: index * 0x7000_0000) }
        #expect(try Self.decode(sent).samples.count <= 6 * 48_000)
    }

    @Test("sound is cut at the limit")
    func limit() throws {
        let result = try Self.decode(try Self.stream(Self.tone), maximumSeconds: 1)
        #expect(result.samples.count == 48_000 && result.statistics.isCut)
    }

    @Test("packets that are no Opus are concealed")
    func undecodable() throws {
        var sent = try Self.stream(Self.tone)
        sent[30].payload = []
        sent[40].payload = [0x4B]
        // Two frames by its first octet, of which the second is longer than the packet.
        sent[50].payload = [0x42, 200, 1]
        let result = try Self.decode(sent)
        #expect(result.samples.count >= 100 * 960)
        #expect(result.statistics.undecodable == 3)
        #expect(ToneAnalysis.level(Array(result.samples[30 * 960..<31 * 960])) > -24)
    }

    @Test("jitter is RFC 3550's, in milliseconds")
    func jitter() throws {
        var sent = try Self.stream(Self.tone)
        for index in sent.indices where index % 2 == 1 { sent[index].arrival += 8 }
        let result = try Self.decode(sent)
        // Every difference is 8 ms, which the estimate approaches as 1 − (15/16)^n.
        #expect(abs(result.statistics.jitterMilliseconds - 8) < 0.1)
        #expect(result.statistics.maximumJitterMilliseconds <= 8)
    }

    @Test("nothing recorded is nothing heard")
    func empty() throws {
        let result = try Self.decode([])
        #expect(result.samples.isEmpty && result.firstArrival == nil)
        #expect(result.statistics == RecordingStatistics() && result.statistics.lossShare == 0)
        #expect(
            try Self.decode(
                try Self.stream(Self.tone).map { packet in
                    var packet = packet
                    packet.payloadType = 0
                    return packet
                }
            ).samples.isEmpty)
    }

    @Test("what did not fit the recording is told")
    func overflow() throws {
        let recording = Self.record(try Self.stream(Self.tone), capacity: 40)
        let result = try RecordingDecoder().decode(recording, payloadType: 111)
        #expect(result.samples.count == 40 * 960 && result.statistics.overflowed == 60)
    }

    @Test("any packets in any order never trap nor outgrow the limit", arguments: [31, 32, 33] as [UInt64])
    func fuzz(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        for _ in 0..<8 {
            let packets = (0..<100).map { index in
                Sent(
                    payload: numbers.octets(Int.random(in: 0...30, using: &numbers)),
                    payloadType: Bool.random(using: &numbers) ? 111 : 126,
                    sequence: Bool.random(using: &numbers)
                        ? UInt16(index) : UInt16.random(in: 0...(.max), using: &numbers),
                    timestamp: Bool.random(using: &numbers)
                        ? UInt32(index * 960) : UInt32.random(in: 0...(.max), using: &numbers),
                    arrival: Double(index * 20) + Double.random(in: -100...100, using: &numbers))
            }
            let result = try Self.decode(packets, maximumSeconds: 20)
            #expect(result.samples.count <= 20 * 48_000)
            let statistics = result.statistics
            #expect(statistics.packets + statistics.otherPackets + statistics.duplicates + statistics.stray == 100)
        }
        let extreme = PacketRecording(capacityPackets: 4, capacityOctets: 100)
        for arrival in [Int64.min, .max, 0, .min] {
            OpusFrame.silence20ms.withUnsafeBytes {
                extreme.append(
                    $0, payloadType: 111, sequence: UInt16(extreme.count), timestamp: 0x8000_0000, marker: false,
                    arrival: arrival)
            }
        }
        #expect(try RecordingDecoder(maximumSeconds: 5).decode(extreme, payloadType: 111).samples.count <= 240_000)
    }
}
