import Testing

@testable import Media

@Suite("Engine: strangers and forgeries", .tags(.engine), .timeLimit(.minutes(1)))
struct EngineDefenceTests {
    /// A bridged call, SRTP on leg a and plain RTP on leg b.
    struct Bridged {
        let call: TestCall
        let a: TestPeer
        let b: TestPeer
        let legA: MediaAddress
        let legB: MediaAddress

        init(symmetric: Bool = true) throws {
            call = try TestCall()
            a = try TestPeer("127.0.0.2", keys: TestCall.keys)
            b = try TestPeer("127.0.0.3")
            legA = try call.leg(.a, to: a, keys: TestCall.keys, symmetric: symmetric)
            legB = try call.leg(.b, to: b, symmetric: symmetric)
            call.session.bridge()
            call.start(.a, .b)
        }

        /// Media still passes both ways, to and from the peers alone.
        func expectUnhurt(_ mark: UInt8, sourceLocation: SourceLocation = #_sourceLocation) {
            a.send(a.next([mark, 0xa]), to: legA)
            #expect(b.receive(payload: [mark, 0xa]) != nil, sourceLocation: sourceLocation)
            b.send(b.next([mark, 0xb]), to: legB)
            #expect(a.receive(payload: [mark, 0xb]) != nil, sourceLocation: sourceLocation)
        }
    }

    @Test func strangersOnPlainRTP() throws {
        let bridged = try Bridged()
        bridged.expectUnhurt(1)
        let stranger = try TestPeer("127.66.6.1", ssrc: bridged.b.ssrc)
        stranger.sequenceNumber = bridged.b.sequenceNumber
        for _ in 0..<100 { stranger.send(stranger.next([66]), to: bridged.legB) }
        bridged.expectUnhurt(2)
        let statistics = bridged.call.settle()
        #expect(statistics[.b]?.strangers == 100)
        #expect(statistics[.b]?.packetsReceived == 2)
        #expect(stranger.receiveOctets(within: 0) == nil, "nothing is sent to a stranger")
    }

    @Test func forgeriesOnSRTP() throws {
        let bridged = try Bridged()
        bridged.expectUnhurt(1)
        let wrongKeys = try SRTPKeys(
            suite: .aesCM128HMACSHA1_80, receive: [UInt8](repeating: 1, count: 30),
            send: [UInt8](repeating: 2, count: 30))
        // From elsewhere, and (a second socket of the same host cannot take the port) tampered from the peer itself.
        let stranger = try TestPeer("127.66.6.1", keys: wrongKeys, ssrc: bridged.a.ssrc)
        // libsrtp looks for replays before it authenticates: numbers that were not used yet.
        stranger.sequenceNumber = 500
        for _ in 0..<100 { stranger.send(stranger.next([66]), to: bridged.legA) }
        var forged = bridged.a.next([67])
        forged[14] ^= 1
        for _ in 0..<60 { bridged.a.send(forged, to: bridged.legA) }
        bridged.expectUnhurt(2)
        let statistics = bridged.call.settle()
        #expect(statistics[.a]?.strangers == 100)
        #expect(statistics[.a]?.unauthenticated == 60)
        #expect(statistics[.a]?.packetsReceived == 2)
        #expect(stranger.receiveOctets(within: 0) == nil)
    }

    @Test func tellsOnceThatKeysDoNotFit() throws {
        let call = try TestCall()
        let wrongKeys = try SRTPKeys(
            suite: .aesCM128HMACSHA1_80, receive: [UInt8](repeating: 1, count: 30),
            send: [UInt8](repeating: 2, count: 30))
        let peer = try TestPeer(keys: wrongKeys)
        let leg = try call.leg(.a, to: peer, keys: TestCall.keys)
        call.start(.a)
        for _ in 0..<200 { peer.send(peer.next([1]), to: leg) }
        let told = call.events.wait {
            if case .authenticationFailing = $0 { true } else { false }
        }
        #expect(told == .authenticationFailing(.a, count: 50))
        #expect(call.settle()[.a]?.unauthenticated == 200)
        #expect(call.events.all.count == 1)
    }

    @Test func replaysOnSRTP() throws {
        let bridged = try Bridged()
        let packet = bridged.a.next([7])
        for _ in 0..<5 { bridged.a.send(packet, to: bridged.legA) }
        // The recorded packet from elsewhere does not turn the stream there.
        let stranger = try TestPeer("127.66.6.1")
        stranger.send(packet, to: bridged.legA)
        bridged.expectUnhurt(2)
        let statistics = bridged.call.settle()
        #expect(statistics[.a]?.replayed == 5)
        #expect(statistics[.a]?.packetsReceived == 2)
        #expect(stranger.receiveOctets(within: 0) == nil)
    }

