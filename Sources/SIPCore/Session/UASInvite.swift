//              ┌────────────┐  ring: 1xx, reliable where the INVITE demands it (ReliableSender)
//              │ proceeding │  requests in the early dialog: answered
//              └────────────┘
//     answer:    │        │ reject, bye: 3xx–6xx; no PRACK for 64·T1: 504
//     2xx        │        │ CANCEL: 487;  BYE: 200 and 487
//                ▼        └───────────────────────────┐
//        ┌─────────────┐  2xx again after T1, doubled │
//        │ awaitingACK │  up to T2, on any transport; │
//        └─────────────┘  our BYE waits for the ACK   │
//          │ ACK    │ no ACK for 64·T1: BYE           │
//          ▼        ▼                                 ▼
//        ┌─────────────┐   BYE done either way   ┌────────────┐
//        │ established │ ──────────────────────▶ │ terminated │
//        └─────────────┘  (EstablishedDialog)    └────────────┘

/// One incoming INVITE and the dialog it makes, from the side that is called (RFC 3261 §13.3).
///
/// Its INVITE server transaction has sent the 100. The driver gives every later request of the dialog to
/// ``Event/received(_:)``, the ACK to our 2xx among them, and answers a CANCEL itself.
public struct UASInvite: Sendable {
    public enum Event: Hashable, Sendable {
        /// 101–199, without a body: no early media towards Meta (meta-calling §8), nor towards a PBX.
        case ring(status: Int)
        /// 200 with our session description: the answer, or an offer when the INVITE made none, whose answer comes
        /// with `acknowledged`.
        case answer(body: [UInt8], headers: [HeaderField])
        /// 300–699.
        case reject(status: Int, reason: String?, headers: [HeaderField])
        /// Hang up: BYE, after the ACK if that is still missing, or 480 before an answer.
        case bye(headers: [HeaderField])
        /// A CANCEL for this INVITE; the driver has answered it 200.
        case cancelled(Request?)
        /// A request inside the dialog, ACK included.
        case received(Request)
        /// The final status for our BYE; nil when there was none.
        case byeFinished(status: Int?)
        case inDialog(InDialogEvent)
        case timerFired(TimerID)
    }
    public enum Action: Hashable, Sendable {
        /// To the INVITE, through its server transaction.
        case respond(Response)
        /// The 2xx or the reliable 1xx again, through the same transaction.
        case retransmit(Response)
        /// To a request inside the dialog, through that request's server transaction. A 2xx to a re-INVITE comes more
        /// than once until its ACK is there.
        case respondTo(Request, Response)
        /// BYE, UPDATE, re-INVITE or NOTIFY, through a new client transaction.
        case send(Request)
        /// The ACK to the 2xx of a re-INVITE of ours, straight to the transport.
        case sendACK(Request)
        case arm(TimerID, at: Instant)
        case cancel(TimerID)
        case report(Report)
        /// The machine has nothing left to do.
        case finish
    }
    public enum Report: Hashable, Sendable {
        /// The ACK to our 2xx: media may flow.
        case acknowledged(body: [UInt8])
        /// CANCEL came first; the INVITE has been answered 487.
        case cancelled
        case ended(EndCause)
        /// A request inside the dialog that has been answered here.
        case request(Request)
        case inDialog(InDialogReport)
    }
    public typealias TimerID = SessionTimerID

    private enum State: Sendable {
        case proceeding
        case awaitingACK(EstablishedDialog, Response, interval: Duration, bye: [HeaderField]?)
        case established(EstablishedDialog)
        case terminated
    }

    public let invite: Request
    public let localTag: String
    private let party: LocalParty
    private let ids: IDSource
    private let timing: Timing
    private var usage: InviteUsage
    private var early: Dialog
    private var reliable: ReliableSender?
    private var timers = SessionTimers()
    private var state = State.proceeding
    private var answers: InDialogAnswers { usage.answers }

