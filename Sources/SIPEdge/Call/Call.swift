import Logging
import Media
import NIOCore
import SIPCore

/// One call from a WhatsApp user: joins the caller's leg, the callee's leg or application, and the media, as the
/// ``B2BUA`` machine decides. Lives on the signalling loop.
final class Call {
    enum Destination {
        case peer(PeerTrunk, extension: String?)
        case application(Route.Application)
    }

    let id: String
    private let number: String
    private let services: CallServices
    private let logger: Logger
    private let caller: Caller
    private let callerLeg: IncomingLeg
    private let destination: Destination
    private let media: MediaSession
    private let callerAnswer: [UInt8]
    private var callee: CalleeLeg?
    private var machine = B2BUA()
    private var ringTimer: Scheduled<Void>?
    private let startedAt: NIODeadline
    private var answeredAt: NIODeadline?
    private var metaDuration: String?
    private var silenceTimer: Scheduled<Void>?
    private var finished = false
    /// Called once, when both legs and the media are over.
    var onFinished: (Call) -> Void = { _ in }

    /// Reads the offer and opens the caller's media. Throws the answer for an INVITE that cannot be served.
    init(
        number: String, incoming: TransactionDriver.Incoming, destination: Destination, services: CallServices,
        logger: Logger
    ) throws(CallRefused) {
        let id = services.ids.next()
        var logger = logger
        logger[metadataKey: "call.id"] = "\(id)"
        let invite = incoming.request
        let flow = incoming.flow
        let events = MediaEvents(loop: services.loop)
        let media = services.media.makeSession(id: id) { events.post($0) }
        do {
            callerAnswer = try CallMedia.answerCaller(invite, media: media, services: services, remote: flow.remote)
        } catch {
            media.close()
            throw error
        }
        self.id = id
        self.number = number
        self.services = services
        self.destination = destination
        self.logger = logger
        self.media = media
        caller = Caller(invite)
        startedAt = services.loop.now
        let tag = services.ids.next()
        let meta = services.meta
        let ladder = MessageLadder(logger: logger, leg: "meta")
        ladder.received(invite)
        callerLeg = IncomingLeg(
            transaction: incoming.transaction,
            machine: UASInvite(
                invite: invite, localTag: tag, party: meta.party(number: number), ids: services.ids,
                timing: services.timing),
            localTag: tag, driver: services.driver, dialogs: services.dialogs, ladder: ladder
        ) { meta.destination(of: $0, inbound: flow) }
        callerLeg.onReport = { [weak self] in self?.caller($0) }
        events.deliver { [weak self] in self?.media($0) }
        logger.info(
            "call came in",
            metadata: [
                "sip.call_id": "\(Redaction.numbers(invite.headers.callID ?? ""))", "sip.peer": "\(flow.remoteHost)",
                "number": "\(Redaction.numbers(number))", "caller": "\(Redaction.numbers(caller.user))",
                "wa.call_id": "\(WhatsAppHeaders.value("wacid", in: invite.headers) ?? "")",
            ])
    }

    func start() { handle(.start) }

    /// Ends the call from our side.
    func hangUp(_ cause: Q850Cause) { handle(.hangUp(cause)) }

    // MARK: The machine

    private func handle(_ event: B2BUA.Event) {
        for action in machine.handle(event) {
            switch action {
            case .inviteCallee: inviteCallee()
            case .ringCaller: callerLeg.handle(.ring(status: 180))
            case .answerCaller: answerCaller()
            case .rejectCaller(let refusal): reject(refusal)
            case .cancelCallee(let cause), .hangUpCallee(let cause): callee?.end(cause)
            case .hangUpCaller(let cause): callerLeg.handle(.bye(headers: [cause.reason]))
            case .startRingTimer: startRingTimer()
            case .stopRingTimer: stopRingTimer()
            case .startMedia: startMedia()
            case .finish(let outcome): finish(outcome)
            }
        }
    }

    private func inviteCallee() {
        switch destination {
        case .application:
            handle(.calleeProgress(status: 180))
            handle(.calleeAnswered)
        case .peer(let trunk, let dialled):
            do {
                let leg = try CalleeLeg(
                    trunk: trunk, number: number, extension: dialled, caller: caller, media: media, services: services,
                    logger: logger)
                leg.onEvent = { [weak self] in self?.handle($0) }
                callee = leg
                leg.start()
            } catch {
                handle(.calleeUnusable(error.refusal))
            }
        }
    }

    private func reject(_ refusal: B2BUA.Refusal) {
        var headers = [refusal.warningField(host: services.configuration.hostname)]
        if let seconds = refusal.retryAfter { headers.append(HeaderField(name: .retryAfter, value: "\(seconds)")) }
        callerLeg.handle(.reject(status: refusal.status, reason: nil, headers: headers))
    }

    private func answerCaller() {
        answeredAt = services.loop.now
        services.counters.count(.callsAnswered)
        callerLeg.handle(
            .answer(body: callerAnswer, headers: [HeaderField(name: .contentType, value: "application/sdp")]))
        if case .peer = destination { media.bridge() }
    }

