//              ┌──────┐
//              │ idle │
//              └──────┘
//                 │ start: INVITE
//                 ▼
//            ┌─────────┐  cancel: held until a provisional response
//       ┌──▶ │ calling │
//       │    └─────────┘
//       │      │     │ 1xx
//       │      │     ▼
//       │      │   ┌────────────┐ cancel, bye: CANCEL    ┌────────────┐
//       │      │   │ proceeding │ ─────────────────────▶ │ cancelling │
//       │      │   └────────────┘                        └────────────┘
//       │ 401, │     │         │ 2xx: ACK     2xx: ACK, BYE │   │
//       │ 407  ▼     ▼         ▼                            │   │ 3xx–6xx, failure,
//       │  ┌────────────┐  ┌─────────────┐ ◀────────────────┘   │ 64·T1: failed 487
//       └──│ challenged │  │ established │                      │
//  authorize:  ─────────┘  └─────────────┘ 2xx again: ACK again │
//  INVITE,     │ cancel          │         2xx of a fork:       │
//  CSeq + 1    ▼                 ▼         ACK, BYE             ▼
//            ┌───────────────────────────────────────────────────┐
//            │                     terminated                    │
//            └───────────────────────────────────────────────────┘
//  A reliable 1xx gets its PRACK (EarlyDialogs). 422 to a session interval: INVITE, CSeq + 1.
//  Other 3xx–6xx, time-out (408) and transport failure (503) lead from calling and proceeding to terminated.

/// One outgoing INVITE and the dialog it makes, from the side that calls (RFC 3261 §13.2, §9.1).
public struct UACInvite: Sendable {
    public enum Event: Hashable, Sendable {
        case start
        /// A response to the INVITE, from its client transaction.
        case received(Response)
        /// Its client transaction ended without a final response.
        case failed(ClientFailure)
        /// The answer to a challenge: the INVITE goes out again with this field, its CSeq one higher.
        case authorize(HeaderField)
        /// Give up calling. The headers, such as Reason, go into the CANCEL.
        case cancel(headers: [HeaderField])
        /// Hang up: BYE, or what `cancel` does before an answer.
        case bye(headers: [HeaderField])
        /// A request of the peer inside the dialog, ACK included.
        case request(Request)
        /// The final status for a BYE of ours; nil when there was none.
        case byeFinished(Int?)
        case inDialog(InDialogEvent)
        case timerFired(TimerID)
    }
    public enum Action: Hashable, Sendable {
        /// INVITE, CANCEL, BYE, PRACK, UPDATE, re-INVITE or NOTIFY, each through a new client transaction. A CANCEL
        /// travels the way of its INVITE, and what is answered to it says nothing here.
        case send(Request)
        /// The ACK to a 2xx, straight to the transport.
        case sendACK(Request)
        /// To a request inside the dialog, through that request's server transaction. A 2xx to a re-INVITE comes more
        /// than once until its ACK is there.
        case respondTo(Request, Response)
        case arm(TimerID, at: Instant)
        case cancel(TimerID)
        case report(Report)
        /// The machine has nothing left to do, but still acknowledges a late 2xx if it is given one.
        case finish
    }
    public enum Report: Hashable, Sendable {
        /// 100–199. A description in it is early media, which nobody hears (design §4).
        case provisional(Response)
        /// 401 or 407: answer with `authorize` or `cancel`.
        case challenged(Response)
        /// 2xx; its ACK has gone out. The body is the answer to our offer, also when an earlier response brought it.
        case answered(Response)
        /// The call did not come about: the final status, 487 when we gave up, 408 when nobody answered, 503 when the
        /// request could not be sent. The response is there when one was received.
        case failed(status: Int, response: Response?)
        case ended(EndCause)
        /// A request inside the dialog that has been answered here.
        case request(Request)
        case inDialog(InDialogReport)
    }
    public typealias TimerID = SessionTimerID

    private enum State: Sendable {
        case idle
        case calling(cancel: [HeaderField]?)
        case proceeding
        case cancelling([HeaderField])
        case challenged(Response)
        case established(EstablishedDialog, ack: Request)
        case terminated
    }