    /// - Parameters:
    ///   - localTag: for To; never used before.
    ///   - reoffers: what the peer may do besides calling and hanging up. With `answer`, ask
    ///     ``refusal(of:reoffers:timer:)`` first.
    public init(
        invite: Request, localTag: String, party: LocalParty, ids: IDSource, timing: Timing = Timing(),
        reoffers: ReofferPolicy = .refuse, timer: SessionTimer.Preference = .init()
    ) {
        self.invite = invite
        self.localTag = localTag
        self.party = party
        self.ids = ids
        self.timing = timing
        usage = InviteUsage(
            answers: InDialogAnswers(party: party, policy: reoffers), offers: OfferAnswerState(called: invite),
            timer: SessionTimer(timer))
        early = .uas(invite: invite, localTag: localTag)
        if reoffers == .answer, invite.headers.requires("100rel") {
            reliable = ReliableSender(first: ids.number() >> 2)
        }
    }

    /// The final answer that an INVITE gets before anything is done for it, and its header fields: 420 for an extension
    /// we have not, 422 for a session interval that is too short (RFC 4028 §9). Nil: it may be served.
    public static func refusal(
        of invite: Request, reoffers: ReofferPolicy, timer: SessionTimer.Preference = .init()
    ) -> (status: Int, headers: [HeaderField])? {
        let extensions = invite.unsupportedExtensions(reoffers)
        if !extensions.isEmpty {
            return (420, [HeaderField(.unsupported, extensions.joined(separator: ", "))])
        }
        if reoffers == .answer, let least = SessionTimer(timer).refuses(invite) {
            return (422, [HeaderField(.minSE, "\(least)")])
        }
        return nil
    }

    public var dialog: Dialog {
        switch state {
        case .proceeding, .terminated: early
        case .awaitingACK(let established, _, _, _), .established(let established): established.dialog
        }
    }

    public mutating func handle(_ event: Event, now: Instant) -> [Action] {
        switch (state, event) {
        // MARK: before an answer
        case (.proceeding, .ring(let status)):
            return ring(status, now: now)

        case (.proceeding, .answer(let body, let headers)):
            return stopProvisional() + answer(body, headers, now: now)

        case (.proceeding, .reject(let status, let reason, let headers)):
            state = .terminated
            return stopProvisional() + [
                .respond(response((300...699).contains(status) ? status : 480, reason, headers)), .finish,
            ]

        case (.proceeding, .bye(let headers)):
            state = .terminated
            return stopProvisional() + [.respond(response(480, nil, headers)), .finish]

        case (.proceeding, .cancelled):
            state = .terminated
            return stopProvisional() + [.respond(response(487)), .report(.cancelled), .finish]

        case (.proceeding, .received(let request)) where request.method == .bye:
            state = .terminated  // §15.1.2
            return stopProvisional() + [
                .respondTo(request, answers.response(to: request, 200)), .respond(response(487)),
                .report(.ended(.byPeer(request))), .finish,
            ]

        case (.proceeding, .received(let request)) where request.method != .ack:
            return receiveEarly(request, now: now)

        case (.proceeding, .timerFired(let timer)):
            return timers.fired(timer) ? provisionalTimer(timer, now: now) : []

        case (.awaitingACK, .received(let request)) where request.method == .prack && acknowledges(request),
            (.established, .received(let request)) where request.method == .prack && acknowledges(request):
            return [.respondTo(request, answers.response(to: request, 200)), .report(.request(request))]

        // MARK: answered, not acknowledged
        case (.awaitingACK(let established, _, _, let bye), .received(let request))
        where request.method == .ack && request.headers.cseq?.number == invite.headers.cseq?.number:
            state = .established(established)
            let stop: [Action] = [.cancel(.retransmitAnswer), .cancel(.answerTimeout)]
            if let bye { return stop + pass(.bye(bye, .byUs), to: established, now: now) }
            let unusable = pass(.acknowledged(request), to: established, now: now)
            return stop + (unusable.isEmpty ? [.report(.acknowledged(body: request.body))] : unusable)

        case (.awaitingACK(let established, let response, let interval, let bye), .timerFired(.retransmitAnswer)):
            let next = min(interval * 2, timing.t2)
            state = .awaitingACK(established, response, interval: next, bye: bye)
            return [.retransmit(response), .arm(.retransmitAnswer, at: now.advanced(by: next))]

        case (.awaitingACK(let established, _, _, let bye), .timerFired(.answerTimeout)):
            state = .established(established)
            return [.cancel(.retransmitAnswer)]
                + pass(.bye(bye ?? [EstablishedDialog.noACKReason], .noACK), to: established, now: now)

        case (.awaitingACK(let established, let response, let interval, nil), .bye(let headers)):
            // §15: not before the ACK, or before we give up waiting for it.
            state = .awaitingACK(established, response, interval: interval, bye: headers)
            return []

        case (.awaitingACK(let established, _, _, _), .received(let request)) where request.method == .bye:
            state = .established(established)
            return [.cancel(.retransmitAnswer), .cancel(.answerTimeout)]
                + pass(.received(request), to: established, now: now)

        case (.awaitingACK(let established, _, _, _), .received(let request)):
            return pass(.received(request), to: established, now: now)

        case (.awaitingACK(let established, _, _, _), .timerFired(let timer)),
            (.established(let established), .timerFired(let timer)):
            return pass(.timerFired(timer), to: established, now: now)

        case (.awaitingACK(let established, _, _, _), .inDialog(let event)),
            (.established(let established), .inDialog(let event)):
            return pass(.inDialog(event), to: established, now: now)

        // MARK: in the call
        case (.established(let established), .received(let request)):
            return pass(.received(request), to: established, now: now)

        case (.established(let established), .bye(let headers)):
            return pass(.bye(headers, .byUs), to: established, now: now)

        case (.established(let established), .byeFinished):
            return pass(.byeFinished, to: established, now: now)

        case (.terminated, .received(let request)) where request.method != .ack:
            return [.respondTo(request, answers.response(to: request, 481))]

        case (.proceeding, _), (.awaitingACK, _), (.established, _), (.terminated, _):
            return []  // late, such as a CANCEL that crossed our 2xx
        }
    }

