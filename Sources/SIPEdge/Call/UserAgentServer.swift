import Logging
import Media
import NIOCore
import SIPCore

/// The UAS core: decides what becomes of each request that no dialog claims, and keeps the calls.
///
/// Runs on the signalling loop.
final class UserAgentServer {
    private let services: CallServices
    private let peers: PeerDirectory
    private let logger: Logger
    private var routing = RoutingTable()
    private var calls: [String: Call] = [:]
    private var draining = false
    /// Called when a call has ended.
    var onCallEnded: () -> Void = {}

    init(services: CallServices, peers: PeerDirectory, logger: Logger) {
        self.services = services
        self.peers = peers
        self.logger = logger
        services.driver.onRequest = { [weak self] in self?.handle($0) }
        services.driver.onACK = { services.dialogs.routeACK($0, $1) }
        services.driver.onStray = { services.dialogs.routeStray($0, $1) }
        services.driver.transport.onMalformed = { [weak self] in self?.malformed($0, $1) }
    }

    var activeCalls: Int { calls.count }

    func update(_ routing: RoutingTable) {
        self.routing = routing
        peers.replace(routing.peers)
    }

    /// New INVITEs get 503 from now on.
    func drain() { draining = true }

    func hangUpAll(_ cause: Q850Cause) {
        for call in calls.values { call.hangUp(cause) }
    }

    // MARK: Requests

    private func handle(_ incoming: TransactionDriver.Incoming) {
        let request = incoming.request
        if request.headers.to?.tag != nil {
            if services.dialogs.route(incoming) { return }
            services.counters.count(.requestsOutsideDialog)
            return refuse(incoming, CallRefused(481, "no such dialog here"))
        }
        switch request.method {
        case .invite: invite(incoming)
        case .options: options(incoming)
        default:
            let known = [
                "ACK", "BYE", "CANCEL", "REGISTER", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY", "SUBSCRIBE",
                "MESSAGE", "PUBLISH",
            ].contains(request.method.rawValue)
            let response = request.response(
                known ? 405 : 501, toTag: services.ids.next(),
                headers: [HeaderField(name: .allow, value: UserAgent.allow)])
            incoming.transaction.respond(response)
        }
    }

    private func options(_ incoming: TransactionDriver.Incoming) {
        let headers = [
            HeaderField(name: .allow, value: UserAgent.allow), HeaderField(name: "Accept", value: "application/sdp"),
        ]
        incoming.transaction.respond(
            incoming.request.response(draining ? 503 : 200, toTag: services.ids.next(), headers: headers))
    }

    private func invite(_ incoming: TransactionDriver.Incoming) {
        do throws(CallRefused) {
            let number = try check(incoming)
            let destination = try route(number)
            let call = try Call(
                number: number, incoming: incoming, destination: destination, services: services, logger: logger)
            services.counters.count(.callsStarted)
            calls[call.id] = call
            call.onFinished = { [weak self] in self?.finished($0) }
            call.start()
        } catch {
            services.counters.count(error.refusal.status == 503 ? .callsShed : .callsRefused)
            refuse(incoming, error)
        }
    }

    /// All that can be said without spending anything on the call; gives the business number.
    private func check(_ incoming: TransactionDriver.Incoming) throws(CallRefused) -> String {
        let request = incoming.request
        if draining { throw CallRefused(503, "shutting down", retryAfter: 30) }
        guard incoming.side == .meta else {
            throw CallRefused(501, "calls from the PBX to WhatsApp users are not supported yet")
        }
        if let required = request.headers[first: .require] {
            throw CallRefused(420, "unsupported extension: \(required)")
        }
        if calls.count >= services.configuration.limits.calls {
            throw CallRefused(503, "too many calls at once", retryAfter: 10)
        }
        guard let user = request.uri.userWithoutParameters, let number = BusinessNumber.normalised(user) else {
            throw CallRefused(404, "the Request-URI names no number in E.164 form")
        }
        return number
    }

