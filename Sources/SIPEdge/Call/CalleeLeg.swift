import Logging
import Media
import NIOCore
import SIPCore

/// The leg to a PBX: its INVITE, its media on leg `b`, and its answers as events of the ``B2BUA``.
final class CalleeLeg {
    private let leg: OutgoingLeg
    private let media: MediaSession
    private let local: LocalAudio
    private var offer: PendingOffer?
    private let logger: Logger
    private var answered = false
    /// What media was agreed; a re-INVITE of the PBX may move its side of it.
    private var parameters: LegParameters?
    var onEvent: (B2BUA.Event) -> Void = { _ in }

    init(
        trunk: PeerTrunk, number: String, extension dialled: String?, caller: Caller, media: MediaSession,
        services: CallServices, logger: Logger
    ) throws(CallRefused) {
        self.media = media
        self.logger = logger
        let address: MediaAddress
        do {
            address = try media.openLeg(.b)
        } catch {
            throw CallRefused(error)
        }
        let host = services.configuration.peerMediaAddress ?? CallMedia.own(address, towards: trunk.remote)
        local = services.localAudio(address, host: host)
        let pending = OfferAnswer.offerPeer(local: local, secure: trunk.peer.secureMedia)
        let callID = services.ids.next()
        let tag = services.ids.next()
        guard
            let invite = trunk.invite(
                number: number, extension: dialled, caller: caller, callID: callID, tag: tag, offer: pending.description
            )
        else {
            throw CallRefused(500, "the peer \(trunk.peer.name) has no usable address")
        }
        offer = consume pending
        leg = OutgoingLeg(
            machine: UACInvite(
                invite: invite, party: trunk.party(user: number), ids: services.ids, timing: services.timing),
            callID: callID, localTag: tag, target: trunk.target, driver: services.driver, dialogs: services.dialogs,
            ladder: MessageLadder(logger: logger, leg: "peer"))
        leg.onReport = { [weak self] in self?.handle($0) }
    }

    func start() { leg.handle(.start) }

    /// CANCEL or BYE, whichever the dialog's state asks for.
    func end(_ cause: Q850Cause) {
        leg.handle(answered ? .bye(headers: [cause.reason]) : .cancel(headers: [cause.reason]))
    }

    private func handle(_ report: UACInvite.Report) {
        switch report {
        case .provisional(let response): onEvent(.calleeProgress(status: response.status))
        // We have no password for a PBX: giving up is what ends the leg, and reports the status.
        case .challenged: leg.handle(.cancel(headers: []))
        case .answered(let response): answered(response)
        case .failed(let status, _):
            logger.info("peer refused", metadata: ["sip.status": "\(status)"])
            onEvent(.calleeFailed(status: status))
        case .ended(let cause):
            if case .byPeer(let bye) = cause {
                onEvent(.calleeEnded(bye.headers.q850 ?? .normalClearing))
            } else {
                onEvent(.calleeEnded(.recoveryOnTimerExpiry))
            }
        case .request(let request):
            logger.debug("request in the callee's dialog", metadata: ["sip.method": "\(request.method)"])
            mediaMoved(request)
        }
    }

    /// A re-INVITE or UPDATE was answered with what we have; where it names another address, media goes there from now
    /// on, on the same SSRC. Codec and keys stay as agreed, so one without Opus was refused and moves nothing.
    private func mediaMoved(_ request: Request) {
        guard request.method == .invite || request.method == .update, var parameters, !request.body.isEmpty,
            let description = try? SessionDescription(parsing: request.body.span),
            let stream = try? AudioStream(description), stream.codecs.contains(where: \.isOpus),
            let remote = MediaAddress(stream.address, port: stream.port), remote != parameters.remote
        else { return }
        parameters.remote = remote
        self.parameters = parameters
        media.connect(.b, parameters)
    }

    private func answered(_ response: Response) {
        answered = true
        guard let offer = offer.take() else { return }
        do {
            let negotiated = try offer.accept(answer: response.body, contentType: response.headers.contentType)
            let parameters = try CallMedia.parameters(negotiated, local: local)
            self.parameters = parameters
            media.connect(.b, parameters)
            media.start(.b)
            onEvent(.calleeAnswered)
        } catch {
            onEvent(
                .calleeUnusable(
                    .init(status: 488, warning: "the PBX answered with media that cannot be used: \(error.warningText)")
                ))
        }
    }
}

extension Headers {
    /// Cause of the Reason header field, when it has one of Q.850.
    var q850: Q850Cause? { self[first: .reason].flatMap(Q850Cause.init(reason:)) }
}

extension Q850Cause {
    var reason: HeaderField { HeaderField(name: .reason, value: reasonValue) }
}