    private mutating func answer(_ body: [UInt8], _ headers: [HeaderField], now: Instant) -> [Action] {
        var fields = [contact, HeaderField(.allow, party.allow)] + answers.supported
        if answers.policy == .answer { fields += usage.timer.answer(invite) }
        fields += headers
        if !body.isEmpty, !headers.contains(where: { $0.name == .contentType }) {
            fields.append(HeaderField(.contentType, "application/sdp"))
        }
        let ok = response(200, headers: fields, body: body)
        usage.offers.describe(body)
        let established = EstablishedDialog(
            dialog: early, usage: usage, peer: invite.headers, isCaller: false, ids: ids, timing: timing)
        state = .awaitingACK(established, ok, interval: timing.t1, bye: nil)
        return [
            .respond(ok), .arm(.retransmitAnswer, at: now.advanced(by: timing.t1)),
            .arm(.answerTimeout, at: now.advanced(by: timing.timeout)),
        ] + pass(.begin, to: established, now: now)
    }

    // MARK: The early dialog

    private mutating func ring(_ status: Int, now: Instant) -> [Action] {
        guard (101...199).contains(status) else { return [] }
        guard var sender = reliable else { return [.respond(response(status, headers: [contact]))] }
        // RFC 3262 §5: where the INVITE made no offer, a reliable response would have to, for media that nobody may send
        // yet. The 200 makes it.
        guard !invite.body.isEmpty else { return [] }
        defer { reliable = sender }
        guard let rSeq = sender.reserve(status) else { return [] }
        let ringing = response(
            status,
            headers: [
                contact, HeaderField(.allow, party.allow), HeaderField(.require, "100rel"),
                HeaderField(.rSeq, "\(rSeq)"),
            ])
        sender.sent(ringing, interval: timing.t1)
        return [
            .respond(ringing), Action(timers.arm(.retransmitProvisional, at: now.advanced(by: timing.t1))),
            Action(timers.arm(.provisionalTimeout, at: now.advanced(by: timing.timeout))),
        ]
    }

