import Media
import NIOCore
import NIOPosix
import SIPCore

/// One call's media at Meta: a UDP socket, SRTP, a WhatsApp user who says and hears something. On the simulator's loop.
///
/// It has a socket and a clock of its own instead of the media engine: it must see what the engine would hide.
final class MetaMedia {
    let port: UInt16
    /// Our own key and SSRC, as the description says them.
    let local: LocalAudio
    private let channel: any Channel
    private let loop: any EventLoop
    private let faults: MediaFaults
    private let meter: MediaMeter
    private(set) var rules: MediaRules
    private var srtp: SRTPBox?
    private var remote: SocketAddress?
    private var sender: MetaVoice?
    private var statistics = LegStatistics()
    private var receiver: ReceiverStatistics?
    private var events = TelephoneEventReceiver(clockRate: 48_000)
    private let recording: PacketRecording?
    private let openedAt: NIODeadline
    private var startedAt: NIODeadline?
    private var ticker: Scheduled<Void>?
    private var reporter: Scheduled<Void>?
    private var watcher: Scheduled<Void>?
    private var lastReport: (sent: NIODeadline, middle: UInt32)?
    private(set) var digitsHeard = ""
    private(set) var firstMedia: Duration?
    private var isClosed = false
    /// The business has answered, or has been answered: media is allowed from now on.
    var isAnswered = false
    /// Meta's watchdog.
    var onSilence: (MediaRules.Silence) -> Void = { _ in }

