import Logging
import Media
import NIOCore
import SIPCore

/// Says which call an INVITE asks for: who may ask, for which number, and who is to answer. Calls of a PBX are the
/// ``BusinessCallRouter``'s.
///
/// Runs on the signalling loop.
final class CallRouter {
    private let services: CallServices
    private let peers: PeerDirectory
    private let logger: Logger
    private let pairs: CallPairs
    private let business: BusinessCallRouter
    private var routing = RoutingTable()

    init(services: CallServices, peers: PeerDirectory, logger: Logger) {
        self.services = services
        self.peers = peers
        self.logger = logger
        let pairs = CallPairs()
        self.pairs = pairs
        business = BusinessCallRouter(services: services, pairs: pairs, peers: peers, logger: logger)
    }

    func update(_ routing: RoutingTable) {
        self.routing = routing
        peers.replace(routing.peers)
    }

    /// The call, not started yet. Throws the answer for an INVITE that is not served; nothing is left of it then.
    func call(for incoming: TransactionDriver.Incoming, active: Int) throws(CallRefused) -> Call {
        try check(incoming, active: active)
        if incoming.side == .peer {
            return try business.call(for: incoming, from: try peer(of: incoming), routing: routing)
        }
        let number = try number(of: incoming.request)
        let route = try route(number, caller: incoming.request.headers.from?.uri.userWithoutParameters ?? "")
        let trunk = routing.trunks[number]
        try services.challenge.check(
            incoming.request, number: number, trunk: trunk, now: services.driver.now)
        let context = CallContext(services: services, logger: logger)
        do {
            let caller = try MetaCaller(
                number: number, incoming: incoming,
                authenticator: MetaAuthenticator(
                    trunk?.credentials, domain: services.configuration.meta.domain, ids: services.ids),
                context: context)
            caller.claim = pairs.join(caller.pair)
            return call(of: caller, for: number, by: route, context: context)
        } catch {
            context.media.close()
            throw error
        }
    }

    /// All that can be said without spending anything on the call.
    private func check(_ incoming: TransactionDriver.Incoming, active: Int) throws(CallRefused) {
        let request = incoming.request
        if incoming.side == .meta, let required = request.headers[first: .require] {
            throw CallRefused(420, "unsupported extension: \(required)")
        }
        if incoming.side == .peer, let (status, fields) = UASInvite.refusal(of: request, reoffers: .answer) {
            throw CallRefused(
                status, status == 422 ? "the session interval is too short" : "unsupported extension", fields: fields)
        }
        if incoming.side == .peer, request.headers.replaces != .none {
            // It is no new call, and taking over one that goes on is not supported.
            throw CallRefused(481, "there is no dialog here that an INVITE may replace")
        }
        if active >= services.configuration.limits.calls {
            throw CallRefused(503, "too many calls at once", retryAfter: 10)
        }
    }

    private func number(of request: Request) throws(CallRefused) -> String {
        guard let user = request.uri.userWithoutParameters, let number = BusinessNumber.normalised(user) else {
            throw CallRefused(404, "the Request-URI names no number in E.164 form")
        }
        return number
    }

    /// Where calls to a number go now.
    private enum Destination {
        /// In the order to be tried.
        case peers([PeerEntry], dialled: String?)
        case application(Route.Application)
    }

    private func route(_ number: String, caller: String) throws(CallRefused) -> Destination {
        switch routing.numbers[number] {
        case nil:
            throw CallRefused(404, "this number has no route here: add it with `ibis number add`")
        case .application(let application):
            return .application(application)
        case .peers(let members, let spread, let dialled):
            return .peers(try peers(members, spread, caller: caller), dialled: dialled)
        }
    }

    private func call(of caller: MetaCaller, for number: String, by route: Destination, context: CallContext) -> Call {
        switch route {
        case .application(let application):
            return Call(
                context: context, caller: caller, callee: ApplicationCallee(application, context: context),
                ringTimeout: nil)
        case .peers(let peers, let dialled):
            let request = PeerCallee.Request(number: number, dialled: dialled, caller: caller.caller)
            let media = PeerMedia(context: context)
            context.transfers.allow(.init(request: request, media: media, context: context, peers: self.peers))
            let callee = PeerHunt(peers: peers, request: request, media: media, context: context)
            return Call(context: context, caller: caller, callee: callee, ringTimeout: callee.ringTimeout)
        }
    }

    private func peers(
        _ members: [Route.Member], _ spread: Spread, caller: String
    ) throws(CallRefused) -> [PeerEntry] {
        let order = peers.order(members, by: spread, caller: caller)
        guard !order.isEmpty else {
            services.counters.count(.callsRefusedPeersFull)
            throw PeerHunt.full
        }
        guard order.contains(where: { !$0.addresses.all.isEmpty }) else { throw PeerHunt.noAddress }
        return order
    }

    /// Which PBX an INVITE comes from.
    private func peer(of incoming: TransactionDriver.Incoming) throws(CallRefused) -> PeerEntry {
        switch peers.identify(incoming.request, from: incoming.flow) {
        case .peer(let peer):
            guard let entry = peers[peer.name] else { throw CallRefused(403, "this peer has just been removed") }
            return entry
        case .challenge(let fields): throw CallRefused(401, challenge: fields)
        case .refuse(let status, let reason): throw CallRefused(status: status, unexplained: reason)
        }
    }
}
