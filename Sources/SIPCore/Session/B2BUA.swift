/// Pairs two sides into one call: the caller's INVITE, and a callee that is a PBX, a WhatsApp user or an application of
/// ours.
///
/// ```
///            start             answered           acknowledged
///   idle ─────────▶ inviting ───────────▶ answering ─────────▶ talking
///                      │ failed, cancelled,   │ ended             │ ended, hangUp
///                      ▼ timeout              ▼                   ▼
///                    ended ◀────────────────────────────────────────
/// ```
///
/// A callee that is being cancelled may still answer (RFC 3261 §9.1); its leg hangs up by itself, so the machine has
/// nothing to do after `ended`. It holds no message and no media: the driver turns its actions into those.
public struct B2BUA: Sendable {
    public enum Event: Hashable, Sendable {
        case start
        case calleeProgress(status: Int)
        case calleeAnswered
        /// The call did not come about; what the caller is told is the callee side's to say.
        case calleeFailed(Refusal)
        case calleeEnded(Q850Cause)
        /// The callee answered with media that cannot be used.
        case calleeUnusable(Refusal)
        case callerCancelled
        case callerAcknowledged
        case callerEnded(Q850Cause)
        case ringTimedOut
        /// Decided here: shutdown, dead media, an operator.
        case hangUp(Q850Cause)
    }

    public enum Action: Hashable, Sendable {
        case inviteCallee
        case ringCaller
        /// 200 to the caller with the description for its leg.
        case answerCaller
        case rejectCaller(Refusal)
        case cancelCallee(Q850Cause)
        case hangUpCallee(Q850Cause)
        case hangUpCaller(Q850Cause)
        case startRingTimer
        case stopRingTimer
        /// The caller may be sent media now.
        case startMedia
        case finish(Outcome)
    }

    /// A final answer to the caller, with the sentence for its Warning header field.
    public struct Refusal: Hashable, Sendable {
        public var status: Int
        public var warning: String
        public var retryAfter: Int?
        /// For the Reason header field; nil: what the status stands for.
        public var cause: Q850Cause?
        /// What the callee's side said in its own words, cleaned; for a PBX only.
        public var detail: String?

        public init(
            status: Int, warning: String, retryAfter: Int? = nil, cause: Q850Cause? = nil, detail: String? = nil
        ) {
            self.status = status
            self.warning = warning
            self.retryAfter = retryAfter
            self.cause = cause
            self.detail = detail
        }
    }

    public enum Outcome: Hashable, Sendable {
        /// Both sides talked; who hung up, and why.
        case completed(by: Side, Q850Cause)
        case cancelled
        case refused(Refusal)
        case noAnswer
    }

    public enum Side: Hashable, Sendable { case caller, callee, edge }

    private enum State: Hashable, Sendable {
        case idle
        case inviting(rang: Bool)
        case answering
        case talking
        case ended
    }

    private var state = State.idle

    public init() {}

    public var isTalking: Bool { state == .talking }

    public mutating func handle(_ event: Event) -> [Action] {
        switch (state, event) {
        case (.idle, .start):
            state = .inviting(rang: false)
            return [.startRingTimer, .inviteCallee]

        case (.inviting(let rang), .calleeProgress(let status)):
            guard status > 100, !rang else { return [] }
            state = .inviting(rang: true)
            return [.ringCaller]  // always 180 without SDP (design §4)
        case (.inviting, .calleeAnswered):
            state = .answering
            return [.stopRingTimer, .answerCaller]
        case (.inviting, .calleeFailed(let refusal)):
            return refuse(refusal, [.stopRingTimer])
        case (.inviting, .calleeUnusable(let refusal)):
            return refuse(refusal, [.stopRingTimer, .hangUpCallee(.incompatibleDestination)])
        case (.inviting, .callerCancelled), (.inviting, .callerEnded):
            state = .ended
            return [.stopRingTimer, .cancelCallee(.normalClearing), .finish(.cancelled)]
        case (.inviting, .ringTimedOut):
            state = .ended
            let refusal = Refusal(status: 480, warning: "nobody answered in time", cause: .noAnswer)
            return [.cancelCallee(.noAnswer), .rejectCaller(refusal), .finish(.noAnswer)]
        case (.inviting, .hangUp(let cause)):
            let refusal = Refusal(status: 503, warning: "the call was ended here: \(cause.text)", cause: cause)
            return refuse(refusal, [.stopRingTimer, .cancelCallee(cause)])
        case (.inviting, .calleeEnded):
            return refuse(Refusal(callee: 480), [.stopRingTimer])

        case (.answering, .callerAcknowledged):
            state = .talking
            return [.startMedia]
        case (.answering, .callerCancelled):
            return []  // the CANCEL crossed our 200: RFC 3261 §9.2, no effect
        case (.answering, .callerEnded(let cause)), (.talking, .callerEnded(let cause)):
            state = .ended
            return [.hangUpCallee(cause), .finish(.completed(by: .caller, cause))]
        case (.answering, .calleeEnded(let cause)), (.talking, .calleeEnded(let cause)):
            state = .ended
            return [.hangUpCaller(cause), .finish(.completed(by: .callee, cause))]
        case (.answering, .hangUp(let cause)), (.talking, .hangUp(let cause)):
            state = .ended
            return [.hangUpCaller(cause), .hangUpCallee(cause), .finish(.completed(by: .edge, cause))]

        case (.idle, _), (.inviting, _), (.answering, _), (.talking, _), (.ended, _):
            return []
        }
    }

    private mutating func refuse(_ refusal: Refusal, _ first: [Action]) -> [Action] {
        state = .ended
        return first + [.rejectCaller(refusal), .finish(.refused(refusal))]
    }
}

extension B2BUA.Refusal {
    /// What the caller is told of the PBX's final answer: its class and meaning, never its text.
    public init(callee status: Int) {
        switch status {
        case 404, 410, 484, 604: self.init(status: 404, warning: "the PBX does not know this number")
        case 486, 600: self.init(status: 486, warning: "busy")
        case 603, 403: self.init(status: 603, warning: "the PBX declined the call")
        case 480, 487: self.init(status: 480, warning: "nobody is available")
        case 408: self.init(status: 480, warning: "the PBX did not answer")
        case 401, 407: self.init(status: 503, warning: "the PBX asks for a password: identify Ibis by address there")
        case 415, 488, 606: self.init(status: 488, warning: "the PBX takes no Opus: allow opus on its endpoint")
        case 300...399: self.init(status: 480, warning: "the PBX redirected the call")
        case 503: self.init(status: 503, warning: "the PBX is out of reach or overloaded", retryAfter: 10)
        case 500...599: self.init(status: 503, warning: "the PBX failed", retryAfter: 10)
        default: self.init(status: 480, warning: "the PBX refused the call")
        }
    }
}
