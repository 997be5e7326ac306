//            ┌──────┐  re-INVITE: answered; a 2xx repeats until its ACK, else BYE
//            │ open │  REFER: asked up; other requests: answered
//            └──────┘  session timer: our UPDATE or re-INVITE; expiry: BYE
//   our BYE    │   │ BYE: 200, ended
//   sent,      │   └──────────────────┐
//   ended      ▼                      ▼
//         ┌─────────┐            ┌────────┐
//         │ byeSent │ ─────────▶ │ closed │  anything: 481
//         └─────────┘  BYE done  └────────┘
//           BYE: 200; other requests: 481

/// What both sides of an INVITE have in common once it is answered: its end by BYE or by the session timer, and the
/// order in which requests of both sides pass.
struct EstablishedDialog: Sendable {
    enum Event: Sendable {
        /// The INVITE has its 2xx.
        case begin
        /// Our 2xx to the INVITE has its ACK.
        case acknowledged(Request)
        case received(Request)
        case bye([HeaderField], EndCause)
        case byeFinished
        case inDialog(InDialogEvent)
        case timerFired(SessionTimerID)
    }
    enum Action: Sendable {
        case respondTo(Request, Response)
        case send(Request)
        case sendACK(Request)
        case arm(SessionTimerID, at: Instant)
        case cancel(SessionTimerID)
        case ended(EndCause)
        /// A request that was answered here, or the ACK of a re-INVITE.
        case seen(Request)
        case report(InDialogReport)
        case finish
    }
    private enum State: Sendable { case open, byeSent, closed }

    /// A 2xx to a re-INVITE that waits for its ACK.
    private struct Reanswer: Sendable {
        var request: Request
        var response: Response
        var interval: Duration
    }

    private(set) var dialog: Dialog
    private var usage: InviteUsage
    private let ids: IDSource
    private let timing: Timing
    /// We called, so the Call-ID is ours.
    private let isCaller: Bool
    private var state = State.open
    private var reanswer: Reanswer?
    private var refresh = SessionRefresh()
    private var referral = ReferSubscription()
    /// Our BYE, while a NOTIFY has no answer yet.
    private var heldBye: (headers: [HeaderField], cause: EndCause)?
    private var timers = SessionTimers()

    /// - Parameter peer: the header fields of the peer's INVITE or 2xx.
    init(dialog: Dialog, usage: InviteUsage, peer: Headers, isCaller: Bool, ids: IDSource, timing: Timing) {
        self.dialog = dialog
        self.usage = usage
        self.ids = ids
        self.timing = timing
        self.isCaller = isCaller
        refresh.learn(peer)
    }

    mutating func handle(_ event: Event, now: Instant) -> [Action] {
        switch (state, event) {
        case (.open, .begin):
            return watchSession(now)

        case (.open, .acknowledged(let ack)):
            return answered(by: ack)

        case (.open, .received(let request)) where request.method == .ack:
            guard let reanswer, reanswer.request.headers.cseq?.number == request.headers.cseq?.number else { return [] }
            return stopReanswer() + [.seen(request)] + settle(by: request)

        case (.open, .received(let request)):
            return receive(request, now: now)

        case (.open, .bye(let headers, let cause)):
            // Who asked for a transfer hears how it ended before the call is taken away.
            guard !referral.isNotifying else {
                heldBye = heldBye ?? (headers, cause)
                return []
            }
            return sendBye(headers, cause)

        case (.open, .inDialog(let event)):
            return handle(event, now: now)

        case (.open, .timerFired(let timer)):
            return timers.fired(timer) ? fired(timer, now: now) : []

        case (.byeSent, .received(let request)) where request.method == .bye:
            return [.respondTo(request, usage.answers.response(to: request, 200))]  // both hung up

        case (.byeSent, .inDialog(.responded(let response))), (.closed, .inDialog(.responded(let response))):
            // A re-INVITE of ours that was taken after all: its ACK is owed, the BYE is on its way.
            return acknowledge(response)

        case (.byeSent, .byeFinished):
            state = .closed
            return [.finish]

        case (.byeSent, .received(let request)) where request.method != .ack,
            (.closed, .received(let request)) where request.method != .ack:
            return [.respondTo(request, usage.answers.response(to: request, 481))]

        case (.open, _), (.byeSent, _), (.closed, _):
            return []
        }
    }

    private mutating func handle(_ event: InDialogEvent, now: Instant) -> [Action] {
        switch event {
        case .responded(let response):
            guard response.isFinal, let cseq = response.headers.cseq else { return [] }
            let ack = acknowledge(response)
            return ack + finished(cseq, status: response.status, response, now: now)
        case .requestFailed(let cseq, let failure):
            return finished(cseq, status: failure.status, now: now)
        case .acceptTransfer:
            guard let accepted = referral.accept() else { return [] }
            let ok = usage.answers.response(
                to: accepted.refer, 202, [usage.answers.contact, usage.answers.allow] + accepted.headers)
            return [.respondTo(accepted.refer, ok), .seen(accepted.refer)] + notify(accepted.notice)
        case .refuseTransfer(let status, let headers):
            guard let refer = referral.refuse() else { return [] }
            return [.respondTo(refer, usage.answers.response(to: refer, status, headers)), .seen(refer)]
        case .transferProgress(let status):
            return notify(referral.progress(status))
        }
    }

