import Media
import NIOCore
import NIOSSL
import SIPCore
import SIPEdge

/// One call of a WhatsApp user to a business, from the INVITE to the report (meta-calling §8, §12.1). On the simulator's
/// loop.
final class UserCall: MetaCore.Call {
    private enum State {
        case idle, calling, cancelling, answered, ending, over
    }

    private let core: MetaCore
    private let call: WhatsAppCall
    private let record: CallRecord
    private let done: @Sendable (WhatsAppCallReport) -> Void
    private let tag: String
    private let wacid: String
    private var cseq = UInt32.random(in: 1_000...40_000)
    private var state = State.idle
    private var rules: AnswerRules?
    private var offer: [UInt8] = []
    private var pending: PendingOffer?
    private var media: MetaMedia?
    private var dialog: MetaDialog?
    private var connection: MetaConnection?
    private var report: WhatsAppCallReport
    private var outcome: WhatsAppCallReport.Outcome?
    private var timers: [Scheduled<Void>] = []
    private var startedAt: NIODeadline
    /// Nonces that were answered.
    private var answeredNonces: Set<String> = []
    private var earlyTag: String?
    private var ack: Request?

    init(_ call: WhatsAppCall, core: MetaCore, done: @escaping @Sendable (WhatsAppCallReport) -> Void) {
        self.call = call
        self.core = core
        self.done = done
        record = core.record()
        tag = core.ids.next()
        wacid = "wacid.\(core.ids.next())=="
        startedAt = core.loop.now
        report = WhatsAppCallReport(
            outcome: .failed("not placed"), statistics: LegStatistics(), ladder: [], digitsHeard: "")
    }

    private var callID: String { "outgoing:\(wacid)" }

    func start() {
        core.add(self, callID: callID, tag: tag)
        MetaMedia.open(core, recordSeconds: call.recordSeconds, faults: call.faults.media) { [self] result in
            switch result {
            case .success(let media):
                self.media = media
                let pending = OfferAnswer.offerMeta(local: media.local, shape: .whatsApp)
                offer = call.offer ?? pending.description
                self.pending = consume pending
                connect()
            case .failure(let error):
                finish(.failed("no port is free on \(core.settings.address): \(error)"))
            }
        }
    }

    private func connect() {
        startedAt = core.loop.now
        core.transport.connect(to: call.target) { [self] result in
            switch result {
            case .success(let connection):
                self.connection = connection
                startedAt = core.loop.now
                after(call.patience) { $0.giveUp() }
                invite(credentials: nil)
            case .failure(let error):
                if let violation = MetaCore.certificateViolation(error) {
                    record.note(violation)
                    finish(.failed("\(violation)"))
                } else {
                    finish(.failed("no connection to \(call.target.host):\(call.target.port), or it was closed"))
                }
            }
        }
    }

    private func after(_ delay: Duration, _ body: @escaping (UserCall) -> Void) {
        timers.append(
            core.loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { [weak self] in
                if let self { body(self) }
            })
    }

    private func elapsed(since start: NIODeadline) -> Duration { .nanoseconds((core.loop.now - start).nanoseconds) }

    // MARK: INVITE

