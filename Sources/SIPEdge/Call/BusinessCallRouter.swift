import Logging
import Media
import NIOCore
import SIPCore

/// Says which call to a WhatsApp user a PBX asks for: whom, from which of the business's numbers, and whether it may be now.
struct BusinessCallRouter {
    let services: CallServices
    let pairs: CallPairs
    /// Where a call may be transferred to.
    let peers: PeerDirectory
    let logger: Logger

    /// The call, not started yet. Throws the answer for an INVITE that is not served; nothing is left of it then.
    /// - Parameter peer: the PBX that the INVITE came from.
    func call(
        for incoming: TransactionDriver.Incoming, from peer: PeerEntry, routing: RoutingTable
    ) throws(CallRefused) -> Call {
        let invite = incoming.request
        guard let user = invite.uri.userWithoutParameters.flatMap({ WhatsAppUser($0) }) else {
            throw CallRefused(
                404, "the Request-URI names no WhatsApp user: dial + and the number with its country code, or a BSUID")
        }
        let number = try number(of: invite, peer: peer.peer.name, routing: routing)
        guard let claim = pairs.claim(.init(number: number, user: user.user)) else {
            throw CallRefused(
                486, "there is a call between this number and this user already",
                fields: [Q850Cause.userBusy.reason])
        }
        guard let seat = peer.seat() else {
            services.counters.count(.callsRefusedPeersFull)
            throw CallRefused(503, "this PBX is at its limit of calls (ibis peer list)", retryAfter: 5)
        }
        let context = CallContext(services: services, logger: logger)
        do {
            let media = PeerMedia(context: context)
            let caller = try PeerCaller(
                user: user, incoming: incoming, trunk: peer.trunk(back: incoming.flow), media: media, context: context)
            context.transfers.allow(
                .init(
                    request: .init(number: number, caller: Caller(calling: user)), media: media, context: context,
                    peers: peers))
            caller.seat = seat
            let callee = MetaCallee(
                .init(
                    number: number, user: user, trunk: routing.trunks[number],
                    maxForwards: Caller.onward(invite.headers.maxForwards)),
                claim: claim, context: context)
            context.logger.info(
                "call goes out",
                metadata: [
                    "sip.call_id": "\(Redaction.numbers(invite.headers.callID ?? ""))", "peer": "\(peer.peer.name)",
                    "sip.peer": "\(incoming.flow.remoteHost)", "number": "\(Redaction.numbers(number))",
                    "user": "\(Redaction.numbers(user.user))",
                ])
            return Call(
                context: context, caller: caller, callee: callee,
                ringTimeout: services.configuration.meta.ringTimeout)
        } catch {
            context.media.close()
            throw error
        }
    }

    private func number(of invite: Request, peer: String, routing: RoutingTable) throws(CallRefused) -> String {
        let numbers = routing.numbers(of: peer)
        if let number = CallingNumber.of(invite, among: numbers) { return number }
        throw CallRefused(
            403,
            numbers.isEmpty
                ? "no business number goes to this PBX: ibis number add … --peer \(peer)"
                : "which business number calls? set CALLERID(num) in the dialplan, or from_user of the endpoint, to one "
                    + "of those that go to this PBX",
            fields: [Q850Cause.callRejected.reason])
    }
}