    /// Binds a port of the kernel's choice.
    static func open(
        _ core: MetaCore, recordSeconds: Int, faults: MediaFaults,
        _ completion: @escaping (Result<MetaMedia, any Error>) -> Void
    ) {
        let loop = core.loop
        let address = core.settings.address
        let watchdogs = core.settings.watchdogs
        let meter = NIOLoopBound(core.meter, eventLoop: loop)
        let inbox = MediaInbox()
        let local = NIOLoopBound(inbox, eventLoop: loop)
        let done = NIOLoopBound(completion, eventLoop: loop)
        DatagramBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2_048))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(local.value) }
            }
            .bind(host: address, port: 0)
            .assumeIsolated().whenComplete { result in
                done.value(
                    result.map { channel in
                        let media = MetaMedia(
                            channel, address: address, recordSeconds: recordSeconds, watchdogs: watchdogs,
                            faults: faults, meter: meter.value, loop: loop)
                        inbox.received = { [weak media] in media?.received($0) }
                        return media
                    })
            }
    }

    private init(
        _ channel: any Channel, address: String, recordSeconds: Int, watchdogs: MetaWatchdogs, faults: MediaFaults,
        meter: MediaMeter, loop: any EventLoop
    ) {
        self.meter = meter
        self.channel = channel
        self.loop = loop
        self.faults = faults
        rules = MediaRules(watchdogs: watchdogs)
        port = UInt16(clamping: channel.localAddress?.port ?? 0)
        openedAt = loop.now
        recording = recordSeconds > 0 ? PacketRecording(seconds: recordSeconds) : nil
        var generator = SystemRandomNumberGenerator()
        local = LocalAudio(
            address: address, port: port, sessionID: .random(in: 1_700_000_000_000...1_900_000_000_000),
            ssrc: .random(in: 1...UInt32.max), cname: "WhatsAppAudioStream1",
            masterKeyAndSalt: (0..<30).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Where to send, and with which keys. Nothing is sent before ``start(_:)``.
    func connect(_ negotiated: NegotiatedAudio, announced: UInt32?) throws {
        remote = try SocketAddress(ipAddress: negotiated.remoteAddress, port: Int(negotiated.remotePort))
        if let send = negotiated.sendCrypto, let receive = negotiated.receiveCrypto,
            let suite = Media.SRTPSuite(rawValue: receive.suite.rawValue)
        {
            var own = send.masterKeyAndSalt
            if faults.wrongKeys { own[0] ^= 0xFF }
            srtp = SRTPBox(
                try SRTPSession(keys: SRTPKeys(suite: suite, receive: receive.masterKeyAndSalt, send: own)))
        }
        rules.agreed(
            MediaRules.Agreement(
                address: negotiated.remoteAddress, port: negotiated.remotePort, audio: negotiated.audio.payloadType,
                event: negotiated.event?.payloadType, announced: announced))
        sender = MetaVoice(
            ssrc: local.ssrc, audio: negotiated.audio.payloadType, event: negotiated.event?.payloadType)
    }

    /// The call is up. The user speaks once the business has been heard (meta-calling §11.7), unless a fault says otherwise.
    func start(says: Prompt?) {
        guard startedAt == nil else { return }
        startedAt = loop.now
        sender?.prompt = says
        rules.started(now: now)
        if faults.sendsFirst || statistics.packetsReceived > 0 { speak() }
        watch()
    }

    private func watch() {
        watcher = loop.assumeIsolated().scheduleTask(in: .milliseconds(50)) { [weak self] in
            guard let self, !self.isClosed else { return }
            guard let silence = self.rules.silence(now: self.now) else { return self.watch() }
            self.onSilence(silence)
        }
    }

    func press(_ digits: String) {
        sender?.events.enqueue(digits, duration: .milliseconds(160), gap: .milliseconds(80))
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        ticker?.cancel()
        watcher?.cancel()
        reporter?.cancel()
        recording?.finish()
        channel.close(promise: nil)
    }

    /// What was received and sent so far.
    var summary: MediaSummary {
        var statistics = statistics
        if let receiver {
            statistics.lost = receiver.lost
            statistics.duplicates = receiver.duplicates
            statistics.reordered = receiver.reordered
            statistics.jitter = receiver.jitterMilliseconds
        }
        return MediaSummary(
            statistics: statistics, figures: rules.figures, violations: rules.violations, digits: digitsHeard,
            firstMedia: firstMedia, recording: recording)
    }

    private var now: MediaInstant { MediaInstant(nanoseconds: loop.now.uptimeNanoseconds) }

    // MARK: Sending

    private func speak() {
        guard ticker == nil, !isClosed, !faults.silent else { return }
        let first = loop.now
        tick(first)
        report(in: .milliseconds(500))
    }

    private func report(in delay: TimeAmount) {
        reporter = loop.assumeIsolated().scheduleTask(in: delay) { [weak self] in
            guard let self, !self.isClosed else { return }
            self.sendReport()
            self.report(in: .seconds(5))
        }
    }

    /// By deadlines, so that no delay adds up.
    private func tick(_ due: NIODeadline) {
        guard !isClosed else { return }
        if let stop = faults.stopsAfter, let startedAt, loop.now - startedAt >= TimeAmount(stop) {
            reporter?.cancel()
            return
        }
        sendPacket()
        let next = due + .milliseconds(20)
        ticker = loop.assumeIsolated().scheduleTask(deadline: next) { [weak self] in self?.tick(next) }
    }

    private func sendPacket() {
        guard var sender else { return }
        if let change = faults.changesSSRCAfter, let startedAt, loop.now - startedAt >= TimeAmount(change) {
            sender.changeSSRC()
        }
        let packet = sender.next()
        self.sender = sender
        guard let packet else { return }
        send(packet, isReport: false)
        statistics.packetsSent &+= 1
        statistics.octetsSent &+= UInt64(packet.count - RTPHeader.length)
        if statistics.firstPacketSentAfterStart == nil, let startedAt {
            statistics.firstPacketSentAfterStart = .nanoseconds((loop.now - startedAt).nanoseconds)
        }
    }

    private func send(_ packet: [UInt8], isReport: Bool) {
        guard let remote, !isClosed else { return }
        var octets = packet
        var length = octets.count
        if let srtp {
            octets += [UInt8](repeating: 0, count: SRTPSession.trailer)
            let outcome = octets.withUnsafeMutableBytes { buffer in
                isReport
                    ? srtp.session.protectRTCP(buffer, length: &length)
                    : srtp.session.protect(buffer, length: &length)
            }
            guard outcome == .ok else {
                statistics.sendFailures &+= 1
                return
            }
        }
        channel.writeAndFlush(
            AddressedEnvelope(remoteAddress: remote, data: ByteBuffer(bytes: octets.prefix(length))), promise: nil)
    }

    /// A sender report of ours, so that the business learns its round trip and we learn ours.
    private func sendReport() {
        guard let sender else { return }
        // Since 1900 the middle 32 bits count 1/65536 s; any origin will do among the two of us.
        let nanoseconds = loop.now.uptimeNanoseconds
        let fraction = ((nanoseconds % 1_000_000_000) << 32) / 1_000_000_000
        let ntp = (nanoseconds / 1_000_000_000) << 32 | fraction
        lastReport = (loop.now, UInt32(truncatingIfNeeded: ntp >> 16))
        var octets: [UInt8] = []
        for packet in sender.report(ntp: ntp, cname: local.cname, receiver: &receiver, statistics) {
            packet.write(into: &octets)
        }
        send(octets, isReport: true)
        statistics.rtcpSent &+= 1
    }

    // MARK: Receiving

    private func received(_ datagram: AddressedEnvelope<ByteBuffer>) {
        guard !isClosed else { return }
        var octets = Array(datagram.data.readableBytesView)
        guard octets.count >= 8, octets[0] >> 6 == 2 else {
            statistics.malformed &+= 1
            return
        }
        guard isAnswered else { return rules.early() }
        var length = octets.count
        // RFC 5761 §4.
        let isReport = (192...223).contains(octets[1])
        if let srtp {
            let outcome = octets.withUnsafeMutableBytes { buffer in
                isReport
                    ? srtp.session.unprotectRTCP(buffer, length: &length)
                    : srtp.session.unprotect(buffer, length: &length)
            }
            switch outcome {
            case .ok: break
            case .replayed:
                statistics.replayed &+= 1
                return
            case .unauthenticated, .malformed, .failed:
                statistics.unauthenticated &+= 1
                return rules.unauthenticated()
            }
        }
        rules.came(from: datagram.remoteAddress.ipAddress ?? "?", UInt16(clamping: datagram.remoteAddress.port ?? 0))
        octets.removeLast(octets.count - length)
        if isReport { receivedReport(octets) } else { receivedPacket(octets) }
    }

    private func receivedPacket(_ octets: [UInt8]) {
        guard let header = try? RTPHeader(parsing: octets.span) else {
            statistics.malformed &+= 1
            return
        }
        let now = now
        heard(header)
        switch rules.received(header, payload: octets.span.extracting(header.payload), now: now) {
        case .garbled:
            return
        case .event(let header, let event):
            count(header, now, isAudio: false)
            if let press = events.received(event, timestamp: header.timestamp, now: now) {
                digitsHeard.append(press.key)
            }
        case .audio(let header):
            count(header, now, isAudio: true)
            if let press = events.flush(now: now, audioTimestamp: header.timestamp) { digitsHeard.append(press.key) }
            octets.withUnsafeBytes { buffer in
                recording?.append(
                    UnsafeRawBufferPointer(rebasing: buffer[header.payload]), payloadType: header.payloadType,
                    sequence: header.sequenceNumber, timestamp: header.timestamp, marker: header.marker,
                    arrival: Int64(clamping: now.nanoseconds))
            }
        }
    }

    private func heard(_ header: RTPHeader) {
        meter.packetsReceived &+= 1
        statistics.packetsReceived &+= 1
        statistics.octetsReceived &+= UInt64(header.payload.count)
        guard statistics.packetsReceived == 1 else { return }
        statistics.remoteSSRC = header.ssrc
        statistics.firstPacketReceivedAfterOpen = .nanoseconds((loop.now - openedAt).nanoseconds)
        firstMedia = startedAt.map { .nanoseconds((loop.now - $0).nanoseconds) } ?? .zero
        if startedAt != nil { speak() }
    }

    private func count(_ header: RTPHeader, _ now: MediaInstant, isAudio: Bool) {
        var receiver = receiver ?? ReceiverStatistics(ssrc: header.ssrc, clockRate: 48_000)
        _ = receiver.arrived(
            sequenceNumber: header.sequenceNumber, timestamp: isAudio ? header.timestamp : nil, now: now)
        self.receiver = receiver
    }

    private func receivedReport(_ octets: [UInt8]) {
        statistics.rtcpReceived &+= 1
        rules.rtcp(now: now)
        for packet in (try? RTCPPacket.compound(parsing: octets.span)) ?? [] {
            let blocks: [RTCPPacket.ReportBlock]
            switch packet {
            case .senderReport(let report): blocks = report.blocks
            case .receiverReport(_, let found): blocks = found
            case .sourceDescription, .bye, .other: continue
            }
            guard let block = blocks.first(where: { $0.ssrc == local.ssrc }) else { continue }
            statistics.remoteFractionLost = Double(block.fractionLost) / 256
            statistics.remoteLost = Int64(block.lost)
            if let lastReport, block.lastReport == lastReport.middle {
                let held = Duration.seconds(Double(block.delay) / 65_536)
                statistics.roundTrip = max(.nanoseconds((loop.now - lastReport.sent).nanoseconds) - held, .zero)
            }
        }
    }
}

/// Packets of all calls.
final class MediaMeter {
    var packetsReceived: UInt64 = 0
}

/// What one call's media came to.
struct MediaSummary: Sendable {
    var statistics = LegStatistics()
    var figures = MediaFigures()
    var violations: [Violation] = []
    var digits = ""
    var firstMedia: Duration?
    var recording: PacketRecording?
}

/// Holds a session, which cannot be copied, where closures can reach it.
private final class SRTPBox {
    var session: SRTPSession
    init(_ session: consuming SRTPSession) { self.session = session }
}

private final class MediaInbox: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    var received: (AddressedEnvelope<ByteBuffer>) -> Void = { _ in }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { received(unwrapInboundIn(data)) }

    /// A port of the business that is closed (ICMP) is no reason to close ours.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
