import Testing

@testable import SIPCore

/// Two endpoints joined by a wire that delays, loses, repeats and reorders datagrams, on virtual time and from a seed.
///
/// Every message crosses as octets, so what one side writes is read by the parser on the other.
final class WirePair {
    struct Wire: Sendable {
        var loss = 0.0
        var duplication = 0.0
        var latency: ClosedRange<Int> = 20...20  // milliseconds; a range reorders
        var reliable = false
    }

    private struct Entry {
        var at: Instant
        var order: Int
        var action: () -> Void
    }

    var wire: Wire
    private var random: SeededGenerator
    private var entries: [Int: Entry] = [:]
    private var order = 0
    private(set) var now = Instant(.zero)
    private(set) var sent = 0
    private(set) var unreadable = 0
    private(set) var caller: Endpoint
    private(set) var callee: Endpoint

    init(_ wire: Wire, seed: UInt64) {
        self.wire = wire
        random = SeededGenerator(seed: seed)
        caller = Endpoint(name: "caller", address: "192.0.2.10", transport: wire.reliable ? "TLS" : "UDP")
        callee = Endpoint(name: "callee", address: "192.0.2.20", transport: wire.reliable ? "TLS" : "UDP")
        caller.pair = self
        callee.pair = self
    }

    func after(_ delay: Duration, _ action: @escaping () -> Void) -> Int {
        at(now.advanced(by: delay), action)
    }

    func at(_ instant: Instant, _ action: @escaping () -> Void) -> Int {
        order += 1
        entries[order] = Entry(at: instant, order: order, action: action)
        return order
    }

    func cancel(_ id: Int) { entries[id] = nil }

    func transmit(_ octets: [UInt8], from sender: Endpoint) {
        sent += 1
        let receiver = sender === caller ? callee : caller
        for copy in 0...1 {
            if copy == 1, Double.random(in: 0..<1, using: &random) >= wire.duplication { break }
            if Double.random(in: 0..<1, using: &random) < wire.loss { continue }
            let delay = Int.random(in: wire.latency, using: &random)
            _ = after(.milliseconds(delay)) { [unowned self] in
                guard let message = try? Message(octets) else {
                    unreadable += 1
                    return
                }
                receiver.receive(message)
            }
        }
    }

    /// Until nothing is left to happen.
    func runToIdle(sourceLocation: SourceLocation = #_sourceLocation) {
        var steps = 0
        while let next = entries.values.min(by: { ($0.at, $0.order) < ($1.at, $1.order) }) {
            entries[next.order] = nil
            now = next.at
            next.action()
            steps += 1
            if steps > 20_000 {
                Issue.record("never comes to rest", sourceLocation: sourceLocation)
                return
            }
        }
    }
}

/// A user agent made of the machines alone, as small as a driver can be: one call, either way.
final class Endpoint {
    let name: String
    var party: LocalParty
    var reoffers = ReofferPolicy.refuse
    var timer = SessionTimer.Preference()
    private let ids: IDSource
    /// Set by the pair's initialiser, before anything can happen; the pair outlives its endpoints' use.
    unowned var pair: WirePair!

    private var inviteClients: [TransactionKey: InviteClientTransaction] = [:]
    private var clients: [TransactionKey: NonInviteClientTransaction] = [:]
    private var inviteServers: [TransactionKey: InviteServerTransaction] = [:]
    private var servers: [TransactionKey: NonInviteServerTransaction] = [:]
    private var timers: [AnyHashable: Int] = [:]
    var uas: UASInvite?
    var uac: UACInvite?

    /// What the sessions reported, in order.
    var reports: [String] = [] {
        didSet { if let last = reports.last { onReport?(last) } }
    }
    var onReport: ((String) -> Void)?
    /// First lines of the NOTIFYs that came in.
    var notices: [String] = []
    var delivered: [Method: Int] = [:]
    var outcomes: [String] = []
    /// What the callee's user does with an INVITE; nil answers nothing.
    var onInvite: ((Endpoint) -> Void)?
    /// The final answer to requests outside a dialog.
    var standalone: ((Request) -> Response)?

    init(name: String, address: String, transport: String) {
        self.name = name
        party = LocalParty(
            contact: "<sip:\(name)@\(address):5060;transport=\(transport.lowercased())>", viaSentBy: "\(address):5060",
            transport: transport, userAgent: "")
        ids = countingIDs(name)
    }

    var isAtRest: Bool {
        inviteClients.isEmpty && clients.isEmpty && inviteServers.isEmpty && servers.isEmpty && timers.isEmpty
    }

    // MARK: The user

