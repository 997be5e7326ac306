import Logging
import Media
import NIOCore
import SIPCore

/// Our call to a WhatsApp user: the INVITE to Meta's domain with the answer to its challenge, and Meta's media on leg `a`
/// (meta-calling §9, §12.2).
///
/// A 503 of Meta is tried once more after a pause, as meta-calling §9 allows: its INVITE is over then, so there are never
/// two for one pair. Nothing else is: after a refusal the PBX decides, and an INVITE of unknown fate may be ringing.
final class MetaCallee: CalleeSide {
    /// Who calls whom.
    struct Request {
        let number: String
        let user: WhatsAppUser
        /// Nil: nothing but the number is known.
        let trunk: TrunkNumber?
        /// One less than the PBX's INVITE had.
        let maxForwards: Int
    }

    private let request: MetaCallee.Request
    private let media: MediaSession
    private let services: CallServices
    private let logger: Logger
    private let ladder: MessageLadder
    private let authenticator: MetaAuthenticator
    /// Held until the last transaction of the dialog is over: a CANCEL that is under way is still a call to Meta.
    private let claim: CallPairs.Claim
    private var local: LocalAudio?
    private var leg: OutgoingLeg?
    private var offer: PendingOffer?
    private var answered = false
    private var rang = false
    private var retried = false
    private var retryTimer: Scheduled<Void>?
    /// Why we gave up ourselves.
    private var verdict: B2BUA.Refusal?
    private var duration: String?
    private(set) var fieldsOfAnswer: [HeaderField] = []
    var onEvent: (B2BUA.Event) -> Void = { _ in }

    init(_ request: MetaCallee.Request, claim: CallPairs.Claim, context: CallContext) {
        self.request = request
        self.claim = claim
        media = context.media
        services = context.services
        logger = context.logger
        ladder = context.ladder("meta")
        authenticator = MetaAuthenticator(
            request.trunk?.credentials, domain: services.configuration.meta.domain, ids: services.ids)
    }

    func start() {
        do {
            try invite().handle(.start)
        } catch {
            onEvent(.calleeFailed(error.refusal))
        }
    }

    func end(_ cause: Q850Cause) {
        retryTimer?.cancel()
        leg?.handle(answered ? .bye(headers: [cause.reason]) : .cancel(headers: [cause.reason]))
    }

    var facts: Logger.Metadata { duration.map { ["wa.duration_s": "\(Redaction.numbers($0))"] } ?? [:] }

    // MARK: The INVITE

    private func invite() throws(CallRefused) -> OutgoingLeg {
        // A second try offers the same again.
        if local == nil { local = try openMedia() }
        guard let local else { throw CallRefused(500, "no media") }
        let pending = OfferAnswer.offerMeta(local: local)
        let callID = services.ids.next()
        let tag = services.ids.next()
        guard
            let invite = services.meta.invite(
                number: request.number, host: request.trunk?.domain ?? services.configuration.hostname,
                user: request.user, maxForwards: request.maxForwards, callID: callID, tag: tag,
                offer: pending.description)
        else {
            throw CallRefused(404, "this user cannot be called")
        }
        offer = consume pending
        let leg = OutgoingLeg(
            machine: UACInvite(
                invite: invite, party: services.meta.party(number: request.number), ids: services.ids,
                timing: services.timing, reoffers: .refuse),
            callID: callID, localTag: tag, target: services.meta.target, driver: services.driver,
            dialogs: services.dialogs, ladder: ladder)
        leg.authenticator = authenticator
        leg.onReport = { [weak self] in self?.handle($0) }
        let claim = self.claim
        leg.onFinished = { _ = claim }
        self.leg = leg
        return leg
    }

    private func openMedia() throws(CallRefused) -> LocalAudio {
        do {
            let address = try media.openLeg(.a)
            return services.localAudio(
                address, host: services.configuration.mediaAddress ?? LocalAddress.ofDefaultRoute(address))
        } catch {
            throw CallRefused(error)
        }
    }

    // MARK: Reports

    private func handle(_ report: UACInvite.Report) {
        switch report {
        case .provisional(let response):
            rang = rang || response.status > 100
            onEvent(.calleeProgress(status: response.status))
        case .challenged(let response): challenged(response)
        case .answered(let response): answered(response)
        case .failed(let status, let response): failed(status, response)
        case .ended(let cause):
            if case .byPeer(let bye) = cause {
                duration = WhatsAppHeaders.value("call-duration", in: bye.headers)
                onEvent(.calleeEnded(bye.headers.q850 ?? .normalClearing))
            } else {
                onEvent(.calleeEnded(.recoveryOnTimerExpiry))
            }
        case .request(let request):
            logger.debug("request in the callee's dialog", metadata: ["sip.method": "\(request.method)"])
        case .inDialog: break  // Meta's side may do none of it
        }
    }

    private func challenged(_ response: Response) {
        guard let leg else { return }
        switch authenticator.answer(response, to: leg.invite) {
        case .answer(let field): leg.handle(.authorize(field))
        case .noPassword:
            giveUp("Meta asks for the number's password: give it with ibis number add --replace --password-stdin")
        case .refuse(.otherRealm): giveUp("somebody else than Meta asks for the number's password, and gets no answer")
        case .refuse(.unsupported): giveUp("Meta asks for the password in a way that is not supported")
        case .refuse(.noChallenge): giveUp("Meta asks for the number's password without a challenge")
        case .refuse(.rejected), .refuse(.tooManyAnswers):
            verdict = MetaFailure.wrongDigest.refusal()
            giveUp(nil)
        }
    }

    private func giveUp(_ sentence: String?) {
        services.counters.count(.challengesRefused)
        if let sentence {
            verdict = B2BUA.Refusal(status: 503, warning: sentence, cause: .networkOutOfOrder)
            logger.warning("the challenge is not answered", metadata: ["reason": "\(sentence)"])
        }
        leg?.handle(.cancel(headers: []))
    }

    private func failed(_ status: Int, _ response: Response?) {
        if let verdict { return onEvent(.calleeFailed(verdict)) }
        let failure = MetaFailure(status: status, response: response)
        logger.info(
            "Meta refused",
            metadata: [
                "sip.status": "\(status)", "meaning": "\(failure)",
                "reason": "\(Redaction.numbers(response?.reason ?? "none"))",
            ])
        if failure == .overloaded, !rang, !retried { return retry() }
        onEvent(.calleeFailed(failure.refusal(response)))
    }

    private func retry() {
        retried = true
        leg = nil
        retryTimer = services.loop.assumeIsolated().scheduleTask(in: TimeAmount(services.timing.t1 * 8)) {
            [weak self] in self?.start()
        }
    }

    /// Our first packet leaves within the same turn: Meta waits for it (meta-calling §9).
    private func answered(_ response: Response) {
        answered = true
        fieldsOfAnswer = WhatsAppHeaders.forPeer(response.headers)
        guard let offer = offer.take(), let local else { return }
        do {
            let negotiated = try offer.accept(answer: response.body, contentType: response.headers.contentType)
            media.connect(.a, try CallMedia.parameters(negotiated, local: local))
            media.start(.a)
            onEvent(.calleeAnswered)
        } catch {
            onEvent(
                .calleeUnusable(
                    .init(
                        status: 488, warning: "Meta answered with media that cannot be used: \(error.warningText)",
                        cause: .incompatibleDestination)))
        }
    }
}
