//            start: request sent
//                  │
//                  ▼        E: request again, interval doubled up to T2 (unreliable)
//            ┌──────────┐   F, transport failure ──▶ terminated
//            │  trying  │
//            └──────────┘
//              │      │ 1xx: up
//              │      ▼
//              │    ┌────────────┐  1xx: up;  E: request again every T2
//              │    │ proceeding │  F, transport failure ──▶ terminated
//              │    └────────────┘
//      200–699 │      │ 200–699
//      up      ▼      ▼ up
//             ┌───────────┐
//             │ completed │  K (0 s if reliable) ──▶ terminated
//             └───────────┘

/// Non-INVITE client transaction (RFC 3261 §17.1.2, figure 6).
public struct NonInviteClientTransaction: Sendable {
    public enum Event: Hashable, Sendable {
        case start
        case received(Response)
        case timerFired(TimerID)
        /// The request could not be sent, or no response can arrive any more.
        case transportFailed
    }
    public enum Action: Hashable, Sendable {
        case send(Request)
        case deliver(Response)
        case arm(TimerID, at: Instant)
        case cancel(TimerID)
        case finish(Outcome)
    }
    public enum TimerID: Hashable, Sendable { case retransmit /* E */, timeout /* F */, linger /* K */ }
    public typealias Outcome = TransactionOutcome

    private enum State: Hashable, Sendable {
        case idle
        case trying(interval: Duration)
        case proceeding, completed, terminated
    }

    public let request: Request
    private let reliable: Bool
    private let timing: Timing
    private var state = State.idle

    /// - Parameters:
    ///   - request: any method but INVITE and ACK, with its Via on top.
    ///   - reliable: TCP or TLS: nothing is retransmitted and nothing is waited for afterwards.
    public init(request: Request, reliable: Bool, timing: Timing = Timing()) {
        self.request = request
        self.reliable = reliable
        self.timing = timing
    }

    public var isTerminated: Bool { state == .terminated }

    public mutating func handle(_ event: Event, now: Instant) -> [Action] {
        switch (state, event) {
        case (.idle, .start):
            state = .trying(interval: timing.t1)
            return [.send(request)]
                + (reliable ? [] : [.arm(.retransmit, at: now.advanced(by: timing.t1))])
                + [.arm(.timeout, at: now.advanced(by: timing.timeout))]

        case (.trying(let interval), .timerFired(.retransmit)):
            let next = min(interval * 2, timing.t2)
            state = .trying(interval: next)
            return [.send(request), .arm(.retransmit, at: now.advanced(by: next))]

        case (.proceeding, .timerFired(.retransmit)):
            return [.send(request), .arm(.retransmit, at: now.advanced(by: timing.t2))]

        case (.trying, .received(let response)) where response.status < 200,
            (.proceeding, .received(let response)) where response.status < 200:
            state = .proceeding
            return [.deliver(response)]

        case (.trying, .received(let response)), (.proceeding, .received(let response)):
            guard !reliable else {
                state = .terminated  // timer K is 0 s
                return [.cancel(.timeout), .deliver(response), .finish(.completed)]
            }
            state = .completed
            return [
                .cancel(.retransmit), .cancel(.timeout), .deliver(response),
                .arm(.linger, at: now.advanced(by: timing.t4)),
            ]

        case (.trying, .timerFired(.timeout)), (.proceeding, .timerFired(.timeout)):
            state = .terminated
            return (reliable ? [] : [.cancel(.retransmit)]) + [.finish(.timedOut)]

        case (.trying, .transportFailed), (.proceeding, .transportFailed):
            state = .terminated
            return (reliable ? [] : [.cancel(.retransmit)]) + [.cancel(.timeout), .finish(.transportFailed)]

        case (.completed, .timerFired(.linger)):
            state = .terminated
            return [.finish(.completed)]

        case (.idle, _), (.trying, _), (.proceeding, _), (.completed, _), (.terminated, _):
            return []  // late or duplicate
        }
    }
}
