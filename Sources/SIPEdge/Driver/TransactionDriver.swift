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
    /// Octets held by the requests of `servers`, about.
    private var heldOctets = 0

    /// A request that belongs to no transaction yet; its answer goes through the transaction.
    package var onRequest: (Incoming) -> Void = { _ in }
    /// An ACK of no transaction: the one for a 2xx.
    package var onACK: (Request, Flow) -> Void = { _, _ in }
    /// A transaction is over.
    package var onFinished: () -> Void = {}
    /// A 2xx of no transaction: its INVITE transaction is over, the dialog's owner must repeat the ACK.
    package var onStray: (Response, Flow) -> Void = { _, _ in }

    package init(
        transport: TransportLayer, timing: Timing = Timing(), limits: EdgeLimits = EdgeLimits(), counters: EdgeCounters
    ) {
        self.transport = transport
        self.timing = timing
        self.limits = limits
        self.counters = counters
        loop = transport.loop
        timers = TimerQueue(loop: transport.loop)
        transport.onMessage = { [weak self] in self?.received($0) }
        transport.onClosed = { [weak self] in self?.closed($0) }
    }

    package var now: Instant { Instant(loop.now) }
    package var openTransactions: (server: Int, client: Int) { (servers.count, clients.count) }

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
        if request.method == .ack { return onACK(request, flow) }
        let transaction = ServerTransaction(key: key, request: request, flow: flow, side: side, driver: self)
        if request.method == .invite, !hasRoom(for: transaction) {
            counters.count(.transactionsShed)
            let response = request.response(
                503, toTag: "overload", headers: [HeaderField(name: .retryAfter, value: "10")])
            transport.send(response.encoded(), on: flow)
            return
        }
        servers[key] = transaction
        heldOctets += transaction.cost
        transaction.start()
        if request.method == .cancel {
            cancel(transaction)
        } else {
            onRequest(Incoming(transaction: transaction))
        }
    }

    /// RFC 3261 §9.2: 200 when the INVITE is known, 481 otherwise.
    private func cancel(_ transaction: ServerTransaction) {
        guard let invite = servers[transaction.key.invite] else {
            return transaction.respond(transaction.request.response(481))
        }
        transaction.respond(transaction.request.response(200))
        invite.onCancel?(transaction.request)
    }

    private func handle(_ response: Response, _ flow: Flow) {
        if let key = TransactionKey(client: response), let transaction = clients[key] {
            guard transaction.flow.sameSource(as: flow) else { return counters.count(.responsesUnmatched) }
            return transaction.received(response)
        }
        if (200...299).contains(response.status), response.headers.cseq?.method == .invite {
            return onStray(response, flow)
        }
        counters.count(.responsesUnmatched)
    }

    private func closed(_ flow: Flow) {
        for transaction in clients.values where transaction.flow == flow { transaction.transportFailed() }
        for transaction in servers.values where transaction.flow == flow { transaction.flowClosed() }
    }

    // MARK: Transactions

    /// An INVITE's transaction outlives its answer by up to 64·T1, so many INVITEs could hold much memory.
    private func hasRoom(for transaction: ServerTransaction) -> Bool {
        servers.count < limits.transactions && heldOctets + transaction.cost <= limits.transactionOctets
    }

    func finished(_ transaction: ServerTransaction) {
        if servers[transaction.key] === transaction, servers.removeValue(forKey: transaction.key) != nil {
            heldOctets -= transaction.cost
        }
        onFinished()
    }

    func finished(_ transaction: ClientTransaction) {
        if clients[transaction.key] === transaction { clients[transaction.key] = nil }
        onFinished()
    }
}

extension Request {
    /// What it holds of memory, about: its octets and what is kept beside them.
    var heldOctets: Int {
        headers.reduce(body.count + 2_048) { $0 + $1.name.canonical.utf8.count + $1.value.utf8.count + 64 }
    }
}

extension Flow {
    /// Answers come over the same connection, or by UDP from the same host.
    fileprivate func sameSource(as other: Flow) -> Bool {
        transport == .udp ? remoteHost == other.remoteHost : self == other
    }
}
