import Testing

@testable import Media

@Suite("Engine: relay", .tags(.engine), .timeLimit(.minutes(1)))
struct EngineRelayTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var keysA: SRTPKeys?
        var keysB: SRTPKeys?
    }

    static let cases = [
        Case(testDescription: "SRTP to RTP", keysA: TestCall.keys, keysB: nil),
        Case(testDescription: "RTP to RTP", keysA: nil, keysB: nil),
        Case(testDescription: "SRTP to SRTP", keysA: TestCall.keys, keysB: otherKeys),
    ]
    static let otherKeys = try! SRTPKeys(  // 30 octets each
        suite: .aesCM128HMACSHA1_32, receive: Array(31...60), send: Array(131...160))

    @Test("Both ways, payload types of each leg, one SSRC", arguments: cases)
    func relaysBothWays(_ example: Case) throws {
        let call = try TestCall()
        let a = try TestPeer("127.0.0.2", keys: example.keysA, ssrc: 1)
        let b = try TestPeer("127.0.0.3", keys: example.keysB, ssrc: 2)
        let legA = try call.leg(.a, to: a, keys: example.keysA)
        let legB = try call.leg(.b, to: b, keys: example.keysB, audio: 96, event: 101)
        call.session.bridge()
        call.start(.a, .b)
        for number in 0..<20 {
            let payload = [UInt8(number), 1, 2, 3]
            a.send(a.next(payload), to: legA)
            let atB = try #require(b.receive(payload: payload))
            #expect(atB.header.payloadType == 96)
            #expect(atB.header.ssrc == 0xbbbb_0002)
            #expect(atB.source == legB)
            b.send(b.next(payload, type: 96), to: legB)
            let atA = try #require(a.receive(payload: payload))
            #expect(atA.header.payloadType == 111)
            #expect(atA.header.ssrc == 0xaaaa_0001)
            #expect(atA.source == legA)
        }
        let statistics = call.settle()
        #expect(statistics[.a]?.packetsReceived == 20)
        #expect(statistics[.b]?.packetsReceived == 20)
        #expect(statistics[.a]?.lost == 0)
        #expect(call.events.all.contains(.firstPacket(.a)))
        #expect(call.events.all.contains(.firstPacket(.b)))
    }

    @Test func echoesTheCaller() throws {
        let call = try TestCall()
        let peer = try TestPeer(keys: TestCall.keys)
        let leg = try call.leg(.a, to: peer, keys: TestCall.keys)
        call.session.echo(.a)
        call.start(.a)
        for number in 0..<10 {
            peer.send(peer.next([9, UInt8(number)]), to: leg)
            #expect(peer.receive(payload: [9, UInt8(number)]) != nil)
        }
    }

    @Test func firstPacketFollowsTheStart() throws {
        let call = try TestCall()
        let peer = try TestPeer(keys: TestCall.keys)
        _ = try call.leg(.a, to: peer, keys: TestCall.keys)
        call.session.play(.a, Prompt(frames: [[1, 1], [2, 2], [3, 3]]))
        call.start(.a)
        let received = (0..<5).map { _ in peer.receive() }
        #expect(received.prefix(3).map { $0?.payload } == [[1, 1], [2, 2], [3, 3]])
        #expect(received[0]?.header.marker == true)
        #expect(received[3]?.payload == OpusFrame.silence20ms)
        for (one, two) in zip(received, received.dropFirst()) {
            let one = try #require(one?.header)
            let two = try #require(two?.header)
            #expect(two.sequenceNumber == one.sequenceNumber &+ 1)
            #expect(two.timestamp == one.timestamp &+ 960)
        }
        #expect(call.events.wait { $0 == .playFinished(.a) } != nil)
        let after = try #require(call.settle()[.a]?.firstPacketSentAfterStart)
        #expect(after < .milliseconds(20))
    }
}
