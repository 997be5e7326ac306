import Glibc
import Testing

@testable import Media

@Suite("Engine: ports, sessions, ends", .tags(.engine), .timeLimit(.minutes(2)))
struct EngineLifetimeTests {
    @Test func exhaustedPortsAreToldAndComeBack() throws {
        let ports = TestCall.ports(pairs: 2)
        let call = try TestCall {
            $0.ports = ports
            $0.portRest = .zero
        }
        let first = try call.session.openLeg(.a)
        let second = try call.session.openLeg(.b)
        #expect(Set([first.port, second.port]) == [ports.lowerBound, ports.lowerBound + 2])
        #expect(first.port % 2 == 0)
        let other = call.engine.makeSession(id: "other") { _ in }
        let error = #expect(throws: MediaError.self) { try other.openLeg(.a) }
        #expect(error?.code == .portRangeExhausted)
        #expect(error?.remedy.contains("media.ports") == true)
        #expect(error?.message.contains("2 in use") == true)
        call.session.close()
        call.settle()
        #expect(ports.contains(try other.openLeg(.a).port))
    }

    @Test func portsRest() async throws {
        let call = try TestCall {
            $0.ports = TestCall.ports(pairs: 1)
            $0.portRest = .seconds(60)
        }
        _ = try call.session.openLeg(.a)
        call.session.close()
        let statistics = await call.engine.currentStatistics()
        #expect(statistics.portsResting == 1)
        #expect(statistics.portsUsed == 0)
        let error = #expect(throws: MediaError.self) { try call.engine.makeSession(id: "x") { _ in }.openLeg(.a) }
        #expect(error?.message.contains("1 resting") == true)
    }

    @Test func portsOfOtherProgramsAreSkipped() async throws {
        let ports = TestCall.ports(pairs: 3)
        // The even port of the first pair and the odd one of the second are taken.
        let squatters = [
            try TestPeer("127.0.0.1", port: ports.lowerBound), try TestPeer("127.0.0.1", port: ports.lowerBound + 3),
        ]
        let call = try TestCall { $0.ports = ports }
        #expect(try call.session.openLeg(.a).port == ports.lowerBound + 4)
        let error = #expect(throws: MediaError.self) { try call.session.openLeg(.b) }
        #expect(error?.message.contains("2 held by other programs") == true)
        #expect(await call.engine.currentStatistics().portsSquatted == 2)
        withExtendedLifetime(squatters) {}
    }

    @Test("with RTCP on the RTP port, the port above it is not bound, and may be another program's")
    func muxedLegsTakeOnePort() throws {
        let ports = TestCall.ports(pairs: 1)
        let other = try TestPeer("127.0.0.1", port: ports.lowerBound + 1)
        let call = try TestCall { $0.ports = ports }
        let peer = try TestPeer()
        let leg = try call.session.openLeg(.a, rtcpMux: true)
        #expect(leg.port == ports.lowerBound)
        call.session.connect(
            .a, LegParameters(remote: peer.address, audioPayloadType: 111, ssrc: 1, cname: "test@example.com"))
        call.start(.a)
        #expect(peer.receive() != nil)
        withExtendedLifetime(other) {}
    }

    @Test func legsAreLimited() throws {
        let call = try TestCall { $0.maxLegs = 1 }
        _ = try call.session.openLeg(.a)
        let error = #expect(throws: MediaError.self) { try call.session.openLeg(.b) }
        #expect(error?.code == .legLimit)
    }

    @Test func aLegOpensOnce() throws {
        let call = try TestCall()
        _ = try call.session.openLeg(.a)
        #expect(throws: MediaError.self) { try call.session.openLeg(.a) }
        call.session.close()
        let error = #expect(throws: MediaError.self) { try call.session.openLeg(.b) }
        #expect(error?.code == .sessionClosed)
    }

