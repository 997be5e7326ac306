import Logging
import Media
import NIOCore
import SIPCore

/// A call from a WhatsApp user: the leg of Meta's INVITE, with its offer answered on media leg `a`.
final class MetaCaller: CallerSide {
    let caller: Caller
    private let number: String
    private let leg: IncomingLeg
    private let media: MediaSession
    private let answerBody: [UInt8]
    private let hostname: String
    private let logger: Logger
    /// While this is here, the pair is in a call.
    var claim: CallPairs.Claim?
    /// As Meta's BYE says it, in seconds.
    private var duration: String?
    var onEvent: (B2BUA.Event) -> Void = { _ in }

    /// Who called whom, as Meta counts it.
    var pair: CallPairs.Pair { .init(number: number, user: caller.user) }

    /// Reads the offer and opens the caller's media. Throws the answer for an INVITE that cannot be served.
    /// - Parameter authenticator: should Meta ask for the number's password when we hang up.
    init(
        number: String, incoming: TransactionDriver.Incoming, authenticator: MetaAuthenticator, context: CallContext
    ) throws(CallRefused) {
        self.number = number
        let services = context.services
        let invite = incoming.request
        let flow = incoming.flow
        let meta = services.meta
        answerBody = try CallMedia.answerCaller(invite, media: context.media, services: services, remote: flow.remote)
        media = context.media
        logger = context.logger
        hostname = services.configuration.hostname
        caller = Caller(invite)
        let tag = services.ids.next()
        let ladder = context.ladder("meta")
        ladder.received(invite)
        leg = IncomingLeg(
            transaction: incoming.transaction,
            machine: UASInvite(
                invite: invite, localTag: tag, party: meta.party(number: number), ids: services.ids,
                timing: services.timing),
            localTag: tag, driver: services.driver, dialogs: services.dialogs, ladder: ladder
        ) { meta.destination(of: $0, inbound: flow) }
        leg.authenticator = authenticator
        leg.onReport = { [weak self] in self?.handle($0) }
        logger.info(
            "call came in",
            metadata: [
                "sip.call_id": "\(Redaction.numbers(invite.headers.callID ?? ""))", "sip.peer": "\(flow.remoteHost)",
                "number": "\(Redaction.numbers(number))", "caller": "\(Redaction.numbers(caller.user))",
                "wa.call_id": "\(WhatsAppHeaders.value("wacid", in: invite.headers) ?? "")",
            ])
    }

    func ring() { leg.handle(.ring(status: 180)) }

    /// Nothing of the PBX crosses to Meta.
    func answer(with fields: [HeaderField]) {
        leg.handle(.answer(body: answerBody, headers: [HeaderField(name: .contentType, value: "application/sdp")]))
    }

    func reject(_ refusal: B2BUA.Refusal) { leg.handle(refusal.rejection(host: hostname)) }

    func hangUp(_ cause: Q850Cause) { leg.handle(.bye(headers: [cause.reason])) }

    /// Our first packet leaves within the same turn (design decision 7).
    func startMedia() { media.start(.a) }

    var facts: Logger.Metadata { duration.map { ["wa.duration_s": "\(Redaction.numbers($0))"] } ?? [:] }

    private func handle(_ report: UASInvite.Report) {
        switch report {
        case .acknowledged: onEvent(.callerAcknowledged)
        case .cancelled: onEvent(.callerCancelled)
        case .ended(let cause):
            if case .byPeer(let bye) = cause {
                duration = WhatsAppHeaders.value("call-duration", in: bye.headers)
                onEvent(.callerEnded(bye.headers.q850 ?? .normalClearing))
            } else {
                onEvent(.callerEnded(.recoveryOnTimerExpiry))
            }
        case .request(let request):
            logger.debug("request in the caller's dialog", metadata: ["sip.method": "\(request.method)"])
        case .inDialog: break  // Meta's side may do none of it
        }
    }
}
