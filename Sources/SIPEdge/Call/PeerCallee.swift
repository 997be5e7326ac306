import Logging
import Media
import NIOCore
import SIPCore

/// One attempt at one PBX: its INVITE, its media on leg `b`, and its answers as events of the ``B2BUA``.
final class PeerCallee: CalleeSide {
    /// Whom the PBX is told the call is from and for.
    struct Request {
        let number: String
        /// Replaces the number towards the PBX when given.
        var dialled: String?
        let caller: Caller
        /// The call is for the target of a transfer.
        var referral: Referral?
    }

    private let trunk: PeerTrunk
    private let request: PeerCallee.Request
    private let media: PeerMedia
    private let services: CallServices
    private let transfers: PeerTransfers
    private let logger: Logger
    private let ladder: MessageLadder
    private var leg: OutgoingLeg?
    private var local: LocalAudio?
    private var offer: PendingOffer?
    private var answered = false
    private var digest: DigestClient?
    /// Asked before a failure is reported; the response is there when the PBX sent one. True: another attempt takes over.
    var takesOver: (_ status: Int, Response?) -> Bool = { _, _ in false }
    var onEvent: (B2BUA.Event) -> Void = { _ in }

    init(trunk: PeerTrunk, request: PeerCallee.Request, media: PeerMedia, context: CallContext) {
        self.trunk = trunk
        self.request = request
        self.media = media
        services = context.services
        transfers = context.transfers
        logger = context.logger
        ladder = context.ladder("peer")
        digest = trunk.peer.credentials.map { DigestClient(credentials: $0.digest, realms: [$0.realm]) }
    }

    func start() {
        do {
            try invite().handle(.start)
        } catch {
            onEvent(.calleeFailed(error.refusal))
        }
    }

    private func invite() throws(CallRefused) -> OutgoingLeg {
        let local = try media.local(towards: trunk.remote)
        let pending = OfferAnswer.offerPeer(local: local, secure: trunk.peer.secureMedia)
        let callID = services.ids.next()
        let tag = services.ids.next()
        guard
            var invite = trunk.invite(
                number: request.number, extension: request.dialled, caller: request.caller, callID: callID, tag: tag,
                offer: pending.description)
        else {
            throw CallRefused(500, "the peer \(trunk.peer.name) has no usable address")
        }
        request.referral?.write(into: &invite)
        self.local = local
        offer = consume pending
        let leg = OutgoingLeg(
            machine: UACInvite(
                invite: invite, party: trunk.party(user: request.number), ids: services.ids, timing: services.timing),
            callID: callID, localTag: tag, target: trunk.target, driver: services.driver, dialogs: services.dialogs,
            ladder: ladder)
        leg.onReport = { [weak self] in self?.handle($0) }
        self.leg = leg
        return leg
    }

    func end(_ cause: Q850Cause) {
        leg?.handle(answered ? .bye(headers: [cause.reason]) : .cancel(headers: [cause.reason]))
    }

    private func handle(_ report: UACInvite.Report) {
        switch report {
        case .provisional(let response): onEvent(.calleeProgress(status: response.status))
        case .challenged(let response): authorize(response)
        case .answered(let response): answered(response)
        case .failed(let status, let response):
            logger.info("peer refused", metadata: ["peer": "\(trunk.peer.name)", "sip.status": "\(status)"])
            if takesOver(status, response) { return }
            onEvent(.calleeFailed(B2BUA.Refusal(callee: status)))
        case .ended(let cause):
            if case .byPeer(let bye) = cause {
                onEvent(.calleeEnded(bye.headers.q850 ?? .normalClearing))
            } else {
                onEvent(.calleeEnded(.recoveryOnTimerExpiry))
            }
        case .request(let request):
            logger.debug("request in the callee's dialog", metadata: ["sip.method": "\(request.method)"])
        case .inDialog(let report):
            transfers.handle(report, from: trunk, media: media) { [weak leg] in leg?.handle(.inDialog($0)) }
        }
    }

    /// Without a password for the realm giving up is what ends the leg, and reports the status.
    private func authorize(_ response: Response) {
        guard let leg else { return }
        switch digest?.answer(response, to: leg.invite, cnonce: services.ids.next()) {
        case .answer(let field): leg.handle(.authorize(field))
        case .refuse(let refusal):
            logger.warning(
                "peer's challenge cannot be answered",
                metadata: ["peer": "\(trunk.peer.name)", "reason": "\(refusal)"])
            leg.handle(.cancel(headers: []))
        case nil: leg.handle(.cancel(headers: []))
        }
    }

    private func answered(_ response: Response) {
        answered = true
        guard let offer = offer.take(), let local else { return }
        do {
            let negotiated = try offer.accept(answer: response.body, contentType: response.headers.contentType)
            try media.connect(negotiated, local: local)
            media.start()
            onEvent(.calleeAnswered)
        } catch {
            onEvent(
                .calleeUnusable(
                    .init(status: 488, warning: "the PBX answered with media that cannot be used: \(error.warningText)")
                ))
        }
    }
}

extension Referral {
    /// What the target is told of the transfer, from typed values alone (RFC 3891, RFC 3892).
    fileprivate func write(into invite: inout SIPCore.Request) {
        if let referredBy { invite.headers.append(.referredBy, "<\(referredBy)>") }
        if let replaces { invite.headers.append(.replaces, replaces.description) }
    }
}

extension Headers {
    /// Cause of the Reason header field, when it has one of Q.850.
    var q850: Q850Cause? { self[first: .reason].flatMap(Q850Cause.init(reason:)) }
}

extension Q850Cause {
    var reason: HeaderField { HeaderField(name: .reason, value: reasonValue) }
}
