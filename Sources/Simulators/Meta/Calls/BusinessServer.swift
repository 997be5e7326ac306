import Media
import NIOCore
import SIPCore

/// Meta's side for requests of businesses outside of dialogs: refuses what Meta refuses, and lets a WhatsApp user's phone
/// ring for the rest (meta-calling §9, §10.1).
final class BusinessServer {
    private let settings: MetaSettings
    private let rules: InviteRules
    private var digest: MetaDigest
    /// Call-IDs that were challenged: CSeq number and branch.
    private var challenged: [String: (number: UInt32, branch: String)] = [:]
    /// Calls that are up or ringing, by business and user.
    private var busy: Set<String> = []
    private var connected: [String: Int] = [:]
    var behaviour: @Sendable (Request) -> UserBehaviour = { _ in UserBehaviour() }
    var onTaken: (BusinessCallReport) -> Void = { _ in }
    /// An INVITE that has passed all rules.
    var onRinging: (Request) -> Void = { _ in }

    init(_ settings: MetaSettings) {
        self.settings = settings
        rules = InviteRules(domain: settings.domain, numbers: settings.numbers)
        digest = MetaDigest(realm: settings.domain, faults: settings.challenge)
    }

    func received(_ incoming: Exchange.Incoming, _ core: MetaCore) {
        let request = incoming.request
        switch request.method {
        case .invite:
            invite(incoming, core)
        case .register:
            core.note(Violation(.register))
            incoming.respond(core.messages.response(403, to: request, tag: core.ids.next()))
        case .options:
            core.note(Violation(.optionsUnanswered))  // reportedly unanswered (meta-calling §7.5)
        case .bye:
            core.note(Violation(.noDialog, "BYE"))
            incoming.respond(core.messages.response(481, to: request, tag: core.ids.next()))
        default:
            core.note(Violation(.methodNotAllowed, request.method.rawValue))
            incoming.respond(core.messages.response(405, to: request, tag: core.ids.next()))
        }
    }

    private func invite(_ incoming: Exchange.Incoming, _ core: MetaCore) {
        let request = incoming.request
        let record = core.record()
        record.received(request)
        let refuse: (InviteRules.Refusal) -> Void = { [self] in turnAway($0, incoming, record, core) }
        if let refusal = rules.target(request) { return refuse(refusal) }
        let from = request.headers.from?.uri.user ?? ""
        let number = settings.numbers.first { $0.number == from }
        switch digest.judge(request, number: from, password: number?.password) {
        case .challenge:
            return challenge(incoming, record, core)
        case .refused(let violation) where number != nil || violation.rule == .digestRogueRealm:
            return refuse(.init(status: 403, reason: "Invalid digest auth response", violation: violation))
        case .refused:
            break  // the number itself is unknown
        case .accepted(let algorithm):
            if digest.isStale() { return challenge(incoming, record, core, stale: true) }
            if let problem = order(of: request) { record.note(problem) }
            rules.remarks(request).forEach(record.note)
            return accepted(incoming, record, core, algorithm)
        }
        if case .failure(let error) = rules.business(request) { refuse(error.refusal) }
    }

    /// An authenticated INVITE.
    private func accepted(
        _ incoming: Exchange.Incoming, _ record: CallRecord, _ core: MetaCore, _ algorithm: String
    ) {
        let request = incoming.request
        let number: MetaNumber
        switch rules.business(request) {
        case .success(let found): number = found
        case .failure(let error): return turnAway(error.refusal, incoming, record, core)
        }
        let user = request.uri.user ?? ""
        let pair = "\(number.number) \(user)"
        if let refusal = rules.user(
            user, of: number, isBusy: busy.contains(pair), connected: connected[pair, default: 0])
        {
            return turnAway(refusal, incoming, record, core)
        }
        let finding = core.session.offer(request.body, contentType: request.headers.contentType)
        finding.violations.filter { $0 != finding.fatal }.forEach(record.note)
        if let fatal = finding.fatal {
            let reason = "SDP validation failed: \(fatal.rule.meaning)"
            return turnAway(.init(status: 403, reason: reason, violation: fatal), incoming, record, core)
        }
        busy.insert(pair)
        onRinging(request)
        let call = BusinessCall(
            core: core, incoming: incoming, record: record, algorithm: algorithm, announced: finding.announced,
            behaviour: behaviour(request))
        call.onConnected = { [weak self] in self?.connected[pair, default: 0] += 1 }
        call.onOver = { [weak self] in self?.busy.remove(pair) }
        call.onReport = { [weak self] in self?.onTaken($0) }
        call.start()
    }

    private func challenge(
        _ incoming: Exchange.Incoming, _ record: CallRecord, _ core: MetaCore, stale: Bool = false
    ) {
        let request = incoming.request
        if let callID = request.headers.callID, challenged.count < 10_000 {
            challenged[callID] = (request.headers.cseq?.number ?? 0, request.headers.topVia?.branch ?? "")
        }
        let ids = core.ids
        let fields = digest.challenges(stale: stale) { ids.next() }
        // Meta derives the tag from the branch (meta-calling §12.2 (2)).
        let response = core.messages.response(
            digest.status, to: request, tag: request.headers.topVia?.branch ?? ids.next(), headers: fields)
        record.sent(response)
        incoming.respond(response)
        awaitACK(incoming, core) { core.note(Violation(.refusalACKMissing, "\(response.status)")) }
    }

    /// The INVITE with credentials follows on the one without (meta-calling §12.2 (4)).
    private func order(of request: Request) -> Violation? {
        guard let callID = request.headers.callID, let first = challenged.removeValue(forKey: callID) else {
            return Violation(.digestCSeq, "another Call-ID than the challenged INVITE")
        }
        let number = request.headers.cseq?.number ?? 0
        if number != first.number &+ 1 { return Violation(.digestCSeq, "CSeq \(number) after \(first.number)") }
        if request.headers.topVia?.branch == first.branch { return Violation(.digestCSeq, "the same branch") }
        return nil
    }

    private func turnAway(
        _ refusal: InviteRules.Refusal, _ incoming: Exchange.Incoming, _ record: CallRecord, _ core: MetaCore
    ) {
        record.note(refusal.violation)
        let response = core.messages.refusal(
            refusal, to: incoming.request, tag: core.ids.next(),
            recordRoutes: RecordRouteGame.asMeta.lines(domain: settings.domain).reversed())
        record.sent(response)
        incoming.respond(response)
        awaitACK(incoming, core) { record.note(.refusalACKMissing, "\(response.status)") }
        onTaken(
            BusinessCallReport(
                outcome: .refused(status: refusal.status, reason: refusal.reason), invite: incoming.request,
                violations: record.violations, statistics: .init(), media: .init(), digitsHeard: "",
                ladder: record.ladder))
    }

    /// Over TLS a refusal is not repeated, but its ACK must come all the same (RFC 3261 §17.1.1.3).
    private func awaitACK(_ incoming: Exchange.Incoming, _ core: MetaCore, _ missing: @escaping () -> Void) {
        core.loop.assumeIsolated().scheduleTask(in: TimeAmount(settings.timing.timeout)) { [weak incoming] in
            guard let incoming, !incoming.isAcknowledged, incoming.connection.isOpen else { return }
            missing()
        }
    }
}