    struct Impossible: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var change: @Sendable (inout MediaConfiguration) -> Void
        var code: MediaError.Code
        var remedy: String
    }

    static let impossible = [
        Impossible(
            testDescription: "an address of another machine", change: { $0.bindAddress = "192.0.2.1" },
            code: .addressUnavailable, remedy: "media.bindAddress"),
        Impossible(
            testDescription: "a name", change: { $0.bindAddress = "media.example.com" }, code: .addressUnavailable,
            remedy: "media.bindAddress"),
        Impossible(
            testDescription: "a range without a pair", change: { $0.ports = 20_001...20_002 }, code: .badConfiguration,
            remedy: "media.ports"),
        Impossible(
            testDescription: "ports of the system", change: { $0.ports = 100...200 }, code: .badConfiguration,
            remedy: "1024"),
        Impossible(
            testDescription: "no workers", change: { $0.workers = 0 }, code: .badConfiguration, remedy: "processor"),
        Impossible(testDescription: "no legs", change: { $0.maxLegs = 0 }, code: .badConfiguration, remedy: "call"),
        Impossible(
            testDescription: "a negative rest", change: { $0.portRest = .seconds(-1) }, code: .badConfiguration,
            remedy: "media.portRest"),
    ]

    @Test(arguments: impossible) func refusesToStart(_ example: Impossible) {
        let error = #expect(throws: MediaError.self) { _ = try TestCall(example.change) }
        #expect(error?.code == example.code)
        #expect(error?.remedy.contains(example.remedy) == true)
    }

    @Test func anIPv6PeerNeedsAnIPv6Leg() throws {
        let call = try TestCall()
        _ = try call.session.openLeg(.a)
        let remote = try #require(MediaAddress("2001:db8::1", port: 4_000))
        call.session.connect(.a, LegParameters(remote: remote, audioPayloadType: 0, ssrc: 1, cname: ""))
        guard case .ended(.a, .failed(let error)) = call.events.wait({ _ in true }) else {
            Issue.record("not told")
            return
        }
        #expect(error.code == .addressUnavailable)
    }

    @Test func servesBothFamiliesOnAnIPv6Socket() throws {
        // Machines without IPv6 have nothing to test here.
        guard let any = MediaAddress("::", port: 0), let probe = try? UDPSocket.open(any) else { return }
        UDPSocket.close(probe)
        let call = try TestCall { $0.bindAddress = "::" }
        let peer = try TestPeer("127.0.0.5")
        let leg = try call.leg(.a, to: peer)
        call.session.echo(.a)
        call.start(.a)
        let reachable = try #require(MediaAddress("127.0.0.1", port: leg.port))
        peer.send(peer.next([6, 6, 6]), to: reachable)
        #expect(peer.receive(payload: [6, 6, 6]) != nil)
    }

    @Test func connectMayBeRepeated() throws {
        let call = try TestCall()
        let first = try TestPeer("127.0.0.2", keys: TestCall.keys)
        let second = try TestPeer("127.0.0.3", keys: TestCall.keys, ssrc: 8)
        let leg = try call.session.openLeg(.a)
        func connect(_ peer: TestPeer, ssrc: UInt32 = 5) {
            call.session.connect(
                .a,
                LegParameters(
                    remote: peer.address, audioPayloadType: 111, srtp: TestCall.keys, ssrc: ssrc, cname: "x"))
        }
        connect(first)
        call.session.echo(.a)
        call.start(.a)
        first.send(first.next([1, 1, 1]), to: leg)
        let before = try #require(first.receive(payload: [1, 1, 1]))
        connect(first)
        first.send(first.next([2, 2, 2]), to: leg)
        #expect(first.receive(payload: [2, 2, 2]) != nil)
        connect(second, ssrc: 6)
        call.settle()
        second.send(second.next([3, 3, 3]), to: leg)
        let after = try #require(second.receive(payload: [3, 3, 3]))
        #expect(after.header.ssrc == before.header.ssrc, "the SSRC is the leg's for life")
        #expect(after.header.sequenceNumber &- before.header.sequenceNumber < 100)
    }

    @Test func thousandSessionsLeaveNothing() async throws {
        let ports = TestCall.ports(pairs: 64)
        let call = try TestCall {
            $0.workers = 2
            $0.ports = ports
            $0.portRest = .zero
        }
        let peer = try TestPeer(keys: TestCall.keys)
        func run(_ count: Int) throws {
            for number in 0..<count {
                let session = call.engine.makeSession(id: "\(number)") { _ in }
                _ = try session.openLeg(.a)
                _ = try session.openLeg(.b)
                session.connect(
                    .a,
                    LegParameters(
                        remote: peer.address, audioPayloadType: 111, srtp: TestCall.keys, ssrc: UInt32(number + 1),
                        cname: "x"))
                session.start(.a)
                session.play(.a, Prompt(frames: [[1]]), loops: 0)
                // Every other one is closed by being let go. Its worker is done with it before the next one begins.
                if number % 2 == 0 { session.close() }
                let statistics = call.settle(session)
                #expect(statistics[.a]?.packetsSent ?? 0 >= 1)
            }
        }
        try run(20)
        // Waits for both workers.
        _ = await call.engine.currentStatistics()
        #expect(Self.openSockets(ports) == 0)
        let session = call.engine.makeSession(id: "one") { _ in }
        _ = try session.openLeg(.a)
        #expect(Self.openSockets(ports) == 2, "the count sees RTP and RTCP of an open leg")
        session.close()
        try run(1_000)
        let after = await call.engine.currentStatistics()
        #expect(Self.openSockets(ports) == 0)
        #expect(after.sessions == 1)
        #expect(after.legs == 0)
        #expect(after.portsUsed == 0)
        #expect(after.packetsSent >= 1_020)
    }

    /// Sockets of this process on ports of the range; other tests run meanwhile and have descriptors of their own.
    private static func openSockets(_ ports: ClosedRange<UInt16>) -> Int {
        (0..<Int32(4_096)).count { descriptor in UDPSocket.port(of: descriptor).map(ports.contains) ?? false }
    }

    @Test func shutdownEndsEverything() throws {
        let call = try TestCall()
        let peer = try TestPeer()
        _ = try call.leg(.a, to: peer)
        call.start(.a)
        #expect(peer.receive() != nil)
        call.engine.shutdown()
        call.engine.shutdown()
        #expect(peer.receiveBye() == [0xaaaa_0001])
        let error = #expect(throws: MediaError.self) { try call.session.openLeg(.b) }
        #expect(error?.code == .sessionClosed)
        #expect(call.settle()[.a]?.packetsSent ?? 0 >= 1)
        #expect(call.engine.statistics.portsUsed == 0)
        #expect(call.engine.statistics.legs == 0)
    }

    @Test func workersShareTheSessions() throws {
        let call = try TestCall { $0.workers = 2 }
        let sessions = (0..<9).map { call.engine.makeSession(id: "\($0)") { _ in } }
        #expect(call.engine.loads == [5, 5])
        withExtendedLifetime(sessions) {}
    }
}
