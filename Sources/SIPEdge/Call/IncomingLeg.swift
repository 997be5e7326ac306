import NIOCore
package import SIPCore

/// The driver of one ``UASInvite``: a call that came in.
package final class IncomingLeg: DialogTable.Leg {
    private var machine: UASInvite
    private let transaction: ServerTransaction
    private let driver: TransactionDriver
    private let dialogs: DialogTable
    private let key: DialogTable.Key
    private let ladder: MessageLadder
    private let timers: Timers<UASInvite.TimerID>
    /// Where requests of ours in this dialog go.
    private let destination: (Request) -> TransactionDriver.Destination
    /// In-dialog requests that wait for their answer by the machine, by CSeq.
    private var waiting: [UInt32: ServerTransaction] = [:]
    package var onReport: (UASInvite.Report) -> Void = { _ in }
    private var finished = false
    /// Answers a challenge of our BYE.
    var authenticator: MetaAuthenticator?

    package init(
        transaction: ServerTransaction, machine: UASInvite, localTag: String, driver: TransactionDriver,
        dialogs: DialogTable, ladder: MessageLadder,
        destination: @escaping (Request) -> TransactionDriver.Destination
    ) {
        self.transaction = transaction
        self.machine = machine
        self.driver = driver
        self.dialogs = dialogs
        self.ladder = ladder
        self.destination = destination
        key = DialogTable.Key(callID: transaction.request.headers.callID ?? "", localTag: localTag)
        timers = Timers(queue: driver.timers)
        dialogs.add(self, key)
        driver.transport.retain(transaction.flow)
        transaction.onCancel = { [weak self] cancel in
            self?.ladder.received(cancel)
            self?.handle(.cancelled(cancel))
        }
        // Answers go over the connection that the INVITE came by and no other (meta-calling §5.3): without it nobody can
        // hear ours, so an unanswered call is given up.
        transaction.onFlowClosed = { [weak self] in self?.handle(.cancelled(nil)) }
        transaction.onSent = { [weak self] in self?.ladder.sent($0) }
    }

    package func handle(_ event: UASInvite.Event) {
        for action in machine.handle(event, now: driver.now) {
            switch action {
            case .respond(let response): transaction.respond(response)
            case .retransmit(let response):
                ladder.sent(response)
                driver.transport.send(response.encoded(), on: transaction.flow)
            case .respondTo(let request, let response): answer(request, response)
            case .send(let request): send(request)
            case .sendACK(let request):
                ladder.sent(request)
                driver.sendACK(request, to: destination(request))
            case .arm(let id, let at): timers.arm(id, at: at) { [weak self] in self?.handle(.timerFired(id)) }
            case .cancel(let id): timers.cancel(id)
            case .report(let report): onReport(report)
            case .finish: finish()
            }
        }
    }

    // MARK: DialogTable.Leg

    package var origin: DialogTable.Origin? { .init(flow: transaction.flow, side: transaction.side) }

    package func received(_ request: Request, _ transaction: ServerTransaction) {
        ladder.received(request)
        transaction.onSent = { [weak self] in self?.ladder.sent($0) }
        if let number = request.headers.cseq?.number { waiting[number] = transaction }
        handle(.received(request))
    }

    package func receivedACK(_ request: Request) {
        ladder.received(request)
        if let number = request.headers.cseq?.number { waiting[number] = nil }
        handle(.received(request))
    }

    package func receivedStray(_ response: Response) {
        ladder.received(response)
        handle(.inDialog(.responded(response)))
    }

    private func answer(_ request: Request, _ response: Response) {
        guard let number = request.headers.cseq?.number, let transaction = waiting[number] else { return }
        // The 2xx to a re-INVITE is repeated until its ACK comes.
        if request.method != .invite || response.status >= 300 { waiting[number] = nil }
        transaction.respond(response)
    }

    private func send(_ request: Request) {
        ladder.sent(request)
        driver.send(request, to: destination(request)) { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .response(let response):
                self.ladder.received(response)
                guard response.status >= 200 else { return }
                if request.method == .bye, let again = self.authenticator?.retry(request, after: response) {
                    return self.send(again)
                }
                self.handle(
                    request.method == .bye
                        ? .byeFinished(status: response.status) : .inDialog(.responded(response)))
            case .failed(let failure):
                self.handle(
                    request.method == .bye
                        ? .byeFinished(status: nil) : .inDialog(.requestFailed(request.number, failure)))
            }
        }
    }

    private func finish() {
        guard !finished else { return }
        finished = true
        timers.cancelAll()
        dialogs.remove(key)
        driver.transport.release(transaction.flow)
    }
}
