import Logging
import Media
import NIOCore
import SIPCore

/// A call from a PBX to a WhatsApp user: the leg of the PBX's INVITE, and its media on leg `b`.
final class PeerCaller: CallerSide {
    private let leg: IncomingLeg
    private let media: PeerMedia
    private let local: LocalAudio
    /// The answer to the PBX's offer, or ours when it made none.
    private let description: [UInt8]
    /// Ours, until the ACK brings its answer (RFC 3264, delayed offer).
    private var offer: PendingOffer?
    /// The call's place among those that the PBX may have at once.
    var seat: PeerSeat?
    private let trunk: PeerTrunk
    private let transfers: PeerTransfers
    private let hostname: String
    private let logger: Logger
    var onEvent: (B2BUA.Event) -> Void = { _ in }

    /// Reads the offer and opens the PBX's media. Throws the answer for an INVITE that cannot be served.
    /// - Parameter trunk: the way to the PBX, for how we present ourselves to it, and for our BYE when the INVITE's own
    ///   connection is gone.
    init(
        user: WhatsAppUser, incoming: TransactionDriver.Incoming, trunk: PeerTrunk, media: PeerMedia,
        context: CallContext
    ) throws(CallRefused) {
        let services = context.services
        let invite = incoming.request
        let flow = incoming.flow
        let secure = trunk.peer.secureMedia
        self.media = media
        self.trunk = trunk
        transfers = context.transfers
        logger = context.logger
        hostname = services.configuration.hostname
        if invite.body.isEmpty {
            local = try media.local(towards: flow.remote)
            let pending = OfferAnswer.offerPeer(local: local, secure: secure)
            description = pending.description
            offer = consume pending
        } else {
            let type = invite.headers.contentType
            do {
                // Before a port is spent on it.
                try OfferAnswer.checkPeer(offer: invite.body, contentType: type, secure: secure)
            } catch {
                throw CallRefused(error)
            }
            local = try media.local(towards: flow.remote)
            do {
                let (answer, negotiated) = try OfferAnswer.answerPeer(
                    offer: invite.body, contentType: type, local: local, secure: secure)
                try media.connect(negotiated, local: local)
                description = answer
            } catch {
                throw CallRefused(error)
            }
        }
        let tag = services.ids.next()
        let ladder = context.ladder("peer")
        ladder.received(invite)
        let transport = services.driver.transport
        let target = trunk.target
        leg = IncomingLeg(
            transaction: incoming.transaction,
            machine: UASInvite(
                invite: invite, localTag: tag, party: trunk.party(user: user.user), ids: services.ids,
                timing: services.timing, reoffers: .answer),
            localTag: tag, driver: services.driver, dialogs: services.dialogs, ladder: ladder
        ) { _ in transport.isOpen(flow) ? .flow(flow) : .target(target, fallback: nil) }
        leg.onReport = { [weak self] in self?.handle($0) }
    }

    func ring() { leg.handle(.ring(status: 180)) }

    func answer(with fields: [HeaderField]) {
        leg.handle(
            .answer(body: description, headers: fields + [HeaderField(name: .contentType, value: "application/sdp")]))
    }

    /// With the Q.850 cause, and what Meta said in its own words.
    func reject(_ refusal: B2BUA.Refusal) {
        var fields = [(refusal.cause ?? Q850Cause(status: refusal.status)).reason]
        if let detail = refusal.detail { fields.append(HeaderField(name: WhatsAppHeaders.reason, value: detail)) }
        leg.handle(refusal.rejection(host: hostname, fields: fields))
    }

    func hangUp(_ cause: Q850Cause) { leg.handle(.bye(headers: [cause.reason])) }

    func startMedia() { media.start() }

    private func handle(_ report: UASInvite.Report) {
        switch report {
        case .acknowledged(let body): acknowledged(body)
        case .cancelled: onEvent(.callerCancelled)
        case .ended(let cause):
            if case .byPeer(let bye) = cause {
                onEvent(.callerEnded(bye.headers.q850 ?? .normalClearing))
            } else {
                onEvent(.callerEnded(.recoveryOnTimerExpiry))
            }
        case .request(let request):
            logger.debug("request in the caller's dialog", metadata: ["sip.method": "\(request.method)"])
        case .inDialog(let report):
            transfers.handle(report, from: trunk, media: media) { [weak leg] in leg?.handle(.inDialog($0)) }
        }
    }

    var isPeer: Bool { true }

    private func acknowledged(_ body: [UInt8]) {
        if let offer = offer.take() {
            do {
                try media.connect(try offer.accept(answer: body, contentType: nil), local: local)
            } catch {
                logger.info("the PBX's answer cannot be used", metadata: ["reason": "\(error.warningText)"])
                onEvent(.callerAcknowledged)
                return onEvent(.hangUp(.incompatibleDestination))
            }
        }
        onEvent(.callerAcknowledged)
    }
}
