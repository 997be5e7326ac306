import Logging
import NIOCore
import NIOSSL
import SIPCore
import SIPEdge

/// What the calls of a simulator share. On the simulator's loop.
final class MetaCore {
    /// A call that has in-dialog messages.
    protocol Call: AnyObject {
        func received(_ incoming: Exchange.Incoming)
        func receivedACK(_ request: Request, _ connection: MetaConnection)
        /// A 2xx of no transaction.
        func receivedStray(_ response: Response)
    }

    let settings: MetaSettings
    let loop: any EventLoop
    let ids = IDSource.random
    let transport: MetaTransport
    let exchange: Exchange
    let messages: MetaMessages
    let meter = MediaMeter()
    var session = SessionRules()
    private(set) var violations: [Violation] = []
    /// Violations are kept up to this many.
    private static let mostViolations = 10_000
    /// By Call-ID and Meta's tag.
    private var calls: [String: any Call] = [:]
    private let server: BusinessServer

    init(settings: MetaSettings, loop: any EventLoop) {
        self.settings = settings
        self.loop = loop
        transport = MetaTransport(domain: settings.domain, address: settings.address, loop: loop)
        exchange = Exchange(loop: loop, timeout: settings.timing.timeout)
        messages = MetaMessages(domain: settings.domain, address: settings.address)
        server = BusinessServer(settings)
        transport.onViolation = { [weak self] in self?.note($0) }
        transport.onMessage = { [exchange] in exchange.received($0, $1) }
        transport.onClosed = { [exchange] in exchange.closed($0) }
        transport.onMalformed = { [weak self] problem, connection in
            self?.note(Violation(.methodNotAllowed, "not SIP: \(problem.description)"))
            if let request = problem.request { connection.send(request.response(problem.status)) }
        }
        exchange.onRequest = { [weak self] in self?.received($0) }
        exchange.onACK = { [weak self] request, connection in
            self?.call(of: request)?.receivedACK(request, connection)
        }
        exchange.onStray = { [weak self] response, _ in
            guard let self, let id = DialogID(received: response) else { return }
            self.calls[Self.key(id.callID, id.localTag)]?.receivedStray(response)
        }
    }

    func note(_ violation: Violation) {
        if violations.count < Self.mostViolations { violations.append(violation) }
    }

    func record() -> CallRecord { CallRecord(loop: loop) { [weak self] in self?.note($0) } }

    // MARK: Dialogs

    func add(_ call: any Call, callID: String, tag: String) { calls[Self.key(callID, tag)] = call }
    func remove(callID: String, tag: String) { calls[Self.key(callID, tag)] = nil }

    private static func key(_ callID: String, _ tag: String) -> String { "\(tag) \(callID)" }

    private func call(of request: Request) -> (any Call)? {
        guard let id = DialogID(received: request) else { return nil }
        return calls[Self.key(id.callID, id.localTag)]
    }

    private func received(_ incoming: Exchange.Incoming) {
        let request = incoming.request
        guard request.headers.to?.tag != nil else { return server.received(incoming, self) }
        if let call = call(of: request) { return call.received(incoming) }
        note(Violation(.noDialog, request.method.rawValue))
        incoming.respond(messages.response(481, to: request, tag: nil))
    }

    // MARK: What businesses do

    var behaviour: @Sendable (Request) -> UserBehaviour {
        get { server.behaviour }
        set { server.behaviour = newValue }
    }
    var onTaken: (BusinessCallReport) -> Void {
        get { server.onTaken }
        set { server.onTaken = newValue }
    }
    var onRinging: (Request) -> Void {
        get { server.onRinging }
        set { server.onRinging = newValue }
    }

    /// Nil when the connection failed for another reason than the business's certificate (meta-calling §5.1).
    static func certificateViolation(_ error: any Error) -> Violation? {
        if let error = error as? MetaTransport.NotCovered {
            return Violation(.tlsCertificate, "it does not name \(error.name)")
        }
        guard let error = error as? NIOSSLError else {
            return error is NIOSSLExtraError ? Violation(.tlsCertificate, "\(error)") : nil
        }
        return switch error {
        case .handshakeFailed(let reason): Violation(.tlsCertificate, "\(reason)")
        case .unableToValidateCertificate, .failedToLoadCertificate: Violation(.tlsCertificate, "\(error)")
        default: nil
        }
    }

    func shutdown() {
        transport.shutdown()
        exchange.shutdown()
    }
}
