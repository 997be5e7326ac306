//            ┌──────┐  re-INVITE: answered; a 2xx repeats until its ACK, else BYE
//            │ open │  other requests: answered
//            └──────┘
//   our BYE    │   │ BYE: 200, ended
//   sent,      │   └──────────────────┐
//   ended      ▼                      ▼
//         ┌─────────┐            ┌────────┐
//         │ byeSent │ ─────────▶ │ closed │  anything: 481
//         └─────────┘  BYE done  └────────┘
//           BYE: 200; other requests: 481

/// What both sides of an INVITE have in common once it is answered: BYE from either end, and the peer's other requests.
struct EstablishedDialog: Sendable {
    enum Event: Sendable {
        case received(Request)
        case bye([HeaderField], EndCause)
        case byeFinished
        case timerFired(SessionTimerID)
    }
    enum Action: Sendable {
        case respondTo(Request, Response)
        case send(Request)
        case arm(SessionTimerID, at: Instant)
        case cancel(SessionTimerID)
        case ended(EndCause)
        /// A request that was answered here, or the ACK of a re-INVITE.
        case seen(Request)
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
    private var answers: InDialogAnswers
    private let ids: IDSource
    private let timing: Timing
    private var state = State.open
    private var reanswer: Reanswer?

    init(dialog: Dialog, answers: InDialogAnswers, ids: IDSource, timing: Timing) {
        self.dialog = dialog
        self.answers = answers
        self.ids = ids
        self.timing = timing
    }

    mutating func handle(_ event: Event, now: Instant) -> [Action] {
        switch (state, event) {
        case (.open, .received(let request)) where request.method == .ack:
            guard let reanswer, reanswer.request.headers.cseq?.number == request.headers.cseq?.number else { return [] }
            return stopReanswer() + [.seen(request)]

        case (.open, .received(let request)):
            return receive(request, now: now)

        case (.open, .bye(let headers, let cause)):
            return sendBye(headers, cause)

        case (.open, .timerFired(.retransmitReanswer)):
            guard var reanswer else { return [] }
            reanswer.interval = min(reanswer.interval * 2, timing.t2)
            self.reanswer = reanswer
            return [
                .respondTo(reanswer.request, reanswer.response),
                .arm(.retransmitReanswer, at: now.advanced(by: reanswer.interval)),
            ]

        case (.open, .timerFired(.reanswerTimeout)):
            guard reanswer != nil else { return [] }
            reanswer = nil
            return [.cancel(.retransmitReanswer)] + sendBye([Self.noACKReason], .noACK)

        case (.byeSent, .received(let request)) where request.method == .bye:
            return [.respondTo(request, answers.response(to: request, 200))]  // both hung up

        case (.byeSent, .byeFinished):
            state = .closed
            return [.finish]

        case (.byeSent, .received(let request)) where request.method != .ack,
            (.closed, .received(let request)) where request.method != .ack:
            return [.respondTo(request, answers.response(to: request, 481))]

        case (.open, _), (.byeSent, _), (.closed, _):
            return []
        }
    }

    /// For the BYE that nobody asked for.
    static let noACKReason = HeaderField(.reason, "SIP;cause=408;text=\"No ACK\"")

    private mutating func receive(_ request: Request, now: Instant) -> [Action] {
        guard dialog.accepts(request) else {
            return [.respondTo(request, answers.response(to: request, 500))]
        }
        if request.method == .bye {
            state = .closed
            return stopReanswer() + [
                .respondTo(request, answers.response(to: request, 200)), .ended(.byPeer(request)), .finish,
            ]
        }
        let response = answers.response(to: request)
        var actions: [Action] = []
        if response.isSuccess, request.method == .invite || request.method == .update {
            dialog.refreshTarget(from: request)
        }
        if response.isSuccess, request.method == .invite {
            // A peer that sends the next re-INVITE has seen the answer to the one before.
            actions += stopReanswer()
            reanswer = Reanswer(request: request, response: response, interval: timing.t1)
            actions += [
                .arm(.retransmitReanswer, at: now.advanced(by: timing.t1)),
                .arm(.reanswerTimeout, at: now.advanced(by: timing.timeout)),
            ]
        }
        return [.respondTo(request, response)] + actions + [.seen(request)]
    }

    private mutating func sendBye(_ headers: [HeaderField], _ cause: EndCause) -> [Action] {
        state = .byeSent
        let bye = dialog.request(.bye, branch: ids.branch(), party: answers.party, headers: headers)
        return stopReanswer() + [.send(bye), .ended(cause)]
    }

    private mutating func stopReanswer() -> [Action] {
        guard reanswer != nil else { return [] }
        reanswer = nil
        return [.cancel(.retransmitReanswer), .cancel(.reanswerTimeout)]
    }
}
