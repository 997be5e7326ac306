import NIOCore
import SIPCore

/// Transactions over TLS, where nothing is repeated but by the transaction's user: matches responses to requests,
/// CANCEL to INVITE, and answers a repeated request as before. Runs on the simulator's loop.
final class Exchange {
    /// A request that came in.
    final class Incoming {
        let request: Request
        let connection: MetaConnection
        fileprivate(set) var last: Response?
        fileprivate(set) var isAcknowledged = false
        /// Its CANCEL came; it has been answered.
        var onCancel: (Request) -> Void = { _ in }
        /// The ACK for a refusal came.
        var onACK: () -> Void = {}

        fileprivate init(_ request: Request, _ connection: MetaConnection) {
            self.request = request
            self.connection = connection
        }

        func respond(_ response: Response) {
            last = response
            connection.send(response)
        }
    }

    /// What came of a request of ours.
    enum Outcome {
        case response(Response, MetaConnection)
        /// Nothing final for 64·T1, or the connection is gone.
        case lost
    }

    private struct Pending {
        let connection: MetaConnection
        let report: (Outcome) -> Void
        let timer: Scheduled<Void>
    }

    private let loop: any EventLoop
    private let timeout: Duration
    private var clients: [TransactionKey: Pending] = [:]
    private var servers: [TransactionKey: Incoming] = [:]
    /// A request of no transaction yet.
    var onRequest: (Incoming) -> Void = { _ in }
    /// An ACK of no transaction: one for a 200.
    var onACK: (Request, MetaConnection) -> Void = { _, _ in }
    /// A response of no transaction: a 200 again, or a stray.
    var onStray: (Response, MetaConnection) -> Void = { _, _ in }

    /// - Parameter timeout: 64·T1.
    init(loop: any EventLoop, timeout: Duration) {
        self.loop = loop
        self.timeout = timeout
    }

    /// Sends a request other than ACK. Reports each response; the last is a final one, or `lost`. An INVITE that has heard
    /// a provisional response waits for as long as it takes.
    func send(_ request: Request, on connection: MetaConnection, _ report: @escaping (Outcome) -> Void) {
        guard connection.isOpen, let key = TransactionKey(client: request) else { return report(.lost) }
        let timer = loop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) { [weak self] in
            guard let self, let pending = self.clients.removeValue(forKey: key) else { return }
            pending.report(.lost)
        }
        clients[key] = Pending(connection: connection, report: report, timer: timer)
        connection.send(request)
    }

    func received(_ message: Message, _ connection: MetaConnection) {
        switch message {
        case .request(let request): received(request, connection)
        case .response(let response): received(response, connection)
        }
    }

    private func received(_ response: Response, _ connection: MetaConnection) {
        guard let key = TransactionKey(client: response), let pending = clients[key] else {
            return onStray(response, connection)
        }
        pending.timer.cancel()
        if response.isFinal { clients[key] = nil }
        pending.report(.response(response, connection))
    }

    private func received(_ request: Request, _ connection: MetaConnection) {
        guard let key = TransactionKey(server: request) else { return }
        if let known = servers[key] {
            if request.method == .ack {
                // The ACK for a 2xx belongs to the dialog, whatever its branch.
                if known.last?.isSuccess == true { return onACK(request, connection) }
                known.isAcknowledged = true
                return known.onACK()
            }
            if let last = known.last { connection.send(last) }
            return
        }
        if request.method == .ack { return onACK(request, connection) }
        let incoming = Incoming(request, connection)
        servers[key] = incoming
        loop.assumeIsolated().scheduleTask(in: TimeAmount(max(timeout * 2, .seconds(1)))) { [weak self] in
            self?.servers[key] = nil
        }
        if request.method == .cancel {
            guard let invite = servers[key.invite] else { return incoming.respond(request.response(481)) }
            incoming.respond(request.response(200))
            return invite.onCancel(request)
        }
        onRequest(incoming)
    }

    func closed(_ connection: MetaConnection) {
        for (key, pending) in clients where pending.connection === connection {
            clients[key] = nil
            pending.timer.cancel()
            pending.report(.lost)
        }
    }

    func shutdown() {
        for pending in clients.values { pending.timer.cancel() }
        clients = [:]
    }
}
