//        start: request up
//               │
//               ▼
//          ┌─────────┐  request again: nothing
//          │ trying  │
//          └─────────┘
//            │     │ 1xx from above: sent
//            │     ▼
//            │   ┌────────────┐  1xx from above: sent
//            │   │ proceeding │  request again: last response again
//            │   └────────────┘
//   200–699  │     │ 200–699 from above
//   sent     ▼     ▼ sent
//          ┌───────────┐  request again: response again
//          │ completed │  J (0 s if reliable) ──▶ terminated
//          └───────────┘
//   Transport failure in any of them ──▶ terminated

/// Non-INVITE server transaction (RFC 3261 §17.2.2, figure 8).
public struct NonInviteServerTransaction: Sendable {
    public enum Event: Hashable, Sendable {
        case start
        /// The request again.
        case received(Request)
        case respond(Response)
        case timerFired(TimerID)
        case transportFailed
    }
    public enum Action: Hashable, Sendable {
        case send(Response)
        case deliver(Request)
        case arm(TimerID, at: Instant)
        case cancel(TimerID)
        case finish(Outcome)
    }
    public enum TimerID: Hashable, Sendable { case linger /* J */ }
    public typealias Outcome = TransactionOutcome

    private enum State: Hashable, Sendable {
        /// Nothing but the start needs the request: what lingers is small.
        indirect case idle(Request)
        case trying
        case proceeding(last: Response)
        case completed(Response)
        case terminated
    }

    private let reliable: Bool
    private let timing: Timing
    private var state: State

    /// - Parameters:
    ///   - request: as received, its top Via stamped with where it came from.
    ///   - reliable: TCP or TLS.
    public init(request: Request, reliable: Bool, timing: Timing = Timing()) {
        state = .idle(request)
        self.reliable = reliable
        self.timing = timing
    }

    public var isTerminated: Bool { state == .terminated }

    public mutating func handle(_ event: Event, now: Instant) -> [Action] {
        switch (state, event) {
        case (.idle(let request), .start):
            state = .trying
            return [.deliver(request)]

        case (.trying, .respond(let response)) where response.status < 200,
            (.proceeding, .respond(let response)) where response.status < 200:
            state = .proceeding(last: response)
            return [.send(response)]

        case (.trying, .respond(let response)), (.proceeding, .respond(let response)):
            guard !reliable else {
                state = .terminated  // timer J is 0 s
                return [.send(response), .finish(.completed)]
            }
            state = .completed(response)
            return [.send(response), .arm(.linger, at: now.advanced(by: timing.timeout))]

        case (.proceeding(let response), .received), (.completed(let response), .received):
            return [.send(response)]

        case (.completed, .timerFired(.linger)):
            state = .terminated
            return [.finish(.completed)]

        case (.trying, .transportFailed), (.proceeding, .transportFailed):
            state = .terminated
            return [.finish(.transportFailed)]

        case (.completed, .transportFailed):
            state = .terminated
            return [.cancel(.linger), .finish(.transportFailed)]

        case (.idle, _), (.trying, _), (.proceeding, _), (.completed, _), (.terminated, _):
            return []  // late or duplicate
        }
    }
}
