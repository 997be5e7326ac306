import Media
import NIOCore
import SIPCore
import SIPEdge

/// Runs one ``PBXCall`` on the endpoint's loop.
final class PlacedCall {
    private let call: PBXCall
    private let parts: StandInEndpoint.Parts
    private let loop: any EventLoop
    private let media: MediaSession
    private let recording: PacketRecording?
    private let local: LocalAudio
    private let leg: OutgoingLeg
    private var offer: PendingOffer?
    private let done: @Sendable (WhatsAppCallReport) -> Void
    private var report: WhatsAppCallReport
    private var startedAt: NIODeadline
    private var acknowledgedAt: NIODeadline?
    private var timers: [Scheduled<Void>] = []
    private var answered = false
    private var hungUp = false
    private var outcome: WhatsAppCallReport.Outcome?

    /// Throws when no port is free or the call's own values make no SIP.
    init(
        _ call: PBXCall, endpoint: StandInEndpoint, done: @escaping @Sendable (WhatsAppCallReport) -> Void
    ) throws {
        self.call = call
        self.done = done
        let parts = endpoint.parts.value
        self.parts = parts
        loop = endpoint.loop
        let ids = IDSource.random
        let events = MediaEvents(loop: loop)
        media = endpoint.engine.makeSession(id: ids.next()) { events.post($0) }
        let address = try media.openLeg(.a)
        var generator = SystemRandomNumberGenerator()
        local = LocalAudio(
            address: endpoint.address, port: address.port,
            sessionID: UInt64.random(in: 1_700_000_000_000...1_900_000_000_000),
            ssrc: .random(in: 1...UInt32.max), cname: "WhatsAppAudioStream1",
            masterKeyAndSalt: (0..<30).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let pending = call.offer(local: local)
        let tag = ids.next()
        let callID = call.callID(ids.next())
        guard
            let invite = call.invite(
                callID: callID, tag: tag, endpoint: endpoint, offer: pending.description)
        else { throw StandInError(message: "the number and the host name make no SIP URI") }
        offer = consume pending
        recording = call.recordSeconds > 0 ? PacketRecording(seconds: call.recordSeconds) : nil
        let (ladder, lines) = MessageLadder.collecting()
        leg = OutgoingLeg(
            machine: UACInvite(
                invite: invite,
                party: call.party(
                    endpoint: endpoint,
                    port: call.target.transport == .tls
                        ? parts.driver.transport.tlsPort : parts.driver.transport.peerPort), ids: ids,
                timing: parts.timing),
            callID: callID, localTag: tag, target: call.target, driver: parts.driver,
            dialogs: parts.dialogs, ladder: ladder)
        report = WhatsAppCallReport(
            outcome: .failed("not placed"), statistics: LegStatistics(), ladder: [], digitsHeard: "")
        startedAt = loop.now
        self.lines = lines
        events.deliver { [weak self] in self?.media($0) }
        // The leg holds this call until its last transaction is over.
        leg.onReport = { self.handle($0) }
        leg.onFinished = { self.finish() }
        leg.onStarted = { [weak self] _ in self?.startedAt = endpoint.loop.now }
    }

    private let lines: LadderLines

    func start() {
        if let recording { media.record(.a, into: recording) }
        after(call.patience) { call in
            guard !call.answered else { return }
            call.outcome = .gaveUp
            call.leg.handle(.cancel(headers: []))
        }
        leg.handle(.start)
    }

    private func after(_ delay: Duration, _ body: @escaping (PlacedCall) -> Void) {
        timers.append(
            loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { [weak self] in
                if let self { body(self) }
            })
    }

    private func elapsed(since start: NIODeadline) -> Duration { .nanoseconds((loop.now - start).nanoseconds) }

    private func handle(_ event: UACInvite.Report) {
        switch event {
        case .provisional(let response):
            if response.status == 100 {
                report.trying = report.trying ?? elapsed(since: startedAt)
            } else {
                report.ringing = report.ringing ?? elapsed(since: startedAt)
            }
        case .challenged(let response): authorize(response)
        case .answered(let response): answered(response)
        case .failed(let status, let response):
            report.response = response
            if outcome == nil {
                let warning = response?.headers[first: .warning]
                outcome =
                    response.map { .refused(status: status, reason: $0.reason, warning: warning) }
                    ?? .failed(
                        status == 408
                            ? "no answer to the INVITE"
                            : "no connection to \(call.target.host):\(call.target.port), or it was closed")
            }
        case .ended(let cause):
            if outcome == nil {
                if case .byPeer = cause {
                    outcome = .talked(endedByUs: false)
                } else {
                    outcome = .talked(endedByUs: true)
                }
            }
            stopMedia()
        case .request, .inDialog: break
        }
    }

    private func authorize(_ response: Response) {
        let isProxy = response.status == 407
        let values = response.headers.all(isProxy ? .proxyAuthenticate : .wwwAuthenticate)
        let challenges = values.compactMap { try? DigestChallenge(parsing: $0) }
        guard let credentials = call.credentials,
            let value = DigestAnswer.answer(
                challenges: challenges, credentials: credentials, method: .invite, uri: call.digestURI,
                cnonce: IDSource.random.next(), nc: 1)
        else {
            outcome = .refused(
                status: response.status, reason: response.reason,
                warning: call.credentials == nil ? "a password is asked for: give one with --password" : nil)
            return leg.handle(.cancel(headers: []))
        }
        leg.handle(
            .authorize(HeaderField(name: isProxy ? .proxyAuthorization : .authorization, value: value)))
    }

    private func answered(_ response: Response) {
        answered = true
        report.response = response
        call.onAnswered?(response)
        report.answered = elapsed(since: startedAt)
        acknowledgedAt = loop.now
        guard let offer = offer.take() else { return }
        do {
            let negotiated = try offer.accept(answer: response.body, contentType: response.headers.contentType)
            media.connect(.a, try CallMedia.parameters(negotiated, local: local))
        } catch {
            outcome = .unusableAnswer(error.warningText)
            return hangUp()
        }
        media.start(.a)
        if let says = call.says { media.play(.a, says, loops: 0) }
        if !call.digits.isEmpty {
            after(.seconds(1)) { $0.media.sendDigits(.a, $0.call.digits) }
        }
        after(call.talk) { $0.hangUp() }
    }

    private func hangUp() {
        guard !hungUp else { return }
        hungUp = true
        leg.handle(.bye(headers: []))
    }

    private func media(_ event: MediaEvent) {
        switch event {
        case .firstPacket: if let acknowledgedAt { report.firstMedia = elapsed(since: acknowledgedAt) }
        case .digit(_, let digit, _): report.digitsHeard.append(digit)
        default: break
        }
    }

    private func stopMedia() {
        for timer in timers { timer.cancel() }
        timers = []
        media.stopRecording(.a)
        media.close()
    }

    private func finish() {
        stopMedia()
        report.outcome = outcome ?? report.outcome
        report.ladder = lines.all.map { LadderLine(time: $0.time, isSent: $0.isSent, text: $0.text) }
        let report = self.report
        let done = self.done
        let media = self.media
        let recording = self.recording
        Task {
            var report = report
            report.statistics = await media.statistics()[.a] ?? LegStatistics()
            if let recording {
                recording.finish()
                report.heard = try? RecordingDecoder().decode(recording, payloadType: 111)
            }
            done(report)
        }
    }
}

extension StandInEndpoint {
    /// Places the call and reports when it has ended.
    package func place(_ call: PBXCall) async throws -> WhatsAppCallReport {
        try await withCheckedThrowingContinuation { continuation in
            loop.execute {
                do {
                    try PlacedCall(call, endpoint: self) { continuation.resume(returning: $0) }.start()
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }
}
