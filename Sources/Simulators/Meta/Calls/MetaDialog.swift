import NIOCore
import SIPCore
import SIPEdge

/// A call that is up, of either direction: in-dialog requests of the business, BYE from both ends, the media's watchdog,
/// and the faults that happen in mid-call. On the simulator's loop.
final class MetaDialog {
    enum End {
        case byUs
        case byBusiness(Request)
        case silence(MediaRules.Silence)
    }

    /// What our requests of the dialog look like.
    struct Identity {
        var callID: String
        /// From with our tag, To with theirs.
        var from: String
        var to: String
        /// The business's Contact.
        var target: SIPURI
        /// Record-Route values that the business added on its own.
        var routes: [String]
        /// Meta puts them even into a BYE (meta-calling §12.1 (8a)).
        var recordRoutes: [String]
        /// `x-wa-meta-…`, without the duration.
        var whatsApp: [HeaderField]
        var cseq: UInt32
    }

    private let core: MetaCore
    private let record: CallRecord
    private var identity: Identity
    private let rules: RouteRules
    private let faults: CallFaults
    private let media: MetaMedia?
    private(set) var connection: MetaConnection
    /// Where a new connection goes.
    private let server: Target?
    private var remoteCSeq: UInt32
    private var upAt: NIODeadline?
    private var isEnding = false
    private var end: End?
    private var timers: [Scheduled<Void>] = []
    /// Once, when our BYE is answered or theirs has come.
    var onEnded: (End) -> Void = { _ in }

    init(
        core: MetaCore, record: CallRecord, identity: Identity, rules: RouteRules, faults: CallFaults,
        media: MetaMedia?,
        connection: MetaConnection, server: Target?, remoteCSeq: UInt32
    ) {
        self.core = core
        self.record = record
        self.identity = identity
        self.rules = rules
        self.faults = faults
        self.media = media
        self.connection = connection
        self.server = server
        self.remoteCSeq = remoteCSeq
        media?.onSilence = { [weak self] silence in
            self?.hangUp(.silence(silence))
        }
    }

    /// The ACK has gone or come.
    func up() {
        guard upAt == nil else { return }
        upAt = core.loop.now
        if let delay = faults.resetsAfter { after(delay) { $0.connection.reset() } }
        if let delay = faults.closesAfter { after(delay) { $0.connection.close() } }
    }

    private func after(_ delay: Duration, _ body: @escaping (MetaDialog) -> Void) {
        timers.append(
            core.loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { [weak self] in
                if let self { body(self) }
            })
    }

    // MARK: Requests of the business

    /// Whether an ACK reaches us; one with a wrong way or number never arrives (meta-calling §7.3).
    func accepts(ack: Request) -> Bool {
        record.received(ack)
        let found = rules.violations(ack) + rules.violations(ack: ack)
        found.forEach(record.note)
        return found.isEmpty
    }

    func received(_ incoming: Exchange.Incoming) {
        let request = incoming.request
        record.received(request)
        if let wrong = wrong(request) {
            record.note(wrong.violation)
            return respond(wrong.status, incoming)
        }
        respond(200, incoming)
        finish(.byBusiness(request))
    }

    private func wrong(_ request: Request) -> (status: Int, violation: Violation)? {
        let way = rules.violations(request)
        way.dropFirst().forEach(record.note)
        if let first = way.first { return (404, first) }
        let number = request.headers.cseq?.number ?? 0
        guard number > remoteCSeq else { return (500, Violation(.inDialogCSeq, "\(number) after \(remoteCSeq)")) }
        remoteCSeq = number
        return RouteRules.refusal(request)
    }

    private func respond(_ status: Int, _ incoming: Exchange.Incoming) {
        let response = core.messages.response(status, to: incoming.request, tag: nil)
        record.sent(response)
        incoming.respond(response)
    }

    // MARK: Our BYE

    func hangUp(_ cause: End = .byUs) {
        guard !isEnding else { return }
        isEnding = true
        end = cause
        var headers: [HeaderField] = []
        if case .silence = cause {
            // meta-calling §10.1 (408) and §10.3.
            headers.append(
                HeaderField(
                    name: .reason, value: "SIP;cause=408;text=\"RTP timeout: media was not received for a long time\""))
        }
        if let upAt {
            let seconds = (core.loop.now - upAt).nanoseconds / 1_000_000_000
            headers.append(HeaderField(name: "x-wa-meta-call-duration", value: "\(seconds)"))
        }
        let bye = request(.bye, headers)
        let fresh = faults.byeOverNewConnection || faults.byeFrom != nil
        withConnection(fresh: fresh) { [weak self] connection in
            guard let self else { return }
            guard let connection else {
                self.record.note(.byeUnanswered, "no connection")
                return self.finish(cause)
            }
            self.record.sent(bye)
            self.core.exchange.send(bye, on: connection) { outcome in
                switch outcome {
                case .response(let response, _):
                    guard response.isFinal else { return }
                    self.record.received(response)
                    if !response.isSuccess { self.record.note(.byeUnanswered, "\(response.status)") }
                case .lost:
                    self.record.note(.byeUnanswered)
                }
                self.finish(cause)
            }
        }
    }

    /// A request of ours in the dialog; Route lines only for proxies of the business.
    func request(_ method: Method, _ extra: [HeaderField] = [], cseq: UInt32? = nil, to: String? = nil) -> Request {
        if cseq == nil { identity.cseq += 1 }
        var headers = Headers()
        headers.append(.via, core.messages.via(branch: MetaMessages.branch(core.ids)))
        if method == .bye { for line in identity.recordRoutes { headers.append(.recordRoute, line) } }
        for route in identity.routes { headers.append(.route, route) }
        headers.append(.maxForwards, "69")
        headers.append(.from, identity.from)
        headers.append(.to, to ?? identity.to)
        headers.append(.callID, identity.callID)
        headers.append(.cseq, CSeq(number: cseq ?? identity.cseq, method: method).description)
        if method == .bye {
            for field in identity.whatsApp { headers.append(field) }
            headers.append("X-FB-External-Domain", core.settings.domain)
            headers.append(.allow, MetaMessages.allow)
            headers.append(.userAgent, MetaMessages.userAgent)
        }
        for field in extra { headers.append(field) }
        return Request(method: method, uri: identity.target, headers: headers)
    }

    private func withConnection(fresh: Bool, _ body: @escaping (MetaConnection?) -> Void) {
        if !fresh, connection.isOpen { return body(connection) }
        guard let server else { return body(nil) }
        core.transport.connect(to: server, fresh: fresh, source: faults.byeFrom) { [weak self] result in
            switch result {
            case .success(let connection):
                self?.connection = connection
                body(connection)
            case .failure(let error):
                if let violation = MetaCore.certificateViolation(error) { self?.record.note(violation) }
                body(nil)
            }
        }
    }

    private func finish(_ cause: End) {
        isEnding = true
        for timer in timers { timer.cancel() }
        timers = []
        let onEnded = onEnded
        self.onEnded = { _ in }
        // Both may hang up at the same time: what was decided first stays.
        onEnded(end ?? cause)
    }
}
