import Media
import NIOCore
import NIOPosix
import SIPCore
import SIPEdge
import Simulators
import Testing

extension SimulatorSuite {
    /// Media of a business over the wire, and what Meta's side can do with its own.
    @Suite("Media to and from Meta") struct MediaTests {
        /// A call that is up, with the business's socket and keys.
        private static func talk(
            watchdogs: MetaWatchdogs = MetaWatchdogs(), faults: (inout CallFaults) -> Void = { _ in },
            _ body: (MetaSimulator, Business, inout BusinessScript, RawMedia) async throws -> Void
        ) async throws {
            var changed = CallFaults()
            faults(&changed)
            let behaviour = UserBehaviour(faults: changed)
            try await MetaSimulator.run({ $0.watchdogs = watchdogs }, behaviour: behaviour) { meta in
                let business = try await Business(meta)
                let media = try await RawMedia()
                var script = BusinessScript()
                script.mediaPort = media.port
                let answer = try await business.invite(&script)
                try media.connect(script, answer)
                script.answered(answer)
                try await body(meta, business, &script, media)
                await media.close()
                await business.wire.close()
            }
        }

        private static func hangUp(_ business: Business, _ script: BusinessScript) async throws {
            try await business.wire.send(script.request("BYE", cseq: script.cseq + 1))
            _ = try await business.wire.response(to: .bye)
        }

        @Test("Meta waits for the business, then sends what authenticates")
        func firstPacket() async throws {
            try await Self.talk { meta, business, script, media in
                try await business.wire.send(script.ack)
                try await Task.sleep(for: .milliseconds(100))
                #expect(media.count == 0, "nothing before the business's first packet")
                try await media.send(1)
                let header = try #require(try await media.next())
                #expect(header.payloadType == 111)
                try await Self.hangUp(business, script)
                let report = try #require(await meta.nextTakenCall())
                #expect(report.violations == [] && report.media.ssrcs == [media.ssrc])
                #expect(report.statistics.packetsReceived == 1 && report.firstMedia != nil)
            }
        }

        @Test("no media: Meta hangs up and says why")
        func absent() async throws {
            try await Self.talk(watchdogs: MetaWatchdogs(atStart: .milliseconds(200))) { meta, business, script, _ in
                try await business.wire.send(script.ack)
                let bye = try await business.wire.request(.bye)
                #expect(bye.headers[first: .reason]?.contains("media was not received for a long time") == true)
                try await business.wire.send(bye.response(200))
                let report = try #require(await meta.nextTakenCall())
                #expect(report.outcome == .silent(afterMedia: false))
                #expect(report.violations.map(\.rule) == [.mediaAbsent])
            }
        }

        @Test("media that stops: Meta hangs up")
        func stopped() async throws {
            let watchdogs = MetaWatchdogs(atStart: .milliseconds(200), later: .milliseconds(400))
            try await Self.talk(watchdogs: watchdogs) { meta, business, script, media in
                try await business.wire.send(script.ack)
                try await media.send(1)
                let bye = try await business.wire.request(.bye)
                try await business.wire.send(bye.response(200))
                let report = try #require(await meta.nextTakenCall())
                #expect(report.outcome == .silent(afterMedia: true))
                #expect(report.violations.map(\.rule) == [.mediaStopped])
            }
        }

        @Test("a second SSRC, another key, another socket, plain RTP")
        func wrongPackets() async throws {
            try await Self.talk { meta, business, script, media in
                try await business.wire.send(script.ack)
                try await media.send(1)
                _ = try await media.next()
                media.ssrc &+= 1
                try await media.send(3)
                try await media.send(1, plain: true)
                let other = try await RawMedia()
                try other.connect(script, nil, like: media)
                other.sequence = media.sequence
                other.ssrc = media.ssrc &- 1
                try await other.send(1)
                try await eventually { await meta.packetsReceived == 5 }
                try await Self.hangUp(business, script)
                let report = try #require(await meta.nextTakenCall())
                #expect(Set(report.violations.map(\.rule)) == [.mediaSSRC, .mediaPlain, .mediaSource])
                #expect(report.media.garbled == 3 && report.media.unauthenticated == 1 && report.media.otherSource == 1)
                await other.close()
            }
        }