    private func route(_ number: String) throws(CallRefused) -> Call.Destination {
        switch routing.numbers[number] {
        case nil:
            throw CallRefused(404, "this number has no route here: add it with `ibis number add`")
        case .application(let application):
            return .application(application)
        case .peer(let name, let dialled):
            guard let peer = peers[name], let remote = peers.address(of: name) else {
                throw CallRefused(503, "the PBX of this number has no address now", retryAfter: 10)
            }
            let configuration = services.configuration
            let transport = services.driver.transport
            let own = configuration.peerAddress
            let wildcard = (try? SocketAddress(ipAddress: own, port: 0))?.isWildcard ?? true
            let trunk = PeerTrunk(
                peer: peer, remote: remote,
                localAddress: wildcard ? LocalAddress.towards(remote) ?? own : own,
                localPort: peer.transport == .tls ? transport.tlsPort : transport.peerPort)
            return .peer(trunk, extension: dialled)
        }
    }

    private func refuse(_ incoming: TransactionDriver.Incoming, _ error: CallRefused) {
        logger.info(
            "request refused",
            metadata: [
                "sip.method": "\(incoming.request.method)", "sip.status": "\(error.refusal.status)",
                "sip.peer": "\(incoming.flow.remoteHost)", "reason": "\(Redaction.numbers(error.refusal.warning))",
            ])
        let ladder = MessageLadder(logger: logger, leg: incoming.side == .meta ? "meta" : "peer")
        ladder.received(incoming.request)
        incoming.transaction.onSent = { ladder.sent($0) }
        incoming.transaction.respond(
            incoming.request.response(
                error.refusal.status, toTag: services.ids.next(),
                headers: error.headers(host: services.configuration.hostname, request: incoming.request)))
    }

    private func finished(_ call: Call) {
        calls[call.id] = nil
        onCallEnded()
    }

    /// What can be answered is (RFC 3261 §8.2): the request was readable enough to build a response from.
    private func malformed(_ problem: MalformedMessage, _ flow: Flow) {
        logger.info(
            "malformed message",
            metadata: ["sip.peer": "\(flow.remoteHost)", "reason": "\(Redaction.numbers(problem.description))"])
        guard let request = problem.request, request.method != .ack else { return }
        let error = CallRefused(problem.status, problem.description)
        let response = request.response(
            problem.status, toTag: services.ids.next(),
            headers: error.headers(host: services.configuration.hostname, request: request))
        services.driver.transport.send(response.encoded(), on: flow)
    }
}

/// Business numbers as they stand in the routing table.
public enum BusinessNumber {
    /// `+` and 7 to 15 digits (E.164); a missing `+` is put in front.
    public static func normalised(_ user: String) -> String? {
        let digits = user.hasPrefix("+") ? user.dropFirst() : user[...]
        guard (7...15).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return "+" + digits
    }
}

extension CallRefused {
    func headers(host: String, request: Request) -> [HeaderField] {
        var headers = [refusal.warningField(code: warningCode, host: host)]
        if let seconds = refusal.retryAfter { headers.append(HeaderField(name: .retryAfter, value: "\(seconds)")) }
        if refusal.status == 420, let required = request.headers[first: .require] {
            headers.append(HeaderField(name: .unsupported, value: required))
        }
        if refusal.status == 415 { headers.append(HeaderField(name: "Accept", value: "application/sdp")) }
        return headers
    }
}

extension B2BUA.Refusal {
    func warningField(code: Int = 399, host: String) -> HeaderField {
        let text = String(
            String.UnicodeScalarView(
                warning.unicodeScalars.filter { $0 != "\"" && $0 != "\\" && $0.value >= 32 }.prefix(300)))
        return HeaderField(name: .warning, value: "\(code) \(host) \"\(text)\"")
    }

    var event: UASInvite.Event { .reject(status: status, reason: nil, headers: []) }
}