    /// The INVITE as sent last.
    public private(set) var invite: Request
    private let party: LocalParty
    private let ids: IDSource
    private let timing: Timing
    private var usage: InviteUsage
    private var early: EarlyDialogs
    private var state = State.idle
    private var answers: InDialogAnswers { usage.answers }
    private var raises = 0
    private static let mostRaises = 2
    /// ACKs for the 2xx of other forks, by To tag.
    private var forks: [String: Request] = [:]
    private static let mostForks = 8
    /// BYEs of forks whose end is still to come, told apart from our own only by their number.
    private var forkByes = 0

    /// - Parameters:
    ///   - invite: Request-URI, From with tag, To, Call-ID, Route and fields of one's own, and the body. Our own Via,
    ///     Max-Forwards, CSeq (1 if there is none), Contact, Allow, User-Agent and Content-Type are filled in.
    ///   - reoffers: what the peer may do besides answering and hanging up. With `answer`, session timer and reliable
    ///     provisional responses are offered to it.
    public init(
        invite: Request, party: LocalParty, ids: IDSource, timing: Timing = Timing(),
        reoffers: ReofferPolicy = .answer, timer: SessionTimer.Preference = .init()
    ) {
        self.party = party
        self.ids = ids
        self.timing = timing
        usage = InviteUsage(
            answers: InDialogAnswers(party: party, policy: reoffers), offers: OfferAnswerState(calling: invite),
            timer: SessionTimer(timer))
        early = EarlyDialogs(usage: usage, ids: ids)
        let extensions = usage.answers.supported + (reoffers == .answer ? usage.timer.requestFields : [])
        self.invite = Self.complete(invite, party: party, branch: ids.branch(), extensions: extensions)
    }

    public var callID: String { invite.headers.callID ?? "" }
    public var localTag: String { invite.headers.from?.tag ?? "" }

    /// The dialog of the 2xx that was taken; nil before.
    public var dialog: Dialog? {
        if case .established(let established, _) = state { established.dialog } else { nil }
    }

