//              ┌────────────┐  ring: 1xx
//              │ proceeding │  requests in the early dialog: answered
//              └────────────┘
//     answer:    │        │ reject, bye: 3xx–6xx
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
        /// 101–199, without a body: no early media towards Meta (meta-calling §8).
        case ring(status: Int)
        /// 200 with our session description.
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
        case timerFired(TimerID)
    }
    public enum Action: Hashable, Sendable {
        /// To the INVITE, through its server transaction.
        case respond(Response)
        /// The 2xx again, through the same transaction.
        case retransmit(Response)
        /// To a request inside the dialog, through that request's server transaction. A 2xx to a re-INVITE comes more
        /// than once until its ACK is there.
        case respondTo(Request, Response)
        /// A BYE, through a new client transaction.
        case send(Request)
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
    private var answers: InDialogAnswers
    private var early: Dialog
    private var state = State.proceeding

    /// - Parameter localTag: for To; never used before.
    public init(
        invite: Request, localTag: String, party: LocalParty, ids: IDSource, timing: Timing = Timing(),
        reoffers: ReofferPolicy = .refuse
    ) {
        self.invite = invite
        self.localTag = localTag
        self.party = party
        self.ids = ids
        self.timing = timing
        answers = InDialogAnswers(party: party, policy: reoffers)
        early = .uas(invite: invite, localTag: localTag)
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
            guard (101...199).contains(status) else { return [] }
            return [.respond(response(status, headers: [contact]))]

        case (.proceeding, .answer(let body, let headers)):
            return answer(body, headers, now: now)

        case (.proceeding, .reject(let status, let reason, let headers)):
            state = .terminated
            return [.respond(response((300...699).contains(status) ? status : 480, reason, headers)), .finish]

        case (.proceeding, .bye(let headers)):
            state = .terminated
            return [.respond(response(480, nil, headers)), .finish]

        case (.proceeding, .cancelled):
            state = .terminated
            return [.respond(response(487)), .report(.cancelled), .finish]

        case (.proceeding, .received(let request)) where request.method == .bye:
            state = .terminated  // §15.1.2
            return [
                .respondTo(request, answers.response(to: request, 200)), .respond(response(487)),
                .report(.ended(.byPeer(request))), .finish,
            ]

        case (.proceeding, .received(let request)) where request.method != .ack:
            guard early.accepts(request) else {
                return [.respondTo(request, answers.response(to: request, 500))]
            }
            return [.respondTo(request, answers.response(to: request, early: true)), .report(.request(request))]

        // MARK: answered, not acknowledged
        case (.awaitingACK(let established, _, _, let bye), .received(let request))
        where request.method == .ack && request.headers.cseq?.number == invite.headers.cseq?.number:
            state = .established(established)
            let stop: [Action] = [.cancel(.retransmitAnswer), .cancel(.answerTimeout)]
            guard let bye else { return stop + [.report(.acknowledged(body: request.body))] }
            return stop + pass(.bye(bye, .byUs), to: established, now: now)

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

        case (.awaitingACK(let established, _, _, _), .timerFired(let timer)):
            return pass(.timerFired(timer), to: established, now: now)

        // MARK: in the call
        case (.established(let established), .received(let request)):
            return pass(.received(request), to: established, now: now)

        case (.established(let established), .bye(let headers)):
            return pass(.bye(headers, .byUs), to: established, now: now)

        case (.established(let established), .byeFinished):
            return pass(.byeFinished, to: established, now: now)

        case (.established(let established), .timerFired(let timer)):
            return pass(.timerFired(timer), to: established, now: now)

        case (.terminated, .received(let request)) where request.method != .ack:
            return [.respondTo(request, answers.response(to: request, 481))]

        case (.proceeding, _), (.awaitingACK, _), (.established, _), (.terminated, _):
            return []  // late, such as a CANCEL that crossed our 2xx
        }
    }

    private mutating func answer(_ body: [UInt8], _ headers: [HeaderField], now: Instant) -> [Action] {
        var fields = [contact, HeaderField(.allow, party.allow)] + headers
        if !body.isEmpty, !headers.contains(where: { $0.name == .contentType }) {
            fields.append(HeaderField(.contentType, "application/sdp"))
        }
        let ok = response(200, headers: fields, body: body)
        answers.description = LocalDescription(body)
        let established = EstablishedDialog(dialog: early, answers: answers, ids: ids, timing: timing)
        state = .awaitingACK(established, ok, interval: timing.t1, bye: nil)
        return [
            .respond(ok), .arm(.retransmitAnswer, at: now.advanced(by: timing.t1)),
            .arm(.answerTimeout, at: now.advanced(by: timing.timeout)),
        ]
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
        return actions.map { action in
            switch action {
            case .respondTo(let request, let response): .respondTo(request, response)
            case .send(let request): .send(request)
            case .arm(let timer, let instant): .arm(timer, at: instant)
            case .cancel(let timer): .cancel(timer)
            case .ended(let cause): .report(.ended(cause))
            case .seen(let request): .report(.request(request))
            case .finish: .finish
            }
        }
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