    // MARK: The peer's requests

    private mutating func receive(_ request: Request, now: Instant) -> [Action] {
        // §12.2.2: a dialog is all three, and a forged request seldom knows the third.
        guard (request.headers.from?.tag ?? "") == dialog.id.remoteTag else {
            return [.respondTo(request, usage.answers.response(to: request, 481))]
        }
        guard dialog.accepts(request) else {
            return [.respondTo(request, usage.answers.response(to: request, 500))]
        }
        switch request.method {
        case .bye:
            state = .closed
            return hangUp() + [
                .respondTo(request, usage.answers.response(to: request, 200)), .ended(.byPeer(request)), .finish,
            ]
        case .refer where usage.answers.policy == .answer:
            return refer(request)
        default:
            return answer(request, now: now)
        }
    }

    private mutating func answer(_ request: Request, now: Instant) -> [Action] {
        let answer = usage.answer(request, early: false, ourInvite: refresh.hasOpenInvite)
        var actions: [Action] = []
        if answer.response.isSuccess, request.method == .invite || request.method == .update {
            dialog.refreshTarget(from: request)
            refresh.learn(request.headers)
        }
        if answer.response.isSuccess, request.method == .invite {
            // A peer that sends the next re-INVITE has seen the answer to the one before.
            actions += stopReanswer()
            reanswer = Reanswer(request: request, response: answer.response, interval: timing.t1)
            actions += [
                arm(.retransmitReanswer, after: timing.t1, now), arm(.reanswerTimeout, after: timing.timeout, now),
            ]
        }
        if usage.agreedAnew { actions += watchSession(now) }
        return [.respondTo(request, answer.response)] + actions + [.seen(request)]
            + answer.reports.map { .report($0) }
    }

    /// The ACK to our 2xx of the INVITE: where that made no offer, the answer to ours is in it. A call without one
    /// cannot be, so it ends (RFC 3261 §13.2.2.4 the other way round).
    private mutating func answered(by ack: Request) -> [Action] {
        guard usage.offers.state == .sent, usage.answers.policy == .answer else { return [] }
        do {
            _ = try usage.offers.accept(ack.body, contentType: ack.headers.contentType)
            return []
        } catch .changedPayloadTypes {
            return []  // its own number for Opus is the answerer's right (RFC 3264 §6.1)
        } catch {
            return sendBye(
                error.headers(agent: usage.answers.party.host)
                    + [HeaderField(.reason, "SIP;cause=\(error.status);text=\"No usable answer\"")],
                .unusableAnswer(error))
        }
    }

    /// The ACK to our 2xx of a re-INVITE: it answers our offer where the re-INVITE made none. Without an answer that
    /// can be used, media stays as it was.
    private mutating func settle(by ack: Request) -> [Action] {
        guard usage.offers.state == .sent, !refresh.hasOpenInvite else { return [] }
        do {
            return [.report(.media(try usage.offers.accept(ack.body, contentType: ack.headers.contentType)))]
        } catch {
            return []
        }
    }

    private mutating func refer(_ request: Request) -> [Action] {
        func refused(_ status: Int) -> [Action] {
            [.respondTo(request, usage.answers.response(to: request, status)), .seen(request)]
        }
        if let refusal = usage.answers.unsupported(request) { return [.respondTo(request, refusal), .seen(request)] }
        guard referral.isIdle else { return refused(491) }
        do throws(Referral.Refusal) {
            let referral = try Referral(request)
            self.referral.ask(request)
            return [.report(.transferAsked(referral))]
        } catch {
            return refused(error.status)
        }
    }

    // MARK: Our requests

    private mutating func request(_ method: Method, _ headers: [HeaderField], body: [UInt8] = []) -> Request {
        dialog.request(method, branch: ids.branch(), party: usage.answers.party, headers: headers, body: body)
    }

    private mutating func notify(_ notice: ReferSubscription.Notice?) -> [Action] {
        guard let notice else { return [] }
        let request = request(.notify, notice.headers, body: notice.body)
        if let number = request.headers.cseq?.number { referral.sent(number) }
        return [.send(request)]
    }

    private mutating func sendRefresh(now: Instant) -> [Action] {
        guard !refresh.isOpen else { return [] }
        let method = refresh.method
        var headers = usage.answers.supported + usage.timer.requestFields
        var body: [UInt8] = []
        if method == .invite {
            // §14.1: not while one of theirs is open.
            guard reanswer == nil, usage.offers.state == .stable, let offer = usage.offers.refresh() else {
                return [arm(.refresh, after: .seconds(2), now)]
            }
            body = offer
            headers.append(HeaderField(.contentType, "application/sdp"))
        }
        let request = request(method, headers, body: body)
        refresh.started(request.headers.cseq)
        return [.send(request)]
    }

