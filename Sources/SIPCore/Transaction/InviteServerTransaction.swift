//        start: 100 sent, INVITE up
//                  │
//                  ▼        1xx from above: sent
//            ┌────────────┐ INVITE again: last response again
//            │ proceeding │
//            └────────────┘
//  300–699     │        │ 2xx from above
//  from above  │        │ sent
//  sent        ▼        ▼
//     ┌───────────┐  ┌──────────┐  INVITE again: nothing
//     │ completed │  │ accepted │  ACK: up;  2xx from above: sent again
//     └───────────┘  └──────────┘  L ──▶ terminated
//       │  INVITE again, G (unreliable): response again
//       │  H ──▶ terminated, timed out
//       │ ACK
//       ▼
//     ┌───────────┐  ACK again: nothing
//     │ confirmed │  I (0 s if reliable) ──▶ terminated
//     └───────────┘

/// INVITE server transaction (RFC 3261 §17.2.1, figure 7, with the Accepted state of RFC 6026 §7.1).
///
/// It sends 100 at once instead of waiting 200 ms for the user of the transaction: Meta's caller waits on us, and the
/// answer takes a second leg to make. A transport failure ends nothing here (RFC 6026 §7.1): whoever reports it tells
/// the user of the transaction as well.
public struct InviteServerTransaction: Sendable {
    public enum Event: Hashable, Sendable {
        case start
        /// The INVITE again, or an ACK that matches it.
        case received(Request)
        case respond(Response)
        case timerFired(TimerID)
        case transportFailed
    }
    public enum Action: Hashable, Sendable {
        case send(Response)
        /// At start the INVITE; later an ACK that belongs to a 2xx.
        case deliver(Request)
        case arm(TimerID, at: Instant)
        case cancel(TimerID)
        case finish(Outcome)
    }
    public enum TimerID: Hashable, Sendable { case retransmit /* G */, timeout /* H */, linger /* I, L */ }
    public typealias Outcome = TransactionOutcome

    private enum State: Hashable, Sendable {
        /// Nothing but the start needs the INVITE: what lingers is small.
        indirect case idle(Request)
        case proceeding(last: Response)
        case completed(Response, interval: Duration)
        case confirmed, accepted, terminated
    }

    private let reliable: Bool
    private let timing: Timing
    private var state: State

    /// - Parameters:
    ///   - request: the INVITE as received, its top Via stamped with where it came from.
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
            let trying = request.response(100)
            state = .proceeding(last: trying)
            return [.send(trying), .deliver(request)]

        case (.proceeding, .respond(let response)) where response.status < 200:
            state = .proceeding(last: response)
            return [.send(response)]

        case (.proceeding, .respond(let response)) where response.status < 300:
            state = .accepted
            return [.send(response), .arm(.linger /* L */, at: now.advanced(by: timing.timeout))]

        case (.proceeding, .respond(let response)):
            state = .completed(response, interval: timing.t1)
            return [.send(response)]
                + (reliable ? [] : [.arm(.retransmit, at: now.advanced(by: timing.t1))])
                + [.arm(.timeout, at: now.advanced(by: timing.timeout))]

        case (.proceeding(let response), .received(let again)) where again.method == .invite,
            (.completed(let response, _), .received(let again)) where again.method == .invite:
            return [.send(response)]

        case (.completed(let response, let interval), .timerFired(.retransmit)):
            let next = min(interval * 2, timing.t2)
            state = .completed(response, interval: next)
            return [.send(response), .arm(.retransmit, at: now.advanced(by: next))]

        case (.completed, .received(let ack)) where ack.method == .ack:
            guard !reliable else {
                state = .terminated  // timer I is 0 s
                return [.cancel(.timeout), .finish(.completed)]
            }
            state = .confirmed
            return [
                .cancel(.retransmit), .cancel(.timeout), .arm(.linger /* I */, at: now.advanced(by: timing.t4)),
            ]

        case (.completed, .timerFired(.timeout)):
            state = .terminated
            return (reliable ? [] : [.cancel(.retransmit)]) + [.finish(.timedOut)]

        case (.accepted, .received(let ack)) where ack.method == .ack:
            return [.deliver(ack)]

        case (.accepted, .respond(let response)) where (200..<300).contains(response.status):
            return [.send(response)]

        case (.confirmed, .timerFired(.linger)), (.accepted, .timerFired(.linger)):
            state = .terminated
            return [.finish(.completed)]

        case (.idle, _), (.proceeding, _), (.completed, _), (.confirmed, _), (.accepted, _), (.terminated, _):
            return []  // late or duplicate
        }
    }
}