    /// The caller's ACK is here: our first packet leaves within the same turn (design decision 7).
    private func startMedia() {
        media.start(.a)
        if case .application(.echo) = destination {
            media.play(.a, services.greeting, loops: 1, then: .echo)
        }
        logger.info("call answered", metadata: ["setup_ms": "\((services.loop.now - startedAt).milliseconds)"])
    }

    private func startRingTimer() {
        guard case .peer(let trunk, _) = destination else { return }
        ringTimer = services.loop.assumeIsolated().scheduleTask(in: TimeAmount(trunk.peer.ringTimeout)) { [weak self] in
            self?.handle(.ringTimedOut)
        }
    }

    private func stopRingTimer() {
        ringTimer?.cancel()
        ringTimer = nil
    }

    // MARK: Reports

    private func caller(_ report: UASInvite.Report) {
        switch report {
        case .acknowledged: handle(.callerAcknowledged)
        case .cancelled: handle(.callerCancelled)
        case .ended(let cause):
            if case .byPeer(let bye) = cause {
                metaDuration = WhatsAppHeaders.value("call-duration", in: bye.headers)
                handle(.callerEnded(bye.headers.q850 ?? .normalClearing))
            } else {
                handle(.callerEnded(.recoveryOnTimerExpiry))
            }
        case .request(let request):
            logger.debug("request in the caller's dialog", metadata: ["sip.method": "\(request.method)"])
        }
    }

    private func media(_ event: MediaEvent) {
        switch event {
        case .firstPacket(let leg): logger.debug("first packet", metadata: ["media.leg": "\(leg)"])
        case .noMedia(let leg, let since):
            logger.warning("no media", metadata: ["media.leg": "\(leg)", "since": "\(since)"])
            if leg == .a { watchSilence(since) }
        case .authenticationFailing(let leg, let count):
            logger.warning("media does not authenticate", metadata: ["media.leg": "\(leg)", "packets": "\(count)"])
        case .digit(let leg, _, _): logger.debug("digit", metadata: ["media.leg": "\(leg)"])
        case .playFinished(let leg): logger.debug("prompt played", metadata: ["media.leg": "\(leg)"])
        case .ended(let leg, .failed(let error)):
            logger.error("media failed", metadata: ["media.leg": "\(leg)", "reason": "\(error.message)"])
            handle(.hangUp(.temporaryFailure))
        case .digitsSent, .ended(_, .bye): break
        }
    }

    /// Meta ends a call with BYE; where that got lost, only the silence tells. A caller who is muted or on a bad network
    /// still sends reports.
    private func watchSilence(_ since: Duration) {
        guard !finished else { return }
        let media = self.media
        let loop = services.loop
        let rest = max(services.configuration.limits.mediaTimeout - since, .zero)
        loop.makeFutureWithTask { await media.statistics()[.a] }.assumeIsolated().whenSuccess { [weak self] before in
            guard let self, !self.finished else { return }
            self.silenceTimer = loop.assumeIsolated().scheduleTask(in: TimeAmount(rest)) { [weak self] in
                self?.checkSilence(before)
            }
        }
    }

    private func checkSilence(_ before: LegStatistics?) {
        let media = self.media
        services.loop.makeFutureWithTask { await media.statistics()[.a] }.assumeIsolated().whenSuccess {
            [weak self] now in
            guard let self, !self.finished, now?.packetsReceived == before?.packetsReceived else { return }
            guard now?.rtcpReceived == before?.rtcpReceived else { return self.watchSilence(.zero) }
            self.logger.warning("the caller is silent, hanging up")
            self.services.counters.count(.callsSilent)
            self.handle(.hangUp(.recoveryOnTimerExpiry))
        }
    }

    private func finish(_ outcome: B2BUA.Outcome) {
        guard !finished else { return }
        finished = true
        stopRingTimer()
        silenceTimer?.cancel()
        let talked = answeredAt.map { (services.loop.now - $0).milliseconds }
        let media = self.media
        media.close()
        let logger = self.logger
        let metaDuration = self.metaDuration
        let reason = outcome.summary
        Task {
            let legs = await media.statistics()
            var metadata: Logger.Metadata = ["outcome": "\(reason)"]
            if let talked { metadata["talk_ms"] = "\(talked)" }
            if let metaDuration { metadata["wa.duration_s"] = "\(Redaction.numbers(metaDuration))" }
            for (leg, statistics) in legs { metadata["media.\(leg)"] = "\(statistics.summary)" }
            logger.info("call ended", metadata: metadata)
        }
        if case .refused = outcome { services.counters.count(.callsRefused) }
        onFinished(self)
    }
}

extension B2BUA.Outcome {
    /// For the log: who or what ended the call.
    var summary: String {
        switch self {
        case .completed(let side, let cause): "completed by \(side), \(cause)"
        case .cancelled: "cancelled by the caller"
        case .refused(let refusal): "refused \(refusal.status), \(refusal.warning)"
        case .noAnswer: "no answer"
        }
    }
}

extension LegStatistics {
    /// For the log: what went each way and what was lost.
    var summary: String {
        "in=\(packetsReceived) out=\(packetsSent) lost=\(lost) jitter_ms=\((jitter * 10).rounded() / 10)"
            + " strangers=\(strangers) unauthenticated=\(unauthenticated)"
    }
}

extension TimeAmount {
    /// Whole milliseconds.
    var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
