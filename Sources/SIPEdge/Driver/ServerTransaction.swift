import NIOCore
package import SIPCore

/// One server transaction on its flow until its final response; the driver keeps a small record of it afterwards.
package final class ServerTransaction {
    package let key: TransactionKey
    /// Of an INVITE that was answered finally, method and Request-URI alone.
    package private(set) var request: Request
    package let flow: Flow
    package let side: TransportLayer.Side
    /// Nil once the final response has been sent.
    private var machine: CompletedTransactions.Machine?
    private unowned let driver: TransactionDriver
    /// Set by the INVITE's owner: a CANCEL for it came in and was answered.
    package var onCancel: ((Request) -> Void)?
    /// Set by the INVITE's owner: the connection that it came by is gone.
    package var onFlowClosed: (() -> Void)?
    /// Octets that the request holds until the transaction is over, about.
    let cost: Int
    /// Every response of the transaction, for the call's ladder; those sent before it is set come first.
    package var onSent: ((Response) -> Void)? {
        didSet {
            guard let onSent else { return }
            for response in sentUnseen { onSent(response) }
            sentUnseen = []
        }
    }
    /// The 100 leaves before the call exists.
    private var sentUnseen: [Response] = []
    /// The last response as it was sent, for when the request comes again.
    private var answer: [UInt8] = []

    init(key: TransactionKey, request: Request, flow: Flow, side: TransportLayer.Side, driver: TransactionDriver) {
        self.key = key
        self.request = request
        self.flow = flow
        self.side = side
        self.driver = driver
        cost = request.heldOctets
        let reliable = flow.transport.isReliable
        machine =
            request.method == .invite
            ? .invite(InviteServerTransaction(request: request, reliable: reliable, timing: driver.timing))
            : .other(NonInviteServerTransaction(request: request, reliable: reliable, timing: driver.timing))
    }

    package func respond(_ response: Response) {
        guard let machine else { return again(response) }
        answer = response.encoded()
        // The machine needs the status alone, and keeps what it is given.
        let bare = Response(status: response.status, reason: "")
        switch machine {
        case .invite: handle(invite: .respond(bare))
        case .other: handle(other: .respond(bare))
        }
        seen(response)
    }

    /// A 2xx is repeated by its dialog until the ACK comes (RFC 3261 §13.3.1.4), which the transaction passes on.
    private func again(_ response: Response) {
        guard request.method == .invite, response.isSuccess else { return }
        driver.transport.send(response.encoded(), on: flow)
        seen(response)
    }

    func start() {
        switch machine {
        case .invite: handle(invite: .start)
        case .other: handle(other: .start)
        case nil: break
        }
    }

    /// A retransmission.
    func received(_ request: Request) {
        switch machine {
        case .invite: handle(invite: .received(request))
        case .other: handle(other: .received(request))
        case nil: break
        }
    }

    private func handle(invite event: InviteServerTransaction.Event) {
        guard case .invite(var machine) = machine else { return }
        let actions = machine.handle(event, now: driver.now)
        self.machine = .invite(machine)
        var timers: [(CompletedTransactions.Timer, at: Instant)] = []
        for action in actions {
            switch action {
            case .send(let response): send(response)
            case .arm(let timer, let at): timers.append((CompletedTransactions.Timer(timer), at: at))
            case .deliver, .cancel, .finish: break  // up by the driver; no timer runs before the final response
            }
        }
        if !timers.isEmpty { complete(timers) }
    }

    private func handle(other event: NonInviteServerTransaction.Event) {
        guard case .other(var machine) = machine else { return }
        let actions = machine.handle(event, now: driver.now)
        self.machine = .other(machine)
        var timers: [(CompletedTransactions.Timer, at: Instant)] = []
        for action in actions {
            switch action {
            case .send(let response): send(response)
            case .arm(_, let at): timers.append((.linger, at: at))
            case .finish: finish()
            case .deliver, .cancel: break
            }
        }
        if !timers.isEmpty { complete(timers) }
    }

    private func send(_ response: Response) {
        if answer.isEmpty {  // the machine's own 100
            answer = response.encoded()
            seen(response)
        }
        driver.transport.send(answer, on: flow)
    }

    private func seen(_ response: Response) {
        if let onSent { onSent(response) } else if sentUnseen.isEmpty { sentUnseen = [response] }
    }

    /// The final response has been sent: what is left to do, the record does.
    private func complete(_ timers: [(CompletedTransactions.Timer, at: Instant)]) {
        guard let machine else { return }
        // An accepted INVITE's response is its dialog's to repeat.
        let isAccepted = request.method == .invite && timers.count == 1 && timers[0].0 == .linger
        driver.completed(self, machine, answer: isAccepted ? [] : answer, timers: timers)
        letGo()
    }

    /// Nothing more can come or go: a response to a request of a connection is never sent by another one.
    func flowClosed() {
        onFlowClosed?()
        finish()
    }

    private func finish() {
        driver.finished(self)
        letGo()
    }

    private func letGo() {
        machine = nil
        answer = []
        onCancel = nil
        onFlowClosed = nil
        if request.method == .invite { request = Request(method: request.method, uri: request.uri) }
    }
}
