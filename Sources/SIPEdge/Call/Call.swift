import Logging
import Media
import NIOCore
import SIPCore

/// One call: joins the side that calls and the side that is called, and their media, as the ``B2BUA`` machine decides.
/// Knows neither Meta nor a PBX. Lives on the signalling loop.
final class Call {
    let id: String
    private let services: CallServices
    private let logger: Logger
    private var caller: any CallerSide
    private var callee: any CalleeSide
    private let media: MediaSession
    private let transfers: PeerTransfers
    /// The PBX has hung up while its transfer was under way: the call waits for the target.
    private var departed: B2BUA.Event?
    private var machine = B2BUA()
    /// Nil: the callee does not ring.
    private let ringTimeout: Duration?
    private var ringTimer: Scheduled<Void>?
    private let startedAt: NIODeadline
    private var answeredAt: NIODeadline?
    private var silenceTimer: Scheduled<Void>?
    private var finished = false
    /// Called once, when both legs and the media are over.
    var onFinished: (Call) -> Void = { _ in }

    init(context: CallContext, caller: any CallerSide, callee: any CalleeSide, ringTimeout: Duration?) {
        id = context.id
        services = context.services
        logger = context.logger
        media = context.media
        self.caller = caller
        self.callee = callee
        self.ringTimeout = ringTimeout
        startedAt = context.services.loop.now
        transfers = context.transfers
        let calledByPeer = caller.isPeer
        caller.onEvent = { [weak self] in self?.received($0, byPeer: calledByPeer) }
        callee.onEvent = { [weak self] in self?.received($0, byPeer: !calledByPeer) }
        transfers.onTaken = { [weak self] in self?.transfer(to: $0) }
        transfers.onFailed = { [weak self] in self?.transferFailed() }
        context.mediaEvents.deliver { [weak self] in self?.media($0) }
    }

    func start() { handle(.start) }

    /// Ends the call from our side.
    func hangUp(_ cause: Q850Cause) { handle(.hangUp(cause)) }

    // MARK: The machine

    private func handle(_ event: B2BUA.Event) {
        for action in machine.handle(event) {
            switch action {
            case .inviteCallee: callee.start()
            case .ringCaller: caller.ring()
            case .answerCaller: answerCaller()
            case .rejectCaller(let refusal): caller.reject(refusal)
            case .cancelCallee(let cause), .hangUpCallee(let cause): callee.end(cause)
            case .hangUpCaller(let cause): caller.hangUp(cause)
            case .startRingTimer: startRingTimer()
            case .stopRingTimer: stopRingTimer()
            case .startMedia: startMedia()
            case .finish(let outcome): finish(outcome)
            }
        }
    }

    // MARK: Another PBX side

    private func received(_ event: B2BUA.Event, byPeer: Bool) {
        if byPeer, transfers.isUnderWay, event.isEnd {
            departed = event
        } else {
            handle(event)
        }
    }

    /// The target has answered, and media goes there already.
    private func transfer(to target: PeerHunt) {
        let gone = departed != nil
        departed = nil
        if caller.isPeer {
            caller.onEvent = { _ in }
            if !gone { caller.hangUp(.normalClearing) }
            caller = CalledCaller(target)
            caller.onEvent = { [weak self] in self?.received($0, byPeer: true) }
        } else {
            callee.onEvent = { _ in }
            if !gone { callee.end(.normalClearing) }
            callee = target
            callee.onEvent = { [weak self] in self?.received($0, byPeer: true) }
        }
    }

    private func transferFailed() {
        guard let departed else { return }
        self.departed = nil
        handle(departed)
    }

    // MARK: What the machine asks for

    private func answerCaller() {
        answeredAt = services.loop.now
        services.counters.count(.callsAnswered)
        caller.answer(with: callee.fieldsOfAnswer)
        if callee.isRelayed { media.bridge() }
    }

    private func startMedia() {
        caller.startMedia()
        callee.callerIsListening()
        logger.info("call answered", metadata: ["setup_ms": "\((services.loop.now - startedAt).milliseconds)"])
    }

    private func startRingTimer() {
        guard let ringTimeout else { return }
        ringTimer = services.loop.assumeIsolated().scheduleTask(in: TimeAmount(ringTimeout)) { [weak self] in
            self?.handle(.ringTimedOut)
        }
    }

    private func stopRingTimer() {
        ringTimer?.cancel()
        ringTimer = nil
    }

    // MARK: Reports

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
        transfers.end()
        silenceTimer?.cancel()
        let talked = answeredAt.map { (services.loop.now - $0).milliseconds }
        media.close()
        logEnd(outcome, talked: talked)
        if case .refused = outcome { services.counters.count(.callsRefused) }
        onFinished(self)
    }

    /// With the last counts of the media thread, which itself writes no log.
    private func logEnd(_ outcome: B2BUA.Outcome, talked: Int64?) {
        guard logger.logLevel <= .info else { return }
        let logger = self.logger
        let loop = services.loop
        let facts = caller.facts.merging(callee.facts) { first, _ in first }
        let reason = outcome.summary
        media.statistics { legs in
            var metadata = facts
            metadata["outcome"] = "\(reason)"
            if let talked { metadata["talk_ms"] = "\(talked)" }
            for (leg, statistics) in legs { metadata["media.\(leg)"] = "\(statistics.summary)" }
            let all = metadata
            loop.execute { logger.info("call ended", metadata: all) }
        }
    }
}

extension B2BUA.Event {
    /// A side that talked has hung up.
    fileprivate var isEnd: Bool {
        switch self {
        case .callerEnded, .calleeEnded: true
        default: false
        }
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
