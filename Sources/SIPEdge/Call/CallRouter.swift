import Logging
import Media
import NIOCore
import SIPCore

/// Says which call an INVITE asks for: who may ask, for which number, and who is to answer.
///
/// Runs on the signalling loop.
final class CallRouter {
    private let services: CallServices
    private let peers: PeerDirectory
    private let logger: Logger
    private var routing = RoutingTable()

    init(services: CallServices, peers: PeerDirectory, logger: Logger) {
        self.services = services
        self.peers = peers
        self.logger = logger
    }

    func update(_ routing: RoutingTable) {
        self.routing = routing
        peers.replace(routing.peers)
    }

    /// The call, not started yet. Throws the answer for an INVITE that is not served; nothing is left of it then.
    func call(for incoming: TransactionDriver.Incoming, active: Int) throws(CallRefused) -> Call {
        let number = try check(incoming, active: active)
        let route = try route(number, caller: incoming.request.headers.from?.uri.userWithoutParameters ?? "")
        let context = CallContext(services: services, logger: logger)
        do {
            let caller = try MetaCaller(number: number, incoming: incoming, context: context)
            return call(of: caller, for: number, by: route, context: context)
        } catch {
            context.media.close()
            throw error
        }
    }

    /// All that can be said without spending anything on the call; gives the business number.
    private func check(_ incoming: TransactionDriver.Incoming, active: Int) throws(CallRefused) -> String {
        let request = incoming.request
        guard incoming.side == .meta else {
            throw CallRefused(501, "calls from the PBX to WhatsApp users are not supported yet")
        }
        if let required = request.headers[first: .require] {
            throw CallRefused(420, "unsupported extension: \(required)")
        }
        if active >= services.configuration.limits.calls {
            throw CallRefused(503, "too many calls at once", retryAfter: 10)
        }
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
}