    private mutating func provisionalTimer(_ timer: TimerID, now: Instant) -> [Action] {
        if timer == .retransmitProvisional {
            guard let again = reliable?.repeated() else { return [] }
            return [
                .retransmit(again.response),
                Action(timers.arm(.retransmitProvisional, at: now.advanced(by: again.interval))),
            ]
        }
        state = .terminated
        return stopProvisional() + [.respond(response(504)), .report(.ended(.noACK)), .finish]
    }

    private mutating func stopProvisional() -> [Action] {
        reliable?.stop()
        return timers.cancel(.retransmitProvisional, .provisionalTimeout).map { Action($0) }
    }

    private mutating func receiveEarly(_ request: Request, now: Instant) -> [Action] {
        guard early.accepts(request) else { return [.respondTo(request, answers.response(to: request, 500))] }
        if request.method == .prack, answers.policy == .answer {
            let acknowledgement = reliable?.acknowledge(request, invite: invite.headers.cseq) ?? .unknown
            let status = acknowledgement == .unknown ? 481 : 200
            let answer: [Action] = [
                .respondTo(request, answers.response(to: request, status)), .report(.request(request)),
            ]
            guard case .taken(let next) = acknowledgement else { return answer }
            let stop = timers.cancel(.retransmitProvisional, .provisionalTimeout).map { Action($0) }
            return stop + answer + (next.map { ring($0, now: now) } ?? [])
        }
        let answer = usage.answer(request, early: true)
        if answer.response.isSuccess, request.method == .update { early.refreshTarget(from: request) }
        return [.respondTo(request, answer.response), .report(.request(request))]
            + answer.reports.map { .report(.inDialog($0)) }
    }

    /// A PRACK that the final response overtook (RFC 3262 §3).
    private func acknowledges(_ prack: Request) -> Bool {
        guard var sender = reliable else { return false }
        return sender.acknowledge(prack, invite: invite.headers.cseq) != .unknown
    }

    /// Runs the dialog's own machine and puts it back where it was taken from.
    private mutating func pass(
        _ event: EstablishedDialog.Event, to established: EstablishedDialog, now: Instant
    ) -> [Action] {
        var established = established
        let actions = established.handle(event, now: now)
        switch state {
        case .awaitingACK(_, let response, let interval, let bye):
            state = .awaitingACK(established, response, interval: interval, bye: bye)
        case .proceeding, .established, .terminated:
            state = .established(established)
        }
        return actions.map { Action($0) }
    }

    private var contact: HeaderField { HeaderField(.contact, party.contact) }

    private func response(
        _ status: Int, _ reason: String? = nil, headers: [HeaderField] = [], body: [UInt8] = []
    ) -> Response {
        let server = party.userAgent.isEmpty ? [] : [HeaderField(.server, party.userAgent)]
        return invite.response(status, reason: reason, toTag: localTag, headers: server + headers, body: body)
    }

    private func response(_ status: Int, _ reason: String?, _ headers: [HeaderField]) -> Response {
        response(status, reason, headers: headers)
    }
}

extension UASInvite.Action {
    fileprivate init(_ action: EstablishedDialog.Action) {
        switch action {
        case .respondTo(let request, let response): self = .respondTo(request, response)
        case .send(let request): self = .send(request)
        case .sendACK(let request): self = .sendACK(request)
        case .arm(let timer, let instant): self = .arm(timer, at: instant)
        case .cancel(let timer): self = .cancel(timer)
        case .ended(let cause): self = .report(.ended(cause))
        case .seen(let request): self = .report(.request(request))
        case .report(let report): self = .report(.inDialog(report))
        case .finish: self = .finish
        }
    }

    fileprivate init(_ command: SessionTimers.Command) {
        switch command {
        case .arm(let timer, let instant): self = .arm(timer, at: instant)
        case .cancel(let timer): self = .cancel(timer)
        }
    }
}
