//            start: INVITE sent
//                  │
//                  ▼        A: INVITE again, twice the interval (unreliable)
//             ┌─────────┐   B, transport failure ──▶ terminated
//             │ calling │
//             └─────────┘
//              │   │   │ 1xx
//              │   │   ▼
//              │   │ ┌────────────┐   1xx: up
//              │   │ │ proceeding │
//              │   │ └────────────┘
//        2xx   │   │ 300–699  │  │ 2xx
//        up    │   │ up, ACK  │  │ up
//              │   ▼          ▼  │
//              │ ┌─────────────┐ │  300–699: ACK again
//              │ │  completed  │ │  D (0 s if reliable), transport failure ──▶ terminated
//              │ └─────────────┘ │
//              ▼                 ▼
//             ┌───────────────────┐  2xx: up (a retransmission, or another fork)
//             │     accepted      │  M ──▶ terminated
//             └───────────────────┘

/// INVITE client transaction (RFC 3261 §17.1.1, figure 5, with the Accepted state of RFC 6026 §7.2).
///
/// It makes the ACK for 300–699 itself; the ACK for a 2xx is the dialog's (``UACInvite``).
public struct InviteClientTransaction: Sendable {
    public enum Event: Hashable, Sendable {
        case start
        case received(Response)
        case timerFired(TimerID)
        /// The request or its ACK could not be sent, or no response can arrive any more.
        case transportFailed
    }
    public enum Action: Hashable, Sendable {
        case send(Request)
        case deliver(Response)
        case arm(TimerID, at: Instant)
        case cancel(TimerID)
        case finish(Outcome)
    }
    public enum TimerID: Hashable, Sendable { case retransmit /* A */, timeout /* B */, linger /* D, M */ }
    public typealias Outcome = TransactionOutcome

    private enum State: Hashable, Sendable {
        case idle
        case calling(interval: Duration)
        case proceeding
        case completed(ack: Request)
        case accepted, terminated
    }

    public let request: Request
    private let reliable: Bool
    private let timing: Timing
    private var state = State.idle

    /// - Parameters:
    ///   - request: the INVITE with its Via on top.
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
            state = .calling(interval: timing.t1)
            return [.send(request)]
                + (reliable ? [] : [.arm(.retransmit, at: now.advanced(by: timing.t1))])
                + [.arm(.timeout, at: now.advanced(by: timing.timeout))]

        case (.calling(let interval), .timerFired(.retransmit)):
            let next = interval * 2  // not held at T2: an INVITE is worth waiting for (§17.1.1.2)
            state = .calling(interval: next)
            return [.send(request), .arm(.retransmit, at: now.advanced(by: next))]

        case (.calling, .timerFired(.timeout)):
            state = .terminated
            return stopCalling(keepTimeout: true) + [.finish(.timedOut)]

        case (.calling, .received(let response)) where response.status < 200:
            state = .proceeding
            return stopCalling() + [.deliver(response)]

        case (.proceeding, .received(let response)) where response.status < 200:
            return [.deliver(response)]

        case (.calling, .received(let response)) where response.status < 300:
            return stopCalling() + accept(response, now: now)

        case (.proceeding, .received(let response)) where response.status < 300:
            return accept(response, now: now)

        case (.calling, .received(let response)):
            return stopCalling() + complete(response, now: now)

        case (.proceeding, .received(let response)):
            return complete(response, now: now)

        case (.completed(let ack), .received(let response)) where response.status >= 300:
            return [.send(ack)]

        case (.accepted, .received(let response)) where (200..<300).contains(response.status):
            return [.deliver(response)]

        case (.completed, .timerFired(.linger)), (.accepted, .timerFired(.linger)):
            state = .terminated
            return [.finish(.completed)]

        case (.calling, .transportFailed):
            state = .terminated
            return stopCalling() + [.finish(.transportFailed)]

        case (.proceeding, .transportFailed):
            state = .terminated
            return [.finish(.transportFailed)]

        case (.completed, .transportFailed):
            state = .terminated
            return [.cancel(.linger), .finish(.transportFailed)]

        case (.idle, _), (.calling, _), (.proceeding, _), (.completed, _), (.accepted, _), (.terminated, _):
            return []  // late or duplicate
        }
    }

    private func stopCalling(keepTimeout: Bool = false) -> [Action] {
        (reliable ? [] : [.cancel(.retransmit)]) + (keepTimeout ? [] : [.cancel(.timeout)])
    }

    private mutating func accept(_ response: Response, now: Instant) -> [Action] {
        state = .accepted
        return [.deliver(response), .arm(.linger /* M */, at: now.advanced(by: timing.timeout))]
    }

    private mutating func complete(_ response: Response, now: Instant) -> [Action] {
        let ack = request.ack(for: response)
        if reliable {
            state = .terminated  // timer D is 0 s
            return [.send(ack), .deliver(response), .finish(.completed)]
        }
        state = .completed(ack: ack)
        return [.send(ack), .deliver(response), .arm(.linger /* D */, at: now.advanced(by: timing.responseLinger))]
    }
}

extension Request {
    /// The ACK to a final response above 299 to this INVITE (RFC 3261 §17.1.1.3): same Request-URI, top Via, Route,
    /// From and Call-ID; To is the response's.
    func ack(for response: Response) -> Request {
        var ack = hopByHop(.ack)
        if let to = response.headers[first: .to] { ack.headers.set(.to, to) }
        return ack
    }

    /// The CANCEL of this request (RFC 3261 §9.1), before `headers` such as Reason.
    func cancelling(_ headers: [HeaderField] = []) -> Request {
        var cancel = hopByHop(.cancel)
        for field in headers { cancel.headers.append(field) }
        return cancel
    }

    private func hopByHop(_ method: Method) -> Request {
        var fields = Headers()
        if let via = headers.elements(.via).first { fields.append(.via, via) }
        for route in headers.all(.route) { fields.append(.route, route) }
        fields.append(.maxForwards, headers[first: .maxForwards] ?? "70")
        for name in [HeaderName.from, .to, .callID] {
            if let value = headers[first: name] { fields.append(name, value) }
        }
        if let cseq = headers.cseq { fields.append(.cseq, CSeq(number: cseq.number, method: method).description) }
        return Request(method: method, uri: uri, headers: fields)
    }
}