    private func invite(credentials: HeaderField?) {
        cseq += 1
        guard let connection,
            let invite = core.messages.invite(
                call, wacid: wacid, tag: tag, branch: MetaMessages.branch(core.ids), cseq: cseq, offer: offer,
                credentials: credentials)
        else { return finish(.failed("\(call.number) at \(call.hostname) makes no SIP URI")) }
        rules = AnswerRules(invite: invite, hostname: call.hostname)
        if state == .idle { state = .calling }
        record.sent(invite)
        core.exchange.send(invite, on: connection) { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .response(let response, let way): self.received(response, by: way)
            case .lost: self.lost()
            }
        }
        if call.faults.repeatsINVITE, credentials == nil { connection.send(invite) }
    }

    private func lost() {
        let isOpen = connection?.isOpen == true
        finish(
            state == .cancelling
                ? .gaveUp
                : .failed(
                    isOpen
                        ? "no answer to the INVITE"
                        : "no connection to \(call.target.host):\(call.target.port), or it was closed"))
    }

    private func received(_ response: Response, by way: MetaConnection) {
        record.received(response)
        guard let rules, state != .over else { return }
        rules.violations(response).forEach(record.note)
        if way !== connection { record.note(.responseConnection) }
        switch response.status {
        case 100: report.trying = report.trying ?? elapsed(since: startedAt)
        case 101..<200: ringing(response)
        case 200..<300: answered(response, rules)
        default:
            let ack = core.messages.ack(refusal: response, to: rules.invite)
            record.sent(ack)
            way.send(ack)
            refused(response)
        }
    }

    private func ringing(_ response: Response) {
        report.ringing = report.ringing ?? elapsed(since: startedAt)
        earlyTag = response.headers.to?.tag ?? earlyTag
    }

    private func refused(_ response: Response) {
        report.response = response
        if state == .cancelling {
            if response.status != 487 { record.note(.cancelUnanswered, "\(response.status) to the INVITE") }
            return finish(outcome ?? .gaveUp)
        }
        guard response.status == 401 || response.status == 407 else {
            return finish(
                .refused(
                    status: response.status, reason: response.reason, warning: response.headers[first: .warning]))
        }
        let refused: (String?) -> Void = { [self] hint in
            finish(.refused(status: response.status, reason: response.reason, warning: hint))
        }
        guard let password = call.password else { return refused("a password is asked for: give one with --password") }
        guard let challenge = AnswerRules.answerable(response) else {
            record.note(.challengeForm)
            return refused("Meta answers digest challenges with MD5 and qop=auth only")
        }
        guard !answeredNonces.contains(challenge.nonce), answeredNonces.isEmpty || challenge.stale else {
            record.note(.challengeRepeated)
            return refused("the challenge was answered already: the password is wrong, or the check of uri too strict")
        }
        answeredNonces.insert(challenge.nonce)
        // meta-calling §6.3: the uri lacks the parameters of the Request-URI.
        let answer = DigestAnswer(
            to: challenge,
            credentials: DigestCredentials(
                username: String(call.number.drop { $0 == "+" }),
                password: call.faults.wrongPassword ? password + "?" : password),
            method: .invite, uri: "sip:\(call.number)@\(call.hostname)", cnonce: core.ids.next(), nc: 1)
        guard let answer else { return refused(nil) }
        invite(
            credentials: HeaderField(
                name: response.status == 407 ? .proxyAuthorization : .authorization, value: answer.headerValue))
    }

    // MARK: Giving up

    private func giveUp() {
        guard state == .calling, let connection, let rules else { return }
        state = .cancelling
        outcome = .gaveUp
        if call.faults.byeWhileRinging, let earlyTag { return byeEarly(earlyTag, rules.invite, connection) }
        cancel(rules.invite, connection)
        after(core.settings.timing.timeout) { call in
            guard call.state == .cancelling else { return }
            call.record.note(.cancelUnanswered, "no final answer to the INVITE")
            call.finish(.gaveUp)
        }
    }

    private func cancel(_ invite: Request, _ connection: MetaConnection) {
        let cancel = core.messages.cancel(invite)
        record.sent(cancel)
        core.exchange.send(cancel, on: connection) { [record] outcome in
            switch outcome {
            case .response(let response, _):
                record.received(response)
                // A CANCEL that crosses the 200 may be too late for its transaction.
                if response.isFinal, !response.isSuccess, response.status != 481 {
                    record.note(.cancelUnanswered, "\(response.status)")
                }
            case .lost: record.note(.cancelUnanswered)
            }
        }
    }

    /// RFC 3261 §15.1.1 allows it to the caller; the INVITE is then answered 487.
    private func byeEarly(_ earlyTag: String, _ invite: Request, _ connection: MetaConnection) {
        var headers = Headers()
        headers.append(.via, core.messages.via(branch: MetaMessages.branch(core.ids)))
        headers.append(.maxForwards, "69")
        headers.append(.from, invite.headers[first: .from] ?? "")
        headers.append(.to, "\(invite.headers[first: .to] ?? "");tag=\(earlyTag)")
        headers.append(.callID, callID)
        headers.append(.cseq, CSeq(number: cseq + 1, method: .bye).description)
        let bye = Request(method: .bye, uri: invite.uri, headers: headers)
        record.sent(bye)
        core.exchange.send(bye, on: connection) { [record] outcome in
            if case .response(let response, _) = outcome { record.received(response) }
        }
    }

    // MARK: The answer

    private func answered(_ response: Response, _ rules: AnswerRules) {
        guard state == .calling || state == .cancelling else { return }
        let isUnwanted = state == .cancelling
        state = .answered
        report.response = response
        report.answered = elapsed(since: startedAt)
        media?.isAnswered = true
        if !isUnwanted { call.onAnswered?(response) }
        if call.faults.cancelsAfterAnswer, let connection { cancel(rules.invite, connection) }
        guard let target = response.headers.contact?.uri else {
            record.note(.contactMissing)
            return neverAcknowledge("the 200 has no Contact", response, rules)
        }
        if let problem = rules.contactProblem(target) { record.note(.answerContact, problem) }
        if let problem = rules.recordRouteProblem(response) {
            record.note(.recordRoute, problem)
            return neverAcknowledge("Record-Route \(problem)", response, rules)
        }
        makeDialog(response, rules, target: target)
        let usable = isUnwanted ? nil : judgeSession(response)
        sendACK()
        if isUnwanted {
            dialog?.hangUp()
        } else if let usable {
            outcome = usable
            dialog?.hangUp()
        } else {
            talk()
        }
    }

    /// The ACK goes astray at Meta, and with it every later request of the business: its Routes are wrong (§7.3). The
    /// business repeats its 200 and gives up.
    private func neverAcknowledge(_ why: String, _ response: Response, _ rules: AnswerRules) {
        outcome = .unusableAnswer("the ACK never arrives: \(why)")
        makeDialog(response, rules, target: response.headers.contact?.uri ?? rules.invite.uri)
        after(core.settings.timing.timeout + .seconds(1)) { $0.finish(nil) }
    }

    private func makeDialog(_ response: Response, _ rules: AnswerRules, target: SIPURI) {
        guard let connection else { return }
        let headers = rules.invite.headers
        var whatsApp = [HeaderField(name: "x-wa-meta-wacid", value: wacid)]
        if let user = call.whatsApp["user-id"] {
            whatsApp.append(HeaderField(name: "x-wa-meta-user-id", value: user))
        }
        let dialog = MetaDialog(
            core: core, record: record,
            identity: MetaDialog.Identity(
                callID: callID, from: headers[first: .from] ?? "", to: response.headers[first: .to] ?? "",
                target: target, routes: rules.ownRoutes(response).reversed(),
                recordRoutes: headers.all(.recordRoute), whatsApp: whatsApp, cseq: cseq),
            rules: RouteRules(
                target: call.contact.uri(user: call.user, domain: core.settings.domain, isCallee: false),
                routes: headers.recordRoutes),
            faults: call.faults, media: media, connection: connection, server: call.target, remoteCSeq: 0)
        dialog.onEnded = { [weak self] in self?.ended($0) }
        self.dialog = dialog
    }

    /// Nil when Meta can go on with it.
    private func judgeSession(_ response: Response) -> WhatsAppCallReport.Outcome? {
        let finding = core.session.answer(
            response.body, contentType: response.headers.contentType, offered: offer)
        finding.violations.forEach(record.note)
        guard let pending = pending.take() else { return nil }
        do {
            let negotiated = try pending.accept(answer: response.body, contentType: response.headers.contentType)
            if let fatal = finding.fatal { return .unusableAnswer(fatal.description) }
            try media?.connect(negotiated, announced: finding.announced)
            return nil
        } catch let error as SDPRefusal {
            return .unusableAnswer(error.warningText)
        } catch {
            return .unusableAnswer("\(error)")
        }
    }

    private func sendACK() {
        guard let dialog else { return }
        let to = report.response?.headers[first: .to] ?? ""
        let ack = dialog.request(
            .ack, cseq: cseq, to: call.faults.ackWithWrongTag ? to.replacingTag("wrong") : nil)
        self.ack = ack
        guard !call.faults.noACK else { return }
        if let delay = call.faults.ackAfter {
            after(delay) { $0.transmit(ack) }
        } else {
            transmit(ack)
            if call.faults.duplicateACK { transmit(ack) }
        }
    }

    private func transmit(_ ack: Request) {
        record.sent(ack)
        dialog?.connection.send(ack)
    }

    private func talk() {
        dialog?.up()
        media?.start(says: call.says)
        if !call.digits.isEmpty { after(.seconds(1)) { $0.media?.press($0.call.digits) } }
        after(call.talk) { call in
            call.state = .ending
            call.dialog?.hangUp()
        }
    }

    // MARK: MetaCore.Call

    func received(_ incoming: Exchange.Incoming) {
        guard let dialog, state == .answered || state == .ending else {
            core.note(Violation(.noDialog, incoming.request.method.rawValue))
            return incoming.respond(core.messages.response(481, to: incoming.request, tag: nil))
        }
        dialog.received(incoming)
        // Its BYE cannot do but with the wrong Routes that it was given; Meta answers 404 and the call is over.
        if ack == nil, incoming.request.method == .bye { finish(nil) }
    }

    func receivedACK(_ request: Request, _ connection: MetaConnection) {}

    /// The 200 again: the ACK again.
    func receivedStray(_ response: Response) {
        record.received(response)
        report.answersRepeated += 1
        guard let ack, !call.faults.noACK, call.faults.ackAfter == nil else { return }
        transmit(ack)
    }

    // MARK: The end

    private func ended(_ end: MetaDialog.End) {
        switch end {
        case .byUs: finish(outcome ?? .talked(endedByUs: true))
        case .byBusiness(let bye):
            report.ending = bye
            finish(outcome ?? .talked(endedByUs: false))
        case .silence(let silence): finish(.silent(afterMedia: silence == .stopped))
        }
    }

    private func finish(_ last: WhatsAppCallReport.Outcome?) {
        guard state != .over else { return }
        state = .over
        for timer in timers { timer.cancel() }
        timers = []
        media?.close()
        let summary = media?.summary ?? MediaSummary()
        summary.violations.forEach(record.note)
        media = nil
        core.remove(callID: callID, tag: tag)
        var report = report
        report.outcome = outcome ?? last ?? report.outcome
        report.statistics = summary.statistics
        report.media = summary.figures
        report.firstMedia = summary.firstMedia
        report.digitsHeard = summary.digits
        report.violations = record.violations
        report.ladder = record.ladder
        let result = report
        let recording = summary.recording
        let done = done
        // Decoding is no work for the loop.
        Task {
            var report = result
            if let recording { report.heard = try? RecordingDecoder().decode(recording, payloadType: 111) }
            done(report)
        }
    }
}

extension String {
    /// A To value with another tag.
    fileprivate func replacingTag(_ tag: String) -> String {
        guard var value = NameAddr(self) else { return self }
        value.tag = tag
        return value.description
    }
}

/// The stand-in itself cannot go on; says what to change.
package struct StandInError: Error, CustomStringConvertible {
    package let message: String
    package var description: String { message }
}

extension MetaSimulator {
    /// Places a call of a WhatsApp user and reports when it has ended.
    ///
    /// Throws when the call's own values make no SIP.
    package func place(_ call: WhatsAppCall) async throws -> WhatsAppCallReport {
        guard SIPURI("sip:\(call.number)@\(call.hostname)") != nil, SIPURI("sip:\(call.user)@\(settings.domain)") != nil
        else { throw StandInError(message: "\(call.number) at \(call.hostname) makes no SIP URI") }
        return await withCheckedContinuation { continuation in
            loop.execute {
                UserCall(call, core: self.core.value) { continuation.resume(returning: $0) }.start()
            }
        }
    }
}
