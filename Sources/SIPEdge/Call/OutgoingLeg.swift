import NIOCore
package import SIPCore

/// The driver of one ``UACInvite``: a call that we place.
package final class OutgoingLeg: DialogTable.Leg {
    private var machine: UACInvite
    private let driver: TransactionDriver
    private let dialogs: DialogTable
    private let key: DialogTable.Key
    private let ladder: MessageLadder
    private let timers: Timers<UACInvite.TimerID>
    private let target: Target
    /// Known once the INVITE has left; everything else of the dialog goes the same way, as by an outbound proxy.
    private var flow: Flow?
    private var side = TransportLayer.Side.peer
    private var waiting: [UInt32: ServerTransaction] = [:]
    private var finished = false
    package var onReport: (UACInvite.Report) -> Void = { _ in }
    /// The dialog and its last transaction are over.
    package var onFinished: () -> Void = {}
    /// The flow that the INVITE went out on.
    package var onStarted: (Flow) -> Void = { _ in }

    /// Answers a challenge of our BYE.
    var authenticator: MetaAuthenticator?

    package init(
        machine: UACInvite, callID: String, localTag: String, target: Target, driver: TransactionDriver,
        dialogs: DialogTable, ladder: MessageLadder
    ) {
        self.machine = machine
        self.target = target
        self.driver = driver
        self.dialogs = dialogs
        self.ladder = ladder
        key = DialogTable.Key(callID: callID, localTag: localTag)
        timers = Timers(queue: driver.timers)
        dialogs.add(self, key)
    }

    /// The INVITE as sent last.
    package var invite: Request { machine.invite }

    package func handle(_ event: UACInvite.Event) {
        for action in machine.handle(event, now: driver.now) {
            switch action {
            case .send(let request): send(request)
            case .sendACK(let request):
                ladder.sent(request)
                driver.sendACK(request, to: destination)
            case .respondTo(let request, let response): answer(request, response)
            case .arm(let id, let at): timers.arm(id, at: at) { [weak self] in self?.handle(.timerFired(id)) }
            case .cancel(let id): timers.cancel(id)
            case .report(let report): onReport(report)
            case .finish: finish()
            }
        }
    }

    private var destination: TransactionDriver.Destination {
        if let flow, driver.transport.isOpen(flow) { return .flow(flow) }
        return .target(target, fallback: nil)
    }

    // MARK: DialogTable.Leg

    package var origin: DialogTable.Origin? { flow.map { .init(flow: $0, side: side) } }

    package func received(_ request: Request, _ transaction: ServerTransaction) {
        ladder.received(request)
        transaction.onSent = { [weak self] in self?.ladder.sent($0) }
        if let number = request.headers.cseq?.number { waiting[number] = transaction }
        handle(.request(request))
    }

    package func receivedACK(_ request: Request) {
        ladder.received(request)
        if let number = request.headers.cseq?.number { waiting[number] = nil }
        handle(.request(request))
    }

    package func receivedStray(_ response: Response) {
        ladder.received(response)
        handle(.received(response))
    }

    private func answer(_ request: Request, _ response: Response) {
        guard let number = request.headers.cseq?.number, let transaction = waiting[number] else { return }
        // The 2xx to a re-INVITE is repeated until its ACK comes.
        if request.method != .invite || response.status >= 300 { waiting[number] = nil }
        transaction.respond(response)
    }

    private func send(_ request: Request) {
        let started: (Flow) -> Void = { [weak self] flow in
            guard let self else { return }
            self.ladder.sent(request)
            guard request.method == .invite, self.flow != flow else { return }
            if let old = self.flow { self.driver.transport.release(old) }
            self.flow = flow
            self.side = self.driver.transport.side(of: flow) ?? .peer
            self.driver.transport.retain(flow)
            self.onStarted(flow)
        }
        // The leg lives until its machine is finished, whoever else has let go of it.
        driver.send(request, to: destination, started: started) { outcome in
            if case .response(let response) = outcome {
                self.ladder.received(response)
                if request.method == .bye, let again = self.authenticator?.retry(request, after: response) {
                    return self.send(again)
                }
            }
            if let event = self.event(for: request, outcome) { self.handle(event) }
        }
    }

    /// What the outcome of a transaction means to the machine; nil: nothing.
    private func event(for request: Request, _ outcome: ClientTransaction.Outcome) -> UACInvite.Event? {
        switch (request.method, outcome) {
        case (.invite, .response(let response)) where request.headers.to?.tag == nil: .received(response)
        case (.invite, .failed(let failure)) where request.headers.to?.tag == nil: .failed(failure)
        case (.bye, .response(let response)): response.status >= 200 ? .byeFinished(response.status) : nil
        case (.bye, .failed): .byeFinished(nil)
        case (.cancel, _): nil
        case (_, .response(let response)): response.status >= 200 ? .inDialog(.responded(response)) : nil
        case (_, .failed(let failure)): .inDialog(.requestFailed(request.number, failure))
        }
    }

    private func finish() {
        guard !finished else { return }
        finished = true
        timers.cancelAll()
        dialogs.remove(key)
        if let flow { driver.transport.release(flow) }
        onFinished()
        onFinished = {}
        onReport = { _ in }
    }
}

extension Request {
    /// Of a request of ours, which has one.
    var number: CSeq { headers.cseq ?? CSeq(number: 0, method: method) }
}