    public mutating func handle(_ event: Event, now: Instant) -> [Action] {
        switch (state, event) {
        case (.idle, .start):
            state = .calling(cancel: nil)
            return [.send(invite)]

        case (.idle, .cancel), (.idle, .bye):
            return fail(487)

        // MARK: provisional
        case (.calling(nil), .received(let response)) where response.status < 200,
            (.proceeding, .received(let response)) where response.status < 200:
            state = .proceeding
            return provisional(response)

        case (.calling(let headers?), .received(let response)) where response.status < 200:
            return sendCancel(headers, now: now)

        // MARK: answered
        case (.calling(nil), .received(let response)) where response.status < 300,
            (.proceeding, .received(let response)) where response.status < 300:
            return establish(response, now: now)

        case (.calling(let headers?), .received(let response)) where response.status < 300:
            return establish(response, now: now, wanted: false) + hangUpUnwanted(headers, now: now)

        case (.cancelling(let headers), .received(let response)) where (200..<300).contains(response.status):
            return [.cancel(.cancelTimeout)] + establish(response, now: now, wanted: false)
                + hangUpUnwanted(headers, now: now)

        case (.established(let established, _), .received(let response))
        where response.headers.cseq?.number != invite.headers.cseq?.number:
            return pass(.inDialog(.responded(response)), to: established, now: now)

        case (.established(let established, let ack), .received(let response))
        where (200..<300).contains(response.status):
            let tag = response.headers.to?.tag ?? ""
            return tag == established.dialog.id.remoteTag ? [.sendACK(ack)] : refuseFork(response, tag: tag)

        case (.terminated, .received(let response)) where (200..<300).contains(response.status),
            (.challenged, .received(let response)) where (200..<300).contains(response.status):
            return refuseFork(response, tag: response.headers.to?.tag ?? "")

        // MARK: refused
        case (.calling(nil), .received(let response)) where response.status == 401 || response.status == 407,
            (.proceeding, .received(let response)) where response.status == 401 || response.status == 407:
            state = .challenged(response)
            return [.report(.challenged(response))]

        case (.calling(nil), .received(let response)) where response.status == 422,
            (.proceeding, .received(let response)) where response.status == 422:
            return lengthen(response)

        case (.calling(nil), .received(let response)), (.proceeding, .received(let response)):
            return fail(response.status, response)

        case (.calling(.some), .received(let response)):
            return fail(487, response)

        case (.cancelling, .received(let response)) where response.status >= 300:
            return [.cancel(.cancelTimeout)] + fail(487, response)

        case (.calling(let cancel), .failed(let failure)):
            return fail(cancel == nil ? failure.status : 487)

        case (.proceeding, .failed(let failure)):
            return fail(failure.status)

        case (.cancelling, .failed):
            return [.cancel(.cancelTimeout)] + fail(487)

        case (.cancelling, .timerFired(.cancelTimeout)):
            return fail(487)  // §9.1: as good as cancelled

        // MARK: our decisions
        case (.challenged, .authorize(let credentials)):
            invite.headers.set(credentials.name, credentials.value)
            return inviteAgain()

        case (.challenged(let response), .cancel), (.challenged(let response), .bye):
            return fail(response.status, response)

        case (.calling(nil), .cancel(let headers)), (.calling(nil), .bye(let headers)):
            state = .calling(cancel: headers)  // §9.1: not before a provisional response
            return []

        case (.proceeding, .cancel(let headers)), (.proceeding, .bye(let headers)):
            return sendCancel(headers, now: now)

        case (.established(let established, _), .bye(let headers)),
            (.established(let established, _), .cancel(let headers)):
            return pass(.bye(headers, .byUs), to: established, now: now)

        // MARK: in the call
        case (.established, .byeFinished) where forkByes > 0:
            forkByes -= 1
            return []

        case (.established(let established, _), .byeFinished):
            return pass(.byeFinished, to: established, now: now)

        case (.established(let established, _), .request(let request)):
            return pass(.received(request), to: established, now: now)

        case (.established(let established, _), .timerFired(let timer)):
            return pass(.timerFired(timer), to: established, now: now)

        case (.established(let established, _), .inDialog(let event)):
            return pass(.inDialog(event), to: established, now: now)

        case (.calling, .request(let request)) where request.method != .ack,
            (.proceeding, .request(let request)) where request.method != .ack:
            return [.respondTo(request, early.answer(request)), .report(.request(request))]

        case (.cancelling, .request(let request)) where request.method != .ack,
            (.terminated, .request(let request)) where request.method != .ack,
            (.challenged, .request(let request)) where request.method != .ack:
            return [.respondTo(request, answers.response(to: request, 481))]

        case (.idle, _), (.calling, _), (.proceeding, _), (.cancelling, _), (.challenged, _), (.established, _),
            (.terminated, _):
            return []
        }
    }

    // MARK: Steps

    private mutating func fail(_ status: Int, _ response: Response? = nil) -> [Action] {
        state = .terminated
        return [.report(.failed(status: status, response: response)), .finish]
    }

    private mutating func sendCancel(_ headers: [HeaderField], now: Instant) -> [Action] {
        state = .cancelling(headers)
        return [
            .send(invite.cancelling(headers)), .arm(.cancelTimeout, at: now.advanced(by: timing.timeout)),
        ]
    }

    private mutating func provisional(_ response: Response) -> [Action] {
        guard response.status > 100 else { return [.report(.provisional(response))] }
        switch early.receive(response, to: invite) {
        case .new(let prack): return (prack.map { [.send($0)] } ?? []) + [.report(.provisional(response))]
        case .ignored: return []
        }
    }

    private mutating func establish(_ response: Response, now: Instant, wanted: Bool = true) -> [Action] {
        var established = early.establish(response, of: invite)
        let ack = ack(in: established.dialog)
        established.usage.offers.settle()
        if answers.policy == .answer { established.usage.timer.agree(with: response) }
        let dialog = EstablishedDialog(
            dialog: established.dialog, usage: established.usage, peer: response.headers, isCaller: true, ids: ids,
            timing: timing)
        state = .established(dialog, ack: ack)
        guard wanted else { return [.sendACK(ack)] }
        let moved = established.stream.map { Action.report(.inDialog(.media($0))) }
        return [.sendACK(ack)] + pass(.begin, to: dialog, now: now) + [.report(.answered(established.response))]
            + (moved.map { [$0] } ?? [])
    }

