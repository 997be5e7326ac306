import Media
import NIOCore
import SIPCore

/// One call of a business to a WhatsApp user that has passed Meta's rules: rings, answers or not, and talks (meta-calling
/// §9, §12.2). On the simulator's loop.
final class BusinessCall: MetaCore.Call {
    private enum State {
        case ringing, answered, established, over
    }

    private let core: MetaCore
    private let incoming: Exchange.Incoming
    private let record: CallRecord
    private let algorithm: String
    private let announced: UInt32?
    private let behaviour: UserBehaviour
    private let tag: String
    private let forkTag: String
    private let recordRoutes: [String]
    private var state = State.ringing
    private var media: MetaMedia?
    private var dialog: MetaDialog?
    private var answer: Response?
    private var timers: [Scheduled<Void>] = []
    private var ending: Request?
    private var ackWasWrong = false
    private var forkACKs = 0
    private var forkBYEs = 0
    var onConnected: () -> Void = {}
    /// The two may call again.
    var onOver: () -> Void = {}
    var onReport: (BusinessCallReport) -> Void = { _ in }

    init(
        core: MetaCore, incoming: Exchange.Incoming, record: CallRecord, algorithm: String, announced: UInt32?,
        behaviour: UserBehaviour
    ) {
        self.core = core
        self.incoming = incoming
        self.record = record
        self.algorithm = algorithm
        self.announced = announced
        self.behaviour = behaviour
        tag = core.ids.next()
        forkTag = core.ids.next()
        // In the order of the sample, which a UAC reverses (meta-calling §7.3).
        recordRoutes = behaviour.recordRoutes.lines(domain: core.settings.domain).reversed()
    }

    private var request: Request { incoming.request }
    private var callID: String { request.headers.callID ?? "" }

    func start() {
        incoming.onCancel = { [weak self] in self?.cancelled($0) }
        guard !behaviour.faults.deaf else { return }
        core.add(self, callID: callID, tag: tag)
        send(core.messages.response(100, to: request, tag: nil))
        MetaMedia.open(core, recordSeconds: behaviour.recordSeconds, faults: behaviour.faults.media) { [self] result in
            guard state == .ringing else { return }
            switch result {
            case .success(let media):
                self.media = media
                ring()
            case .failure:
                refuse(503, "Service Unavailable")
            }
        }
    }

    private func send(_ response: Response) {
        record.sent(response)
        incoming.respond(response)
    }

    private func respond(_ status: Int, reason: String? = nil, headers: [HeaderField] = [], body: [UInt8] = []) {
        send(
            core.messages.response(
                status, reason: reason, to: request, tag: tag, recordRoutes: recordRoutes, headers: headers, body: body)
        )
    }

    private func after(_ delay: Duration, _ body: @escaping (BusinessCall) -> Void) {
        timers.append(
            core.loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { [weak self] in
                if let self { body(self) }
            })
    }

    // MARK: Ringing

