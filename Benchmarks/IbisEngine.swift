import Media

/// Our media engine in this process: SRTP on one leg, RTP on the other.
struct IbisEngine: MediaUnderTest {
    let name = "Ibis"
    let calls: [CallUnderTest]
    private let engine: MediaEngine
    private let sessions: [MediaSession]

    init(calls: Int, sides: [Side]) async throws {
        let engine = try MediaEngine(MediaConfiguration(bindAddress: "127.0.0.1", ports: 12_000...31_999))
        let up = (0..<30).map { UInt8($0) }
        let down = (30..<60).map { UInt8($0) }
        var sessions: [MediaSession] = []
        self.calls = try (0..<calls).map { number in
            let session = engine.makeSession(id: "\(number)") { _ in }
            let (a, b) = (try session.openLeg(.a), try session.openLeg(.b))
            let ssrc = UInt32(number + 1)
            // No keep-alive packets while it is another's turn.
            session.connect(
                .a,
                LegParameters(
                    remote: sides[0].address, audioPayloadType: 111,
                    srtp: try SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: up, send: down), ssrc: ssrc,
                    cname: "bench", keepAlive: false))
            session.connect(
                .b,
                LegParameters(
                    remote: sides[1].address, audioPayloadType: 96, ssrc: ssrc, cname: "bench", keepAlive: false))
            session.bridge()
            session.start(.a)
            session.start(.b)
            sessions.append(session)
            return CallUnderTest(
                a: a, b: b, peer: try SRTPPeer(send: up, receive: down), payloadTypeA: 111, payloadTypeB: 96)
        }
        self.engine = engine
        self.sessions = sessions
        _ = await engine.currentStatistics()
    }

    func usage() throws -> CPUTime { try CPUTime.ofThreads(named: "ibis-media-") }

    func stop() { engine.shutdown() }
}
