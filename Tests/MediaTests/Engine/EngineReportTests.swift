import Testing

@testable import Media

@Suite("Engine: reports and watches", .tags(.engine), .timeLimit(.minutes(1)))
struct EngineReportTests {
    @Test(arguments: [true, false]) func reportsWithOurSource(_ secure: Bool) throws {
        let keys = secure ? TestCall.keys : nil
        let call = try TestCall()
        let peer = try TestPeer(keys: keys, ssrc: 55)
        let leg = try call.leg(.a, to: peer, keys: keys)
        call.start(.a)
        for number in [0, 1, 2, 4] {
            peer.send(peer.packet([1], sequenceNumber: UInt16(number), timestamp: UInt32(number) * 960), to: leg)
        }
        // The first report comes a second after the start.
        let compound = try #require(peer.receiveRTCP(within: 5_000))
        guard case .senderReport(let report) = compound.first else {
            Issue.record("no sender report: \(compound)")
            return
        }
        #expect(report.ssrc == 0xaaaa_0001)
        #expect(report.packets > 20)
        #expect(compound.dropFirst().first == .sourceDescription(ssrc: 0xaaaa_0001, cname: "test@example.com"))
        let block = try #require(report.blocks.first)
        #expect(block.ssrc == 55)
        #expect(block.lost == 1)
        #expect(block.highestSequenceNumber == 4)

        // Our report, answered as if the peer had held it for 100 ms.
        var answer = block
        answer.ssrc = 0xaaaa_0001
        answer.fractionLost = 64
        answer.lost = 9
        answer.lastReport = UInt32(truncatingIfNeeded: report.ntpTimestamp >> 16) &- 65_536
        answer.delay = 65_536
        peer.send(peer.rtcp([.receiverReport(ssrc: 55, blocks: [answer])]), to: leg)
        peer.send(peer.rtcp([.bye(sources: [55])]), to: leg)
        #expect(call.events.wait { $0 == .ended(.a, .bye) } != nil)
        let statistics = try #require(call.settle()[.a])
        let roundTrip = try #require(statistics.roundTrip)
        #expect(roundTrip >= .zero && roundTrip < .seconds(2))
        #expect(statistics.remoteFractionLost == 0.25)
        #expect(statistics.remoteLost == 9)
        #expect(statistics.rtcpReceived == 2)
        #expect(statistics.lost == 1)

        call.session.close()
        #expect(peer.receiveBye() == [0xaaaa_0001])
        #expect(call.settle()[.a]?.packetsReceived == 4, "kept after the end")
    }

    @Test func rtcpOnItsOwnPort() throws {
        let call = try TestCall()
        let ports = TestCall.ports(pairs: 1)
        let peer = try TestPeer("127.0.0.3", port: ports.lowerBound, ssrc: 55)
        let control = try TestPeer("127.0.0.3", port: ports.upperBound, ssrc: 55)
        let leg = try call.leg(.b, to: peer, rtcpMux: false)
        call.start(.b)
        #expect(peer.receive() != nil)
        let aboveLeg = leg.with(port: leg.port + 1)
        control.send(control.rtcp([.receiverReport(ssrc: 55, blocks: [])]), to: aboveLeg)
        let stranger = try TestPeer("127.66.6.1", ssrc: 55)
        stranger.send(stranger.rtcp([.bye(sources: [55])]), to: aboveLeg)
        let compound = try #require(control.receiveRTCP(within: 5_000))
        #expect(compound.count == 2)
        let statistics = try #require(call.settle()[.b])
        #expect(statistics.rtcpReceived == 1)
        #expect(statistics.strangers == 1)
        #expect(statistics.rtcpSent == 1)
    }

    @Test func tellsWhenNothingComes() throws {
        let call = try TestCall { $0.noMediaAfter = .milliseconds(120) }
        let peer = try TestPeer()
        let leg = try call.leg(.a, to: peer)
        call.start(.a)
        func count() -> Int {
            call.events.all.count { if case .noMedia(.a, _) = $0 { true } else { false } }
        }
        guard case .noMedia(.a, let since) = call.events.wait({ _ in count() == 1 }) else {
            Issue.record("not told")
            return
        }
        #expect(since >= .milliseconds(120))
        peer.send(peer.next([1]), to: leg)
        #expect(call.events.wait { $0 == .firstPacket(.a) } != nil)
        #expect(call.events.wait { _ in count() == 2 } != nil, "told again after media came and went")
    }
}