    @Test func malformedPackets() throws {
        let bridged = try Bridged()
        let junk: [[UInt8]] = [
            [0], [0x80], [UInt8](repeating: 0, count: 11), [UInt8](repeating: 0xff, count: 1_400),
            [UInt8](repeating: 0, count: 3_000), [0x80, 201, 0, 99, 0, 0, 0, 0],
            [0x9f, 111] + [UInt8](repeating: 0, count: 20),
            [0xa0, 111] + [UInt8](repeating: 0, count: 20),
            [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42] + [UInt8](repeating: 0, count: 12),
        ]
        for octets in junk {
            bridged.b.send(octets, to: bridged.legB)
            bridged.a.send(octets, to: bridged.legA)
        }
        bridged.expectUnhurt(2)
        let statistics = bridged.call.settle()
        #expect(statistics[.b]?.malformed == UInt64(junk.count))
        let a = try #require(statistics[.a])
        #expect(a.malformed + a.unauthenticated + a.replayed == UInt64(junk.count))
        #expect(a.packetsReceived == 1)
    }

    @Test func payloadTypesThatNobodyAgreedOn() throws {
        let bridged = try Bridged()
        bridged.expectUnhurt(1)
        bridged.a.send(bridged.a.next([1], type: 13), to: bridged.legA)
        bridged.b.send(bridged.b.next([1], type: 0), to: bridged.legB)
        bridged.expectUnhurt(2)
        let statistics = bridged.call.settle()
        #expect(statistics[.a]?.unknownPayload == 1)
        #expect(statistics[.b]?.unknownPayload == 1)
        #expect(statistics[.a]?.lost == 0, "they are counted as received")
    }

    @Test func latchesOnceToAnotherPortOfThePeer() throws {
        let call = try TestCall()
        let signalled = try TestPeer("127.0.0.3")
        let real = try TestPeer("127.0.0.3")
        let third = try TestPeer("127.0.0.3")
        let leg = try call.leg(.b, to: signalled)
        call.session.echo(.b)
        call.start(.b)
        #expect(signalled.receive() != nil)
        real.send(real.next([9, 9], type: 13), to: leg)
        real.send(real.next([1, 1]), to: leg)
        #expect(real.receive(payload: [1, 1]) != nil)
        third.send(third.next([2, 2]), to: leg)
        real.send(real.next([3, 3]), to: leg)
        #expect(real.receive(payload: [3, 3]) != nil)
        let statistics = call.settle()
        #expect(statistics[.b]?.strangers == 2, "an unknown payload type does not latch, and there is one latch")
        #expect(statistics[.b]?.packetsReceived == 2)
        #expect(third.receiveOctets(within: 0) == nil)
    }

    @Test func doesNotLatchWhereThatIsOff() throws {
        let call = try TestCall()
        let signalled = try TestPeer("127.0.0.3")
        let other = try TestPeer("127.0.0.3")
        let leg = try call.leg(.b, to: signalled, symmetric: false)
        call.session.echo(.b)
        call.start(.b)
        other.send(other.next([1, 1]), to: leg)
        signalled.send(signalled.next([2, 2]), to: leg)
        #expect(signalled.receive(payload: [2, 2]) != nil)
        #expect(call.settle()[.b]?.strangers == 1)
    }

    @Test func followsAnAuthenticatedSource() throws {
        let call = try TestCall()
        let signalled = try TestPeer("127.0.0.2", keys: TestCall.keys)
        let real = try TestPeer("127.0.0.4", keys: TestCall.keys)
        let leg = try call.leg(.a, to: signalled, keys: TestCall.keys)
        call.session.echo(.a)
        call.start(.a)
        #expect(signalled.receive() != nil)
        real.send(real.next([1, 1]), to: leg)
        #expect(real.receive(payload: [1, 1]) != nil)
        #expect(call.settle()[.a]?.strangers == 0)
    }

    @Test func beforeConnectNobodyIsHeard() throws {
        let call = try TestCall()
        let leg = try call.session.openLeg(.a)
        let peer = try TestPeer()
        peer.send(peer.next([1]), to: leg)
        peer.send(peer.rtcp([.receiverReport(ssrc: 1, blocks: [])]), to: leg)
        let other = try call.leg(.b, to: peer)
        call.session.echo(.b)
        call.start(.b)
        peer.send(peer.next([2]), to: other)
        #expect(peer.receive(payload: [2]) != nil)
        #expect(call.settle()[.a]?.strangers == 2)
    }
}