    /// The ACK to the 2xx of a re-INVITE of ours, the first time and each time it is repeated.
    private mutating func acknowledge(_ response: Response) -> [Action] {
        guard response.isSuccess, let cseq = response.headers.cseq, cseq.method == .invite else { return [] }
        if let ack = refresh.ack, ack.headers.cseq?.number == cseq.number { return [.sendACK(ack)] }
        guard refresh.hasOpenInvite else { return [] }
        dialog.refreshTarget(from: response.headers)
        let ack = dialog.ack(number: cseq.number, branch: ids.branch(), party: usage.answers.party)
        refresh.ack = ack
        return [.sendACK(ack)]
    }

    private mutating func finished(
        _ cseq: CSeq, status: Int, _ response: Response? = nil, now: Instant
    ) -> [Action] {
        if cseq.method == .notify {
            let next = notify(referral.answered(cseq.number, success: (200..<300).contains(status)))
            guard let heldBye, !referral.isNotifying else { return next }
            return next + sendBye(heldBye.headers, heldBye.cause)
        }
        let raised = status == 422 ? response.map { usage.timer.raise(to: $0) } ?? false : false
        let outcome = refresh.finished(
            cseq, status: status, chance: status == 491 ? ids.chance() : 0, ownsCallID: isCaller, raised: raised)
        if outcome != .unknown, cseq.method == .invite, !(200..<300).contains(status) { usage.offers.settle() }
        switch outcome {
        case .unknown: return []
        case .refreshed: return response.map { refreshed(by: $0, now: now) } ?? []
        case .again(let wait): return wait == .zero ? sendRefresh(now: now) : [arm(.refresh, after: wait, now)]
        case .over(let status):
            let reason = HeaderField(.reason, "SIP;cause=\(status);text=\"\(Response.defaultReason(status))\"")
            return sendBye([reason], .refreshFailed(status: status))
        }
    }

    private mutating func refreshed(by response: Response, now: Instant) -> [Action] {
        usage.timer.agree(with: response)
        dialog.refreshTarget(from: response.headers)
        refresh.learn(response.headers)
        var actions = watchSession(now)
        if response.headers.cseq?.method == .invite {
            do {
                let stream = try usage.offers.accept(response.body, contentType: response.headers.contentType)
                actions.append(.report(.media(stream)))
            } catch {
                // An answer that changes nothing we can follow: media stays as it was.
            }
        }
        return actions
    }

    // MARK: Timers

    private mutating func fired(_ timer: SessionTimerID, now: Instant) -> [Action] {
        switch timer {
        case .retransmitReanswer:
            guard var reanswer else { return [] }
            reanswer.interval = min(reanswer.interval * 2, timing.t2)
            self.reanswer = reanswer
            return [
                .respondTo(reanswer.request, reanswer.response),
                arm(.retransmitReanswer, after: reanswer.interval, now),
            ]
        case .reanswerTimeout:
            guard reanswer != nil else { return [] }
            return sendBye([Self.noACKReason], .noACK)
        case .refresh: return sendRefresh(now: now)
        case .sessionExpiry: return sendBye([Self.expiredReason], .sessionExpired)
        case .retransmitAnswer, .answerTimeout, .cancelTimeout, .retransmitProvisional, .provisionalTimeout:
            return []
        }
    }

    /// Both timers of RFC 4028 from now on, as last agreed.
    private mutating func watchSession(_ now: Instant) -> [Action] {
        var actions = timers.cancel(.refresh, .sessionExpiry).map(Action.init)
        if let delay = usage.timer.refreshDelay { actions.append(arm(.refresh, after: delay, now)) }
        if let delay = usage.timer.expiryDelay { actions.append(arm(.sessionExpiry, after: delay, now)) }
        return actions
    }

    private mutating func arm(_ timer: SessionTimerID, after delay: Duration, _ now: Instant) -> Action {
        Action(timers.arm(timer, at: now.advanced(by: delay)))
    }

    // MARK: The end

    /// For the BYE that nobody asked for.
    static let noACKReason = HeaderField(.reason, "SIP;cause=408;text=\"No ACK\"")
    private static let expiredReason = HeaderField(.reason, "SIP;cause=408;text=\"Session expired\"")

    private mutating func sendBye(_ headers: [HeaderField], _ cause: EndCause) -> [Action] {
        state = .byeSent
        heldBye = nil
        let bye = request(.bye, headers)
        return hangUp() + [.send(bye), .ended(cause)]
    }

    /// No timer outlives the dialog, and a REFER that nobody has decided gets its answer.
    private mutating func hangUp() -> [Action] {
        reanswer = nil
        let asked = referral.refuse().map { Action.respondTo($0, usage.answers.response(to: $0, 481)) }
        return timers.cancelAll().map(Action.init) + (asked.map { [$0] } ?? [])
    }

    private mutating func stopReanswer() -> [Action] {
        reanswer = nil
        return timers.cancel(.retransmitReanswer, .reanswerTimeout).map(Action.init)
    }
}

extension EstablishedDialog.Action {
    init(_ command: SessionTimers.Command) {
        switch command {
        case .arm(let timer, let instant): self = .arm(timer, at: instant)
        case .cancel(let timer): self = .cancel(timer)
        }
    }
}
