import Testing

@testable import Media

@Suite("Engine: what we send", .tags(.engine), .timeLimit(.minutes(1)))
struct EnginePlayoutTests {
    /// Packets until `count` have come, with the milliseconds between each and the one before.
    private static func listen(_ peer: TestPeer, _ count: Int) -> [(TestPeer.Received, gap: Double)] {
        var last = MediaInstant.monotonic()
        var heard: [(TestPeer.Received, gap: Double)] = []
        while heard.count < count, let packet = peer.receive() {
            let now = MediaInstant.monotonic()
            heard.append((packet, Double(now.since(last)) / 1e6))
            last = now
        }
        return heard
    }

    private static func expectContinuous(
        _ packets: [TestPeer.Received], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for (one, two) in zip(packets, packets.dropFirst()) {
            #expect(two.header.ssrc == one.header.ssrc, sourceLocation: sourceLocation)
            #expect(
                two.header.sequenceNumber == one.header.sequenceNumber &+ 1, "one after the other",
                sourceLocation: sourceLocation)
            let step = Int32(bitPattern: two.header.timestamp &- one.header.timestamp)
            #expect(step >= 0 && step < 48_000, "timestamps go forward", sourceLocation: sourceLocation)
        }
    }

    @Test func silenceIsPaced() throws {
        let call = try TestCall()
        let peer = try TestPeer(keys: TestCall.keys)
        _ = try call.leg(.a, to: peer, keys: TestCall.keys)
        call.start(.a)
        let heard = Self.listen(peer, 30)
        #expect(heard.count == 30)
        #expect(heard.allSatisfy { $0.0.payload == OpusFrame.silence20ms })
        Self.expectContinuous(heard.map(\.0))
        for (one, two) in zip(heard, heard.dropFirst()) {
            #expect(two.0.header.timestamp &- one.0.header.timestamp == 960)
        }
        // Paced, not in a burst: 29 steps of 20 ms.
        #expect(heard.dropFirst().reduce(0) { $0 + $1.gap } > 450)
    }

    @Test func fillsTheGapsOfALiveSource() throws {
        let call = try TestCall()
        let peer = try TestPeer(keys: TestCall.keys)
        let leg = try call.leg(.a, to: peer, keys: TestCall.keys)
        call.session.echo(.a)
        call.start(.a)
        var all: [TestPeer.Received] = []
        // Speaks twice, and is quiet in between: the fill begins within 200 ms and ends when it speaks again.
        for round in 0..<2 {
            peer.timestamp &+= 48_000
            for number in 0..<3 { peer.send(peer.next([UInt8(round), UInt8(number)]), to: leg) }
            var echoes = 0
            while echoes < 3 {
                let packet = try #require(peer.receive())
                if packet.payload.count == 2, packet.payload[0] == UInt8(round), packet.payload != OpusFrame.silence20ms
                {
                    echoes += 1
                }
                all.append(packet)
            }
            let quiet = Self.listen(peer, 5)
            #expect(quiet.map(\.0.payload) == [[UInt8]](repeating: OpusFrame.silence20ms, count: 5))
            #expect(quiet[0].gap > 100)
            #expect(quiet[0].gap < 200 + 50, "200 ms, and the scheduler's lateness on a busy machine")
            all.append(contentsOf: quiet.map(\.0))
        }
        Self.expectContinuous(all)
        #expect(call.settle()[.a]?.silenceSent ?? 0 >= 10)
    }

    @Test func withoutKeepAliveGapsStay() throws {
        let call = try TestCall()
        let peer = try TestPeer()
        let leg = try call.leg(.b, to: peer, keepAlive: false)
        call.session.echo(.b)
        call.start(.b)
        #expect(peer.receive()?.payload == OpusFrame.silence20ms)
        peer.send(peer.next([1, 2, 3]), to: leg)
        #expect(peer.receive(payload: [1, 2, 3]) != nil)
        #expect(peer.receive(within: 300) == nil)
    }

    @Test("a leg that waits for its source is sent silence now and then, and from its first word on without gaps")
    func waitsForTheSource() throws {
        let call = try TestCall()
        let peer = try TestPeer()
        let leg = try call.leg(.b, to: peer, waitsForSource: true)
        call.start(.b)
        call.session.echo(.b)
        let waiting = Self.listen(peer, 4)
        #expect(waiting.allSatisfy { $0.0.payload == OpusFrame.silence20ms })
        #expect(waiting.dropFirst().allSatisfy { $0.gap > 100 }, "some six a second")
        for (one, two) in zip(waiting, waiting.dropFirst()) {
            #expect(
                (7_000...).contains(two.0.header.timestamp &- one.0.header.timestamp), "timestamps follow the clock")
        }
        peer.send(peer.next([1, 2, 3]), to: leg)
        let spoken = try #require(peer.receive(payload: [1, 2, 3]))
        let filled = Self.listen(peer, 6)
        #expect(filled.allSatisfy { $0.0.payload == OpusFrame.silence20ms })
        #expect(filled.dropFirst().reduce(0) { $0 + $1.gap } < 400, "every 20 ms")
        Self.expectContinuous(waiting.map(\.0) + [spoken] + filled.map(\.0))
    }

    @Test func nothingIsSentBeforeTheStart() throws {
        let call = try TestCall()
        let peer = try TestPeer()
        let leg = try call.leg(.a, to: peer)
        call.session.play(.a, Prompt(frames: [[1], [2]]), loops: 0)
        call.session.echo(.a)
        peer.send(peer.next([1]), to: leg)
        #expect(call.settle()[.a]?.packetsSent == 0)
        #expect(peer.receiveOctets(within: 60) == nil)
    }

    @Test func aPeerWithoutAddressIsSentNothing() throws {
        let call = try TestCall()
        let peer = try TestPeer()
        _ = try call.leg(.a, to: peer)
        call.start(.a)
        let before = try #require(peer.receive())
        func connect(_ remote: MediaAddress) {
            call.session.connect(
                .a, LegParameters(remote: remote, audioPayloadType: 111, ssrc: 0xaaaa_0001, cname: "x"))
        }
        connect(try #require(MediaAddress("0.0.0.0", port: 9)))
        let held = try #require(call.settle()[.a]?.packetsSent)
        while peer.receive(within: 60) != nil {}
        #expect(call.settle()[.a]?.packetsSent == held)
        connect(peer.address)
        let after = try #require(peer.receive())
        #expect(after.header.ssrc == before.header.ssrc)
        #expect(after.header.sequenceNumber == before.header.sequenceNumber &+ UInt16(truncatingIfNeeded: held))
    }

    @Test func startBeforeConnect() throws {
        let call = try TestCall()
        let peer = try TestPeer()
        let address = try call.session.openLeg(.a)
        call.start(.a)
        call.session.connect(
            .a, LegParameters(remote: peer.address, audioPayloadType: 96, ssrc: 77, cname: "x", keepAlive: true))
        let packet = try #require(peer.receive())
        #expect(packet.source == address)
        #expect(packet.header.payloadType == 96)
        #expect(packet.header.ssrc == 77)
    }

    @Test func promptsLoopThenEcho() throws {
        let call = try TestCall()
        let peer = try TestPeer(keys: TestCall.keys)
        let leg = try call.leg(.a, to: peer, keys: TestCall.keys)
        call.start(.a)
        call.session.play(.a, Prompt(frames: [[1], [2]]), loops: 2, then: .echo)
        var heard: [TestPeer.Received] = []
        while heard.last?.payload != [2] || heard.count(where: { $0.payload == [2] }) < 2 {
            heard.append(try #require(peer.receive()))
        }
        Self.expectContinuous(heard)
        #expect(heard.map(\.payload).filter { $0.count == 1 } == [[1], [2], [1], [2]])
        #expect(call.events.wait { $0 == .playFinished(.a) } != nil)
        peer.send(peer.next([5, 5, 5]), to: leg)
        #expect(peer.receive(payload: [5, 5, 5]) != nil)
    }

    @Test func onePromptReplacesAnother() throws {
        let call = try TestCall()
        let peer = try TestPeer()
        _ = try call.leg(.a, to: peer)
        call.start(.a)
        call.session.play(.a, Prompt(frames: [[1]]), loops: 0)
        #expect(peer.receive(payload: [1]) != nil)
        call.session.play(.a, Prompt(frames: [[2]]))
        #expect(peer.receive(payload: [2]) != nil)
        #expect(call.events.wait { $0 == .playFinished(.a) } != nil)
        call.session.play(.a, Prompt(frames: []), loops: 0)
        let empty = call.events.wait { _ in call.events.all.count == 2 }
        #expect(empty != nil)
    }

    @Test func keepsOneStreamThroughEverySource() throws {
        let call = try TestCall()
        let a = try TestPeer("127.0.0.2", keys: TestCall.keys)
        let b = try TestPeer("127.0.0.3", ssrc: 5)
        _ = try call.leg(.a, to: a, keys: TestCall.keys)
        let legB = try call.leg(.b, to: b)
        var heard: [TestPeer.Received] = []
        func hear(until payload: [UInt8]) throws {
            repeat { heard.append(try #require(a.receive())) } while heard.last?.payload != payload
        }
        call.start(.a)
        try hear(until: OpusFrame.silence20ms)
        call.session.play(.a, Prompt(frames: [[1], [2], [3]]), then: .bridge)
        try hear(until: [3])
        call.start(.b)
        b.send(b.next([4, 4, 4]), to: legB)
        // The prompt's end is told 20 ms after its last frame; until then the bridge is not open.
        #expect(call.events.wait { $0 == .playFinished(.a) } != nil)
        b.send(b.next([5, 5, 5]), to: legB)
        try hear(until: [5, 5, 5])
        call.session.sendDigits(.a, "1")
        repeat { heard.append(try #require(a.receive())) } while heard.last?.header.payloadType != 126
        call.session.silence(.a)
        try hear(until: OpusFrame.silence20ms)
        Self.expectContinuous(heard)
        #expect(Set(heard.map(\.header.ssrc)) == [0xaaaa_0001])
    }

    @Test func sendsDigits() throws {
        let call = try TestCall()
        let peer = try TestPeer(keys: TestCall.keys)
        _ = try call.leg(.a, to: peer, keys: TestCall.keys)
        call.start(.a)
        call.session.sendDigits(.a, "5#", duration: .milliseconds(80), gap: .milliseconds(40))
        var receiver = TelephoneEventReceiver(clockRate: 48_000)
        var heard = ""
        var all: [TestPeer.Received] = []
        var events: [UInt32: Int] = [:]
        while heard.count < 2 || all.last?.header.payloadType != 111 {
            let packet = try #require(peer.receive())
            all.append(packet)
            guard packet.header.payloadType == 126, let event = TelephoneEvent(parsing: packet.payload.span) else {
                continue
            }
            #expect(packet.header.marker == (events[packet.header.timestamp] == nil))
            events[packet.header.timestamp, default: 0] += 1
            let press = receiver.received(event, timestamp: packet.header.timestamp, now: .monotonic())
            if let press {
                heard.append(press.key)
                #expect(press.duration == .milliseconds(80))
            }
        }
        #expect(heard == "5#")
        #expect(events.values.allSatisfy { $0 == 6 })
        Self.expectContinuous(all)
        #expect(call.events.wait { $0 == .digitsSent(.a) } != nil)
    }

    @Test func digitsNeedAPayloadType() throws {
        let call = try TestCall()
        let peer = try TestPeer()
        _ = try call.leg(.a, to: peer, event: nil)
        call.start(.a)
        call.session.sendDigits(.a, "5")
        #expect(call.events.wait { $0 == .digitsSent(.a) } != nil)
    }

    @Test func hearsDigitsAndRelaysThem() throws {
        let call = try TestCall()
        let a = try TestPeer("127.0.0.2", keys: TestCall.keys)
        let b = try TestPeer("127.0.0.3")
        let legA = try call.leg(.a, to: a, keys: TestCall.keys)
        _ = try call.leg(.b, to: b, audio: 96, event: 101)
        call.session.bridge()
        call.start(.b)
        a.send(a.next([1, 1, 1]), to: legA)
        let audio = try #require(b.receive(payload: [1, 1, 1]))
        for step in 1...3 {
            let event: [UInt8] = [7, step == 3 ? 0x8a : 0x0a, 0, UInt8(step * 80)]
            a.send(
                a.packet(event, type: 126, marker: step == 1, sequenceNumber: a.sequenceNumber, timestamp: a.timestamp),
                to: legA)
            a.sequenceNumber &+= 1
            let relayed = try #require(b.receive(payload: event))
            #expect(relayed.header.payloadType == 101)
            #expect(relayed.header.marker == (step == 1))
            #expect(relayed.header.timestamp &- audio.header.timestamp == 960)
        }
        #expect(call.events.wait { $0 == .digit(.a, "7", duration: .milliseconds(30)) } != nil)
    }

    @Test func recordsWhatComesIn() throws {
        let call = try TestCall()
        let peer = try TestPeer(keys: TestCall.keys)
        let leg = try call.leg(.a, to: peer, keys: TestCall.keys)
        let recording = PacketRecording(seconds: 1)
        call.session.record(.a, into: recording)
        call.session.echo(.a)
        call.start(.a)
        for number in 0..<5 {
            peer.send(peer.next([8, UInt8(number)]), to: leg)
            #expect(peer.receive(payload: [8, UInt8(number)]) != nil)
        }
        call.session.stopRecording(.a)
        call.settle()
        peer.send(peer.next([8, 5]), to: leg)
        #expect(peer.receive(payload: [8, 5]) != nil)
        #expect(recording.count == 5)
        #expect((0..<5).map { recording[$0].sequence } == [100, 101, 102, 103, 104])
        let payload = recording.withPayload(of: recording[3]) { [$0[0], $0[1]] }
        #expect(payload == [8, 3])
    }
}