    /// The 2xx that crossed our CANCEL: to the call it is a failed one.
    private mutating func hangUpUnwanted(_ headers: [HeaderField], now: Instant) -> [Action] {
        guard case .established(let established, _) = state else { return [] }
        return pass(.bye(headers, .byUs), to: established, now: now).map { action in
            action == .report(.ended(.byUs)) ? .report(.failed(status: 487, response: nil)) : action
        }
    }

    /// A 2xx of another fork: acknowledged and hung up (§13.2.2.4), as we talk to one only.
    private mutating func refuseFork(_ response: Response, tag: String) -> [Action] {
        if let ack = forks[tag] { return [.sendACK(ack)] }
        guard forks.count < Self.mostForks else { return [] }
        var dialog = early.establish(response, of: invite).dialog
        let ack = ack(in: dialog)
        forks[tag] = ack
        forkByes += 1
        return [.sendACK(ack), .send(dialog.request(.bye, branch: ids.branch(), party: party))]
    }

    private func ack(in dialog: Dialog) -> Request {
        dialog.ack(
            number: invite.headers.cseq?.number ?? 1, branch: ids.branch(), party: party,
            headers: invite.headers.filter { $0.name == .authorization || $0.name == .proxyAuthorization })
    }

    /// The session interval we proposed was too short (RFC 4028 §7.3).
    private mutating func lengthen(_ response: Response) -> [Action] {
        guard answers.policy == .answer, raises < Self.mostRaises, usage.timer.raise(to: response) else {
            return fail(response.status, response)
        }
        raises += 1
        early = EarlyDialogs(usage: usage, ids: ids)
        for field in usage.timer.requestFields { invite.headers.set(field.name, field.value) }
        return inviteAgain()
    }

    private mutating func inviteAgain() -> [Action] {
        let number = (invite.headers.cseq?.number ?? 1) &+ 1
        invite.headers.set(.cseq, CSeq(number: number, method: .invite).description)
        let passed = invite.headers.all(.via).dropFirst()
        invite.headers.set(.via, party.via(branch: ids.branch()))
        for via in passed { invite.headers.append(.via, via) }
        early.removeAll()
        state = .calling(cancel: nil)
        return [.send(invite)]
    }

    private mutating func pass(
        _ event: EstablishedDialog.Event, to established: EstablishedDialog, now: Instant
    ) -> [Action] {
        guard case .established(_, let ack) = state else { return [] }
        var established = established
        let actions = established.handle(event, now: now)
        state = .established(established, ack: ack)
        return actions.map { Action($0) }
    }

    /// The INVITE in the order of meta-calling §12.2 (1), fields of one's own before Content-Type.
    private static func complete(
        _ invite: Request, party: LocalParty, branch: String, extensions: [HeaderField]
    ) -> Request {
        let given = invite.headers
        var fields = Headers()
        fields.append(.via, party.via(branch: branch))
        // Of elements that the INVITE is made to look as having passed: a stand-in of Meta's trunk has some.
        for via in given.all(.via) { fields.append(.via, via) }
        for route in given.all(.route) { fields.append(.route, route) }
        fields.append(.maxForwards, given[first: .maxForwards] ?? "70")
        for name in [HeaderName.from, .to, .callID] {
            if let value = given[first: name] { fields.append(name, value) }
        }
        fields.append(.cseq, CSeq(number: given.cseq?.number ?? 1, method: .invite).description)
        fields.append(.contact, given[first: .contact] ?? party.contact)
        fields.append(.allow, given[first: .allow] ?? party.allow)
        if let agent = given[first: .userAgent] {
            fields.append(.userAgent, agent)
        } else if !party.userAgent.isEmpty {
            fields.append(.userAgent, party.userAgent)
        }
        for field in extensions { fields.append(field) }
        let placed: [HeaderName] = [
            .via, .route, .maxForwards, .from, .to, .callID, .cseq, .contact, .allow, .userAgent, .contentType,
            .contentLength,
        ]
        for field in given where !placed.contains(field.name) { fields.append(field) }
        if !invite.body.isEmpty { fields.append(.contentType, given[first: .contentType] ?? "application/sdp") }
        return Request(method: .invite, uri: invite.uri, headers: fields, body: invite.body)
    }
}

extension UACInvite.Action {
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
}
