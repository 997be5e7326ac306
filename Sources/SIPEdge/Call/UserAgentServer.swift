import Logging
import NIOCore
import SIPCore

/// The UAS core: answers each request that no dialog claims, and keeps the calls. Which call an INVITE asks for is the
/// ``CallRouter``'s to say.
///
/// Runs on the signalling loop.
final class UserAgentServer {
    private let services: CallServices
    private let router: CallRouter
    private let logger: Logger
    private var calls: [String: Call] = [:]
    private var merged = MergedInvites()
    private var draining = false
    /// Called when a call has ended.
    var onCallEnded: () -> Void = {}

    init(services: CallServices, peers: PeerDirectory, logger: Logger) {
        self.services = services
        router = CallRouter(services: services, peers: peers, logger: logger)
        self.logger = logger
        services.driver.onRequest = { [weak self] in self?.handle($0) }
        services.driver.onACK = { services.dialogs.routeACK($0, $1) }
        services.driver.onStray = { services.dialogs.routeStray($0, $1) }
        services.driver.transport.onMalformed = { [weak self] in self?.malformed($0, $1) }
    }

    var activeCalls: Int { calls.count }

    func update(_ routing: RoutingTable) { router.update(routing) }

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
        if case .other(let scheme) = request.uri.scheme, scheme != "tel" {
            if request.method == .invite { services.counters.count(.callsRefused) }
            return refuse(incoming, CallRefused(416, "only sip, sips and tel are understood in a Request-URI"))
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
            try checkPath(incoming.request)
            if draining { throw CallRefused(503, "shutting down", retryAfter: 30) }
            let call = try router.call(for: incoming, active: calls.count)
            services.counters.count(.callsStarted)
            calls[call.id] = call
            call.onFinished = { [weak self] in self?.finished($0) }
            call.start()
        } catch {
            if !error.isChallenge {
                services.counters.count(error.refusal.status == 503 ? .callsShed : .callsRefused)
            }
            refuse(incoming, error)
        }
    }

    /// How the INVITE came here: more than once, or round in a circle.
    private func checkPath(_ invite: Request) throws(CallRefused) {
        if services.dialogs.isOurs(invite) {
            services.counters.count(.invitesLooped)
            throw CallRefused(482, "this INVITE is one of ours that came back: look where the PBX sends calls of Ibis")
        }
        if merged.isMerged(invite, now: services.driver.now) {
            services.counters.count(.invitesMerged)
            throw CallRefused(482, "this INVITE has come by another way already")
        }
        if invite.headers.maxForwards == 0 {
            services.counters.count(.invitesLooped)
            throw CallRefused(483, "too many hops: calls are being sent round in a circle")
        }
    }

    private func refuse(_ incoming: TransactionDriver.Incoming, _ error: CallRefused) {
        // Every call of a number with a challenge begins with one.
        logger.log(
            level: error.isChallenge ? .debug : .info, "request refused",
            metadata: [
                "sip.method": "\(incoming.request.method)", "sip.status": "\(error.refusal.status)",
                "sip.peer": "\(incoming.flow.remoteHost)", "reason": "\(Redaction.numbers(error.refusal.warning))",
            ])
        let isCall = incoming.request.method == .invite
        let ladder = MessageLadder(
            logger: logger, leg: incoming.side == .meta ? "meta" : "peer",
            record: isCall && !error.isChallenge ? services.log.begin(services.ids.next()) : nil)
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