    func call(_ callee: Endpoint, body: [UInt8], headers: [HeaderField] = []) {
        let invite = Request(
            method: .invite, uri: SIPURI(user: callee.name, host: "192.0.2.20", port: 5060),
            headers: Headers(
                [
                    HeaderField(.from, "<sip:\(name)@example.com>;tag=\(ids.next())"),
                    HeaderField(.to, "<sip:\(callee.name)@example.com>"),
                    HeaderField(.callID, "\(ids.next())@example.com"),
                ] + headers), body: body)
        uac = UACInvite(invite: invite, party: party, ids: ids, reoffers: reoffers, timer: timer)
        drive(.start)
    }

    /// Asks the other side to transfer the call, from the side that was called. Its own machine never does, so the
    /// number is far above the machine's own.
    func refer(to target: String) {
        guard var dialog = uas?.dialog else { return }
        var refer = dialog.request(
            .refer, branch: "z9hG4bKrefer", party: party, headers: [HeaderField(.referTo, "<\(target)>")])
        refer.headers.set(.cseq, "5000 REFER")
        start(refer)
    }

    func drive(_ event: UACInvite.Event) {
        guard let actions = uac?.handle(event, now: pair.now) else { return }
        for action in actions {
            switch action {
            case .send(let request): start(request)
            case .sendACK(let request): pair.transmit(request.encoded(), from: self)
            case .respondTo(let request, let response): respond(to: request, response)
            case .arm(let timer, let at): arm(["uac", timer], at) { $0.drive(UACInvite.Event.timerFired(timer)) }
            case .cancel(let timer): cancel(["uac", timer])
            case .finish: reports.append("finish")
            case .report:
                if case .visible(let line) = UACInvite.effect(action) { reports.append(line) }
            }
        }
    }

    func drive(_ event: UASInvite.Event) {
        guard let invite = uas?.invite, let actions = uas?.handle(event, now: pair.now) else { return }
        for action in actions {
            switch action {
            case .respond(let response), .retransmit(let response): respond(to: invite, response)
            case .respondTo(let request, let response): respond(to: request, response)
            case .send(let request): start(request)
            case .sendACK(let request): pair.transmit(request.encoded(), from: self)
            case .arm(let timer, let at): arm(["uas", timer], at) { $0.drive(UASInvite.Event.timerFired(timer)) }
            case .cancel(let timer): cancel(["uas", timer])
            case .finish: reports.append("finish")
            case .report:
                if case .visible(let line) = UASInvite.effect(action) { reports.append(line) }
            }
        }
    }

    // MARK: Transactions

    func start(_ request: Request) {
        guard let key = TransactionKey(client: request) else {
            Issue.record("no branch")
            return
        }
        if request.method == .invite {
            inviteClients[key] = InviteClientTransaction(request: request, reliable: pair.wire.reliable)
            feed(key, InviteClientTransaction.Event.start)
        } else {
            clients[key] = NonInviteClientTransaction(request: request, reliable: pair.wire.reliable)
            feed(key, NonInviteClientTransaction.Event.start)
        }
    }

    private func respond(to request: Request, _ response: Response) {
        guard let key = TransactionKey(server: request) else { return }
        if request.method == .invite {
            feed(key, InviteServerTransaction.Event.respond(response))
        } else {
            feed(key, NonInviteServerTransaction.Event.respond(response))
        }
    }

    /// The final response to a request inside the dialog, BYE apart.
    private func finished(_ response: Response) {
        drive(.responded(response))
    }

    private func failed(_ request: Request) {
        if let cseq = request.headers.cseq { drive(.requestFailed(cseq, .timedOut)) }
    }

    func drive(_ event: InDialogEvent) {
        uac == nil ? drive(UASInvite.Event.inDialog(event)) : drive(UACInvite.Event.inDialog(event))
    }

    private func feed(_ key: TransactionKey, _ event: InviteClientTransaction.Event) {
        guard let request = inviteClients[key]?.request, let actions = inviteClients[key]?.handle(event, now: pair.now)
        else { return }
        let inDialog = request.headers.to?.tag != nil
        for action in actions {
            switch action {
            case .send(let request): pair.transmit(request.encoded(), from: self)
            case .deliver(let response):
                if inDialog { finished(response) } else { drive(UACInvite.Event.received(response)) }
            case .arm(let timer, let at):
                arm([key, timer, "ic"], at) { $0.feed(key, InviteClientTransaction.Event.timerFired(timer)) }
            case .cancel(let timer): cancel([key, timer, "ic"])
            case .finish(let outcome):
                inviteClients[key] = nil
                guard outcome == .timedOut else { continue }
                if inDialog { failed(request) } else { drive(UACInvite.Event.failed(.timedOut)) }
            }
        }
    }

