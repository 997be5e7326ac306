import NIOCore
package import SIPCore

/// Keeps the transactions of all flows: matches messages to them, runs their timers, hands up what is new.
///
/// Runs on the signalling loop and holds no protocol knowledge beyond the matching of RFC 3261 §17.1.3 and §17.2.3.
package final class TransactionDriver {
    package struct Incoming {
        package let transaction: ServerTransaction
        package var request: Request { transaction.request }
        package var flow: Flow { transaction.flow }
        package var side: TransportLayer.Side { transaction.side }
    }

    /// Where a request goes.
    package enum Destination {
        case flow(Flow)
        /// A connection of ours to the target; where it cannot be had, the fallback when that is still open.
        case target(Target, fallback: Flow?)
    }

    package let transport: TransportLayer
    package let timing: Timing
    let loop: any EventLoop
    /// Of all transactions and legs.
    let timers: TimerQueue
    private let counters: EdgeCounters
    private let limits: EdgeLimits
    private var servers: [TransactionKey: ServerTransaction] = [:]
    private var clients: [TransactionKey: ClientTransaction] = [:]
    private var done = CompletedTransactions()
    /// Fires for `done`.
    private var timer: (at: Instant, token: TimerQueue.Token)?
    /// Octets held by the requests of `servers`, about.
    private var heldOctets = 0
    private var admission: Admission

    /// A request that belongs to no transaction yet; its answer goes through the transaction.
    package var onRequest: (Incoming) -> Void = { _ in }
    /// An ACK of no transaction: the one for a 2xx.
    package var onACK: (Request, Flow) -> Void = { _, _ in }
    /// A transaction is over.
    package var onFinished: () -> Void = {}
    /// A 2xx of no transaction: its INVITE transaction is over, the dialog's owner must repeat the ACK.
    package var onStray: (Response, Flow) -> Void = { _, _ in }

    package init(
        transport: TransportLayer, timing: Timing = Timing(), limits: EdgeLimits = .ofStandIns,
        counters: EdgeCounters
    ) {
        self.transport = transport
        self.timing = timing
        self.limits = limits
        self.counters = counters
        loop = transport.loop
        timers = TimerQueue(loop: transport.loop)
        admission = Admission(limits, now: Instant(transport.loop.now))
        transport.onMessage = { [weak self] in self?.received($0) }
        transport.onClosed = { [weak self] in self?.closed($0) }
    }

    package var now: Instant { Instant(loop.now) }
    /// Lingering ones included.
    package var openTransactions: (server: Int, client: Int) {
        (servers.count + done.serverCount, clients.count + done.clientCount)
    }
    /// Part of the new calls that the machine can serve now, 0 to 1.
    var admittedShare: Double { admission.share }

    /// What was measured of the loop, see ``LoadGauge``.
    func sample(busy: Double, lag: Duration) { admission.sample(busy: busy, lag: lag) }

    // MARK: Sending

    /// Calls back with each answer that the transaction delivers, or once with its failure. `started` tells the flow.
    package func send(
        _ request: Request, to destination: Destination, started: @escaping (Flow) -> Void = { _ in },
        _ report: @escaping (ClientTransaction.Outcome) -> Void
    ) {
        withFlow(destination) { [weak self] flow in
            guard let self, let flow, let key = TransactionKey(client: request) else {
                return report(.failed(.transportFailed))
            }
            let transaction = ClientTransaction(key: key, request: request, flow: flow, driver: self, report: report)
            self.clients[key] = transaction
            started(flow)
            transaction.start()
        }
    }

    /// An ACK to a 2xx, which is a transaction of nobody (RFC 3261 §13.2.2.4).
    package func sendACK(_ request: Request, to destination: Destination) {
        withFlow(destination) { [weak self] flow in
            guard let self, let flow else { return }
            self.transport.send(request.encoded(), on: flow)
        }
    }

    private func withFlow(_ destination: Destination, _ body: @escaping (Flow?) -> Void) {
        switch destination {
        case .flow(let flow): body(flow)
        case .target(let target, let fallback):
            transport.open(target) { [weak self] result in
                if case .success(let flow) = result { return body(flow) }
                body(fallback.flatMap { self?.transport.isOpen($0) == true ? $0 : nil })
            }
        }
    }

    // MARK: Receiving

    private func received(_ received: TransportLayer.Received) {
        switch received.message {
        case .request(let request): handle(request, received.flow, received.side)
        case .response(let response): handle(response, received.flow)
        }
    }

    private func handle(_ request: Request, _ flow: Flow, _ side: TransportLayer.Side) {
        guard let key = TransactionKey(server: request) else { return }
        if let transaction = servers[key] {
            return transaction.received(request)
        }
        if let effects = done.received(request, key, now: now) {
            apply(effects)
            // The ACK to a refusal by a connection is the end of it.
            return onFinished()
        }
        if request.method == .ack { return onACK(request, flow) }
        if request.method == .invite, let refusal = refusal(of: request, flow, side) {
            return refuse(request, flow, refusal)
        }
        let transaction = ServerTransaction(key: key, request: request, flow: flow, side: side, driver: self)
        servers[key] = transaction
        heldOctets += transaction.cost
        transaction.start()
        if request.method == .cancel {
            cancel(transaction)
        } else {
            onRequest(Incoming(transaction: transaction))
        }
    }

    // MARK: Refusing without a transaction

    /// Nil: there is room, in this second and in memory. A re-INVITE is part of a call that goes on.
    private func refusal(of invite: Request, _ flow: Flow, _ side: TransportLayer.Side) -> Admission.Refusal? {
        if invite.headers.to?.tag == nil,
            let refusal = admission.refusal(of: HostAddress(flow.remote), side, now: now)
        {
            counters.count(refusal.counter)
            return refusal
        }
        let octets = heldOctets + done.octets + invite.heldOctets
        guard servers.count >= limits.transactions || octets > limits.transactionOctets else { return nil }
        counters.count(.transactionsShed)
        return .overload
    }

    /// 503 made of the request alone, the same for each retransmission; nothing is kept and nothing logged.
    private func refuse(_ request: Request, _ flow: Flow, _ refusal: Admission.Refusal) {
        let response = request.response(
            503, toTag: "overload", headers: [HeaderField(name: .retryAfter, value: "\(refusal.retryAfter)")])
        transport.send(response.encoded(), on: flow)
    }

    /// RFC 3261 §9.2: 200 when the INVITE is known, 481 otherwise, and when the CANCEL comes from elsewhere.
    private func cancel(_ transaction: ServerTransaction) {
        let key = transaction.key.invite
        let invite = servers[key]
        guard let flow = invite?.flow ?? done.flow(server: key), flow.isSameHost(as: transaction.flow) else {
            counters.count(.cancelsUnmatched)
            return transaction.respond(transaction.request.response(481))
        }
        transaction.respond(transaction.request.response(200))
        invite?.onCancel?(transaction.request)
    }

    private func handle(_ response: Response, _ flow: Flow) {
        if let key = TransactionKey(client: response) {
            if let transaction = clients[key] {
                guard transaction.flow.sameSource(as: flow) else { return counters.count(.responsesUnmatched) }
                return transaction.received(response)
            }
            if let effects = done.received(response, key, from: flow) { return apply(effects) }
        }
        if response.isSuccess, response.headers.cseq?.method == .invite {
            return onStray(response, flow)
        }
        counters.count(.responsesUnmatched)
    }

    private func closed(_ flow: Flow) {
        for transaction in clients.values where transaction.flow == flow { transaction.transportFailed() }
        for transaction in servers.values where transaction.flow == flow { transaction.flowClosed() }
    }

    // MARK: Transactions

    /// The final response has been sent.
    func completed(
        _ transaction: ServerTransaction, _ machine: CompletedTransactions.Machine, answer: [UInt8],
        timers: [(CompletedTransactions.Timer, at: Instant)]
    ) {
        guard forget(transaction) else { return }
        done.add(server: transaction.key, machine, flow: transaction.flow, answer: answer, timers: timers)
        schedule()
    }

    /// The final response to a request that was sent by UDP has come; it may come again.
    func completed(_ transaction: ClientTransaction, ack: [UInt8], until: Instant) {
        clients[transaction.key] = nil
        done.add(client: transaction.key, flow: transaction.flow, ack: ack, until: until)
        schedule()
    }

    private func schedule() {
        guard let next = done.nextDeadline else { return }
        if let timer, timer.at <= next { return }
        if let timer { timers.cancel(timer.token) }
        let token = timers.arm(at: NIODeadline(next)) { [weak self] in
            guard let self else { return }
            self.timer = nil
            let before = self.openTransactions
            self.apply(self.done.fire(now: self.now))
            self.schedule()
            if self.openTransactions != before { self.onFinished() }
        }
        timer = (next, token)
    }

    private func apply(_ effects: [CompletedTransactions.Effect]) {
        for effect in effects {
            switch effect {
            case .send(let octets, let flow): transport.send(octets, on: flow)
            case .acknowledged(let ack, let flow): onACK(ack, flow)
            }
        }
        if !effects.isEmpty { schedule() }
    }

    private func forget(_ transaction: ServerTransaction) -> Bool {
        guard servers[transaction.key] === transaction else { return false }
        servers[transaction.key] = nil
        heldOctets -= transaction.cost
        return true
    }

    func finished(_ transaction: ServerTransaction) {
        if forget(transaction) { onFinished() }
    }

    func finished(_ transaction: ClientTransaction) {
        if clients[transaction.key] === transaction { clients[transaction.key] = nil }
        onFinished()
    }
}

extension Request {
    /// What it holds of memory, about: its octets and what is kept beside them.
    var heldOctets: Int { body.count + headers.storedOctets + 2_048 }
}

extension Flow {
    /// Whether both come from one host, by whatever connection.
    func isSameHost(as other: Flow) -> Bool {
        self == other || HostAddress(remote) == HostAddress(other.remote)
    }
}

extension Admission.Refusal {
    var counter: EdgeCounters.Name {
        switch self {
        case .sourceRate: .invitesShedSourceRate
        case .rate: .invitesShedRate
        case .overload: .invitesShedOverload
        }
    }
}