        @Test("Meta's own faults: it sends first, with wrong keys, two SSRCs, or stops")
        func faults() async throws {
            try await Self.talk(faults: { $0.media.sendsFirst = true }) { _, business, script, media in
                try await business.wire.send(script.ack)
                #expect(try await media.next() != nil)
            }
            try await Self.talk(faults: {
                $0.media.sendsFirst = true
                $0.media.wrongKeys = true
            }) { _, business, script, media in
                try await business.wire.send(script.ack)
                #expect(try await media.next() == nil, "it does not authenticate")
            }
            try await Self.talk(faults: {
                $0.media.sendsFirst = true
                $0.media.changesSSRCAfter = .milliseconds(100)
            }) { _, business, script, media in
                try await business.wire.send(script.ack)
                let first = try #require(try await media.next())
                var later = first
                while later.ssrc == first.ssrc { later = try #require(try await media.next()) }
            }
            try await Self.talk(faults: {
                $0.media.sendsFirst = true
                $0.media.stopsAfter = .milliseconds(100)
            }) { _, business, script, media in
                try await business.wire.send(script.ack)
                _ = try await media.next()
                try await Task.sleep(for: .milliseconds(200))
                let count = media.count
                try await Task.sleep(for: .milliseconds(200))
                #expect(media.count == count)
            }
            try await Self.talk(faults: { $0.media.silent = true }) { _, business, script, media in
                try await business.wire.send(script.ack)
                try await media.send(1)
                try await Task.sleep(for: .milliseconds(100))
                #expect(media.count == 0)
            }
        }
    }
}

/// A business's media socket on which a test sends what it likes. Not to be used by two tasks.
final class RawMedia {
    let port: UInt16
    private(set) var key: [UInt8] = []
    private(set) var metaKey: [UInt8] = []
    private(set) var remote: SocketAddress?
    var ssrc = UInt32.random(in: 1...(.max - 2))
    var sequence: UInt16 = 100
    private var timestamp: UInt32 = 1_000
    private let channel: any Channel
    private let inbox = Inbox<[UInt8]>()
    private let received = Counter()
    private var box: Box?

    private final class Box {
        var session: SRTPSession
        init(_ session: consuming SRTPSession) { self.session = session }
    }

    init() async throws {
        let inbox = self.inbox
        let received = self.received
        channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RawInbox(inbox, received))
                }
            }
            .bind(host: Example.businessAddress, port: 0).get()
        port = UInt16(clamping: channel.localAddress?.port ?? 0)
    }

    var count: Int { received.value }

    /// Takes keys and address from the offer and its answer, or from another socket of the call.
    func connect(_ script: BusinessScript, _ answer: Response?, like other: RawMedia? = nil) throws {
        key = script.key
        if let answer {
            let stream = try AudioStream(SessionDescription(parsing: answer.body.span))
            metaKey = stream.cryptos.first?.masterKeyAndSalt ?? []
            remote = try SocketAddress(ipAddress: stream.address, port: Int(stream.port))
        } else if let other {
            metaKey = other.metaKey
            remote = other.remote
        }
        box = Box(
            try SRTPSession(keys: SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: metaKey, send: key)))
    }

    /// So many packets of silence at once, 20 ms apart by their clock.
    func send(_ count: Int, plain: Bool = false) async throws {
        guard let remote else { return }
        for _ in 0..<count {
            var octets = [UInt8](repeating: 0, count: RTPHeader.length) + OpusFrame.silence20ms
            let header = RTPHeader(
                marker: false, payloadType: 111, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc)
            octets.withUnsafeMutableBytes { header.write(into: $0) }
            sequence &+= 1
            timestamp &+= 960
            var length = octets.count
            if !plain, let box {
                octets += [UInt8](repeating: 0, count: SRTPSession.trailer)
                _ = octets.withUnsafeMutableBytes { box.session.protect($0, length: &length) }
            }
            try await channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: octets.prefix(length))))
        }
    }

    /// The next packet; nil when it does not authenticate.
    func next() async throws -> RTPHeader? {
        while var octets = await inbox.next() {
            guard !(192...223).contains(octets[1]) else { continue }
            var length = octets.count
            guard let box else { return nil }
            let outcome = octets.withUnsafeMutableBytes { box.session.unprotect($0, length: &length) }
            return outcome == .ok ? try RTPHeader(parsing: octets.span.extracting(0..<length)) : nil
        }
        throw Wire.Ended()
    }

    func close() async { try? await channel.close() }
}