    private func ring() {
        if behaviour.faults.earlyMedia, let body = description() {
            respond(183, headers: [contact], body: body.octets)
        } else if !behaviour.faults.answersWithoutRinging {
            respond(180, headers: [contact])
        }
        switch behaviour.act {
        case .answer(let delay): after(delay) { $0.pickUp() }
        case .reject(let status, let delay): after(delay) { $0.refuse(status, Self.reason(status)) }
        case .ring: break
        }
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 480: "User is unreachable or did not answer"
        case 486: "User declined the call"
        default: Response.defaultReason(status)
        }
    }

    private func refuse(_ status: Int, _ reason: String) {
        guard state == .ringing else { return }
        respond(status, reason: reason)
        finish(.refused(status: status, reason: reason))
    }

    private func cancelled(_ cancel: Request) {
        record.received(cancel)
        guard state == .ringing else { return }
        ending = cancel
        if behaviour.faults.answersCancelled { return pickUp() }
        respond(487)
        finish(.cancelled)
    }

    // MARK: The answer

    private var contact: HeaderField {
        HeaderField(name: .contact, value: "<\(contactURI)>;isfocus")
    }

    private var contactURI: String {
        behaviour.contact.uri(user: request.uri.user ?? "", domain: core.settings.domain, isCallee: true)
    }

    private func description() -> (octets: [UInt8], negotiated: NegotiatedAudio)? {
        guard let media,
            let (_, negotiated) = try? OfferAnswer.answerMeta(
                offer: request.body, contentType: request.headers.contentType, local: media.local),
            var crypto = negotiated.sendCrypto
        else { return nil }
        if behaviour.faults.wrongCryptoTag { crypto.tag += 7 }
        let octets = MetaMessages.description(
            local: media.local, audio: negotiated.audio.payloadType,
            // Meta uses 126 where the offer had no events (meta-calling §11.6).
            event: negotiated.event?.payloadType, crypto: crypto)
        return (octets, negotiated)
    }

    private func pickUp() {
        guard state == .ringing, let media else { return }
        guard let (octets, negotiated) = description() else {
            return refuse(403, "SDP validation failed")
        }
        state = .answered
        media.isAnswered = true
        do {
            try media.connect(negotiated, announced: announced)
        } catch {
            return finish(.neverAcknowledged)
        }
        var headers = [HeaderField(name: .supported, value: "timer"), contact]
        if let userID = behaviour.userID { headers.append(HeaderField(name: "x-wa-meta-user-id", value: userID)) }
        let answer = core.messages.response(
            200, to: request, tag: tag, recordRoutes: recordRoutes, headers: headers,
            body: behaviour.faults.answersWithoutSDP ? [] : octets)
        self.answer = answer
        makeDialog(media)
        send(answer)
        for _ in 0..<behaviour.faults.duplicateAnswers { send(answer) }
        if behaviour.faults.forks { fork(headers, octets) }
        repeatAnswer(interval: core.settings.timing.t1)
        after(core.settings.timing.timeout) { $0.ackIsMissing() }
    }

    private func makeDialog(_ media: MetaMedia) {
        let headers = request.headers
        let wire = headers.contact?.uri ?? request.uri
        let dialog = MetaDialog(
            core: core, record: record,
            identity: MetaDialog.Identity(
                callID: callID, from: "\(headers[first: .to] ?? "");tag=\(tag)", to: headers[first: .from] ?? "",
                target: wire, routes: [],
                recordRoutes: recordRoutes,
                whatsApp: behaviour.userID.map { [HeaderField(name: "x-wa-meta-user-id", value: $0)] } ?? [], cseq: 0),
            rules: RouteRules(
                target: contactURI,
                routes: Headers(recordRoutes.map { HeaderField(name: .route, value: $0) })
                    .elements(.route).reversed(),
                invite: (headers.cseq?.number ?? 0, headers.topVia?.branch ?? "")),
            faults: behaviour.faults, media: media, connection: incoming.connection,
            server: core.settings.businessServer, remoteCSeq: headers.cseq?.number ?? 0)
        dialog.onEnded = { [weak self] in self?.ended($0) }
        self.dialog = dialog
    }

    /// RFC 3261 §13.3.1.4: on TLS, too.
    private func repeatAnswer(interval: Duration) {
        after(interval) { call in
            guard call.state == .answered, let answer = call.answer else { return }
            call.send(answer)
            call.repeatAnswer(interval: min(interval * 2, call.core.settings.timing.t2))
        }
    }

    private func ackIsMissing() {
        guard state == .answered else { return }
        record.note(.ackMissing, ackWasWrong ? "it came by a wrong way" : "")
        dialog?.hangUp()
    }

    /// The 200 of another phone of the user, which must be acknowledged and hung up (RFC 3261 §13.2.2.4).
    private func fork(_ headers: [HeaderField], _ octets: [UInt8]) {
        core.add(self, callID: callID, tag: forkTag)
        send(
            core.messages.response(
                200, to: request, tag: forkTag, recordRoutes: recordRoutes, headers: headers, body: octets))
    }

    // MARK: MetaCore.Call

    func receivedACK(_ ack: Request, _ connection: MetaConnection) {
        if ack.headers.to?.tag == forkTag {
            forkACKs += 1
            return
        }
        guard let dialog, state == .answered || state == .established else { return }
        guard dialog.accepts(ack: ack) else {
            ackWasWrong = true
            return
        }
        guard state == .answered else { return }
        state = .established
        onConnected()
        dialog.up()
        media?.start(says: behaviour.says)
        if !behaviour.digits.isEmpty { after(.seconds(1)) { $0.media?.press($0.behaviour.digits) } }
        if let talk = behaviour.talk { after(talk) { $0.dialog?.hangUp() } }
    }

    func received(_ incoming: Exchange.Incoming) {
        if incoming.request.headers.to?.tag == forkTag {
            if incoming.request.method == .bye { forkBYEs += 1 }
            return incoming.respond(core.messages.response(200, to: incoming.request, tag: nil))
        }
        guard let dialog else {
            // Before the 200 only CANCEL ends a call that rings.
            core.note(Violation(.noDialog, incoming.request.method.rawValue))
            return incoming.respond(core.messages.response(481, to: incoming.request, tag: nil))
        }
        dialog.received(incoming)
    }

    func receivedStray(_ response: Response) {}

    private func ended(_ end: MetaDialog.End) {
        switch end {
        case .byUs: finish(state == .established ? .talked(endedByUser: true) : .neverAcknowledged)
        case .byBusiness(let bye):
            ending = bye
            if state == .answered { record.note(.ackMissing, "BYE before ACK") }
            finish(state == .established ? .talked(endedByUser: false) : .neverAcknowledged)
        case .silence(let silence): finish(.silent(afterMedia: silence == .stopped))
        }
    }

    private func finish(_ outcome: BusinessCallReport.Outcome) {
        guard state != .over else { return }
        state = .over
        for timer in timers { timer.cancel() }
        timers = []
        onOver()
        media?.close()
        let summary = media?.summary ?? MediaSummary()
        summary.violations.forEach(record.note)
        media = nil
        // What belongs to the fork may still come.
        let linger = behaviour.faults.forks ? core.settings.timing.timeout : .zero
        core.loop.assumeIsolated().scheduleTask(in: TimeAmount(linger)) { [self] in
            core.remove(callID: callID, tag: tag)
            core.remove(callID: callID, tag: forkTag)
            var report = BusinessCallReport(
                outcome: outcome, invite: request, algorithm: algorithm, ending: ending, violations: record.violations,
                statistics: summary.statistics, media: summary.figures, digitsHeard: summary.digits,
                firstMedia: summary.firstMedia, ladder: record.ladder, forkACKs: forkACKs, forkBYEs: forkBYEs)
            if let recording = summary.recording {
                report.heard = try? RecordingDecoder().decode(recording, payloadType: payloadType(recording))
            }
            onReport(report)
        }
    }

    /// Meta took the offer's number for Opus.
    private func payloadType(_ recording: PacketRecording) -> UInt8 {
        recording.count > 0 ? recording[0].payloadType : 111
    }
}