    private func feed(_ key: TransactionKey, _ event: NonInviteClientTransaction.Event) {
        guard let request = clients[key]?.request, let actions = clients[key]?.handle(event, now: pair.now) else {
            return
        }
        func finished(_ response: Response?) {
            let status = response?.status
            outcomes.append("\(request.method) \(status.map(String.init) ?? "none")")
            guard request.method == .bye else {
                if request.method != .cancel { response.map { self.finished($0) } ?? failed(request) }
                return
            }
            uac == nil ? drive(UASInvite.Event.byeFinished(status: status)) : drive(UACInvite.Event.byeFinished(status))
        }
        for action in actions {
            switch action {
            case .send(let request): pair.transmit(request.encoded(), from: self)
            case .deliver(let response): if response.isFinal { finished(response) }
            case .arm(let timer, let at):
                arm([key, timer, "nc"], at) { $0.feed(key, NonInviteClientTransaction.Event.timerFired(timer)) }
            case .cancel(let timer): cancel([key, timer, "nc"])
            case .finish(let outcome):
                clients[key] = nil
                if outcome != .completed { finished(nil) }
            }
        }
    }

    private func feed(_ key: TransactionKey, _ event: InviteServerTransaction.Event) {
        guard let actions = inviteServers[key]?.handle(event, now: pair.now) else { return }
        for action in actions {
            switch action {
            case .send(let response): pair.transmit(response.encoded(), from: self)
            case .deliver(let request): deliver(request)
            case .arm(let timer, let at):
                arm([key, timer, "is"], at) { $0.feed(key, InviteServerTransaction.Event.timerFired(timer)) }
            case .cancel(let timer): cancel([key, timer, "is"])
            case .finish: inviteServers[key] = nil
            }
        }
    }

    private func feed(_ key: TransactionKey, _ event: NonInviteServerTransaction.Event) {
        guard let actions = servers[key]?.handle(event, now: pair.now) else { return }
        for action in actions {
            switch action {
            case .send(let response): pair.transmit(response.encoded(), from: self)
            case .deliver(let request): deliver(request)
            case .arm(let timer, let at):
                arm([key, timer, "ns"], at) { $0.feed(key, NonInviteServerTransaction.Event.timerFired(timer)) }
            case .cancel(let timer): cancel([key, timer, "ns"])
            case .finish: servers[key] = nil
            }
        }
    }

    // MARK: Messages

    func receive(_ message: Message) {
        switch message {
        case .response(let response):
            guard let key = TransactionKey(client: response) else { return }
            if inviteClients[key] != nil {
                feed(key, InviteClientTransaction.Event.received(response))
            } else if response.headers.cseq?.method == .invite {
                // Its transaction is over: the session repeats the ACK.
                guard response.isSuccess else { return }
                uac == nil ? finished(response) : drive(UACInvite.Event.received(response))
            } else {
                feed(key, NonInviteClientTransaction.Event.received(response))
            }
        case .request(let request):
            guard let key = TransactionKey(server: request) else { return }
            if inviteServers[key] != nil {
                feed(key, InviteServerTransaction.Event.received(request))
            } else if servers[key] != nil {
                feed(key, NonInviteServerTransaction.Event.received(request))
            } else if request.method == .ack {
                deliver(request)
            } else if request.method == .invite {
                inviteServers[key] = InviteServerTransaction(request: request, reliable: pair.wire.reliable)
                feed(key, InviteServerTransaction.Event.start)
            } else {
                servers[key] = NonInviteServerTransaction(request: request, reliable: pair.wire.reliable)
                feed(key, NonInviteServerTransaction.Event.start)
            }
        }
    }

    private func deliver(_ request: Request) {
        delivered[request.method, default: 0] += 1
        if request.method == .cancel, let key = TransactionKey.invite(forCancel: request) {
            let known = inviteServers[key] != nil
            respond(to: request, request.response(known ? 200 : 481))
            if known { drive(UASInvite.Event.cancelled(request)) }
        } else if request.headers.to?.tag == nil, request.method == .invite {
            // A late copy of an INVITE whose transaction is over is not a new call to this callee (RFC 3261 §8.2.2.2).
            guard uas == nil else { return respond(to: request, request.response(482, toTag: ids.next())) }
            uas = UASInvite(
                invite: request, localTag: ids.next(), party: party, ids: ids, reoffers: reoffers, timer: timer)
            onInvite?(self)
        } else if request.method == .notify {
            notices.append(String(request.body.text.prefix { !$0.isNewline }))
            respond(to: request, request.response(200))
        } else if uas != nil {
            drive(UASInvite.Event.received(request))
        } else if uac != nil {
            drive(UACInvite.Event.request(request))
        } else if let standalone {
            respond(to: request, standalone(request))
        }
    }

    // MARK: Timers

    private func arm(_ id: [AnyHashable], _ at: Instant, _ action: @escaping (Endpoint) -> Void) {
        cancel(id)
        timers[AnyHashable(id)] = pair.at(at) { [unowned self] in
            timers[AnyHashable(id)] = nil
            action(self)
        }
    }

    private func cancel(_ id: [AnyHashable]) {
        if let entry = timers.removeValue(forKey: AnyHashable(id)) { pair.cancel(entry) }
    }
}
