import NIOCore
package import SIPCore

/// One server transaction on its flow: turns the machine's actions into writes and timers.
package final class ServerTransaction {
    private enum Machine {
        case invite(InviteServerTransaction)
        case other(NonInviteServerTransaction)
    }

    package let key: TransactionKey
    /// Of an INVITE that was answered finally, method and Request-URI alone: it lingers for 32 s.
    package private(set) var request: Request
    package let flow: Flow
    package let side: TransportLayer.Side
    private var machine: Machine
    private unowned let driver: TransactionDriver
    private let inviteTimers: Timers<InviteServerTransaction.TimerID>
    private let otherTimers: Timers<NonInviteServerTransaction.TimerID>
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
        inviteTimers = Timers(queue: driver.timers)
        otherTimers = Timers(queue: driver.timers)
    }

    package func respond(_ response: Response) {
        switch machine {
        case .invite: handle(invite: .respond(response))
        case .other: handle(other: .respond(response))
        }
    }

    func start() {
        switch machine {
        case .invite: handle(invite: .start)
        case .other: handle(other: .start)
        }
    }

    /// A retransmission, or the ACK for a final answer that refused.
    func received(_ request: Request) {
        switch machine {
        case .invite: handle(invite: .received(request))
        case .other: handle(other: .received(request))
        }
    }

    private func handle(invite event: InviteServerTransaction.Event) {
        guard case .invite(var machine) = machine else { return }
        let actions = machine.handle(event, now: driver.now)
        self.machine = .invite(machine)
        for action in actions {
            switch action {
            case .send(let response): send(response)
            case .deliver(let request):
                // An ACK to a 2xx on the INVITE's own branch, as some send it; anything else the driver hands up itself.
                if request.method == .ack { driver.onACK(request, flow) }
            case .arm(let id, let at):
                inviteTimers.arm(id, at: at) { [weak self] in self?.handle(invite: .timerFired(id)) }
            case .cancel(let id): inviteTimers.cancel(id)
            case .finish: finish()
            }
        }
    }

    private func handle(other event: NonInviteServerTransaction.Event) {
        guard case .other(var machine) = machine else { return }
        let actions = machine.handle(event, now: driver.now)
        self.machine = .other(machine)
        for action in actions {
            switch action {
            case .send(let response): send(response)
            case .deliver: break
            case .arm(let id, let at):
                otherTimers.arm(id, at: at) { [weak self] in self?.handle(other: .timerFired(id)) }
            case .cancel(let id): otherTimers.cancel(id)
            case .finish: finish()
            }
        }
    }

    private func send(_ response: Response) {
        if let onSent { onSent(response) } else if sentUnseen.isEmpty { sentUnseen = [response] }
        driver.transport.send(response.encoded(), on: flow)
        if response.status >= 200, request.method == .invite {
            request = Request(method: request.method, uri: request.uri)
        }
    }

    /// Nothing more can come or go: a response to a request of a connection is never sent by another one.
    func flowClosed() {
        onFlowClosed?()
        finish()
    }

    private func finish() {
        inviteTimers.cancelAll()
        otherTimers.cancelAll()
        onCancel = nil
        onFlowClosed = nil
        onSent = nil
        driver.finished(self)
    }
}
