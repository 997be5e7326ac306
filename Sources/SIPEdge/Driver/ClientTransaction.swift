import NIOCore
package import SIPCore

/// One client transaction on its flow until its final response; the driver keeps a small record of it afterwards where
/// that can come again.
package final class ClientTransaction {
    package enum Outcome {
        case response(Response)
        case failed(ClientFailure)
    }

    private enum Machine {
        case invite(InviteClientTransaction)
        case other(NonInviteClientTransaction)
    }

    let key: TransactionKey
    package let flow: Flow
    private var machine: Machine
    private unowned let driver: TransactionDriver
    private let inviteTimers: Timers<InviteClientTransaction.TimerID>
    private let otherTimers: Timers<NonInviteClientTransaction.TimerID>
    /// Of an INVITE that was refused.
    private var ack: [UInt8] = []
    private let report: (Outcome) -> Void

    init(
        key: TransactionKey, request: Request, flow: Flow, driver: TransactionDriver,
        report: @escaping (Outcome) -> Void
    ) {
        self.key = key
        self.flow = flow
        self.driver = driver
        self.report = report
        let reliable = flow.transport.isReliable
        machine =
            request.method == .invite
            ? .invite(InviteClientTransaction(request: request, reliable: reliable, timing: driver.timing))
            : .other(NonInviteClientTransaction(request: request, reliable: reliable, timing: driver.timing))
        inviteTimers = Timers(queue: driver.timers)
        otherTimers = Timers(queue: driver.timers)
    }

    func start() {
        switch machine {
        case .invite: handle(invite: .start)
        case .other: handle(other: .start)
        }
    }

    func received(_ response: Response) {
        switch machine {
        case .invite: handle(invite: .received(response))
        case .other: handle(other: .received(response))
        }
    }

    func transportFailed() {
        switch machine {
        case .invite: handle(invite: .transportFailed)
        case .other: handle(other: .transportFailed)
        }
    }

    private func handle(invite event: InviteClientTransaction.Event) {
        guard case .invite(var machine) = machine else { return }
        let actions = machine.handle(event, now: driver.now)
        self.machine = .invite(machine)
        for action in actions {
            switch action {
            case .send(let request): send(request)
            case .deliver(let response): report(.response(response))
            case .arm(.linger, let at): complete(until: at)
            case .arm(let id, let at):
                inviteTimers.arm(id, at: at) { [weak self] in self?.handle(invite: .timerFired(id)) }
            case .cancel(let id): inviteTimers.cancel(id)
            case .finish(let outcome): finish(outcome)
            }
        }
    }

    private func handle(other event: NonInviteClientTransaction.Event) {
        guard case .other(var machine) = machine else { return }
        let actions = machine.handle(event, now: driver.now)
        self.machine = .other(machine)
        for action in actions {
            switch action {
            case .send(let request): send(request)
            case .deliver(let response): report(.response(response))
            case .arm(.linger, let at): complete(until: at)
            case .arm(let id, let at):
                otherTimers.arm(id, at: at) { [weak self] in self?.handle(other: .timerFired(id)) }
            case .cancel(let id): otherTimers.cancel(id)
            case .finish(let outcome): finish(outcome)
            }
        }
    }

    /// The machine is done with its actions before it hears that the write failed.
    private func send(_ request: Request) {
        let octets = request.encoded()
        if request.method == .ack { ack = octets }
        guard !driver.transport.send(octets, on: flow) else { return }
        driver.loop.assumeIsolated().execute { self.transportFailed() }
    }

    /// Nothing is left to wait for but repeated responses. A 2xx that comes again is the dialog's, which repeats its ACK.
    private func complete(until: Instant) {
        inviteTimers.cancelAll()
        otherTimers.cancelAll()
        if case .invite = machine, ack.isEmpty {
            driver.finished(self)
        } else {
            driver.completed(self, ack: ack, until: until)
        }
    }

    private func finish(_ outcome: TransactionOutcome) {
        inviteTimers.cancelAll()
        otherTimers.cancelAll()
        driver.finished(self)
        switch outcome {
        case .completed: break
        case .timedOut: report(.failed(.timedOut))
        case .transportFailed: report(.failed(.transportFailed))
        }
    }
}
