import SIPCore

/// What is kept of transactions after their final response: enough to answer a repeated message and no more.
///
/// An INVITE that was answered lingers for 32 s (timer L), so at 600 calls/s some 20,000 of them are here: each is a key of
/// 16 octets, the machine's state, and the octets of the response where it may have to be sent again. A value without
/// clock or socket.
struct CompletedTransactions {
    /// 128 bits of keyed hash in place of the strings: nobody outside can make two keys meet.
    struct Key: Hashable {
        private let first: Int
        private let second: Int

        init(_ key: TransactionKey) {
            var hasher = Hasher()
            hasher.combine(key)
            first = hasher.finalize()
            hasher = Hasher()
            hasher.combine(1 as UInt8)
            hasher.combine(key)
            second = hasher.finalize()
        }
    }

    enum Machine {
        case invite(InviteServerTransaction)
        case other(NonInviteServerTransaction)
    }

    /// The machines' timers, of which each runs at most once.
    enum Timer: Hashable { case retransmit, timeout, linger }

    enum Effect {
        case send([UInt8], Flow)
        /// An ACK to a 2xx that came on its INVITE's own branch, as some send it.
        case acknowledged(Request, Flow)
    }

    struct Record {
        var machine: Machine
        let flow: Flow
        /// The final response; empty where it is never sent again.
        let answer: [UInt8]
        var retransmitAt: Instant?
        var timeoutAt: Instant?
        var lingerAt: Instant?

        func isDue(_ timer: Timer, at: Instant) -> Bool {
            switch timer {
            case .retransmit: retransmitAt == at
            case .timeout: timeoutAt == at
            case .linger: lingerAt == at
            }
        }

        mutating func set(_ timer: Timer, to at: Instant?) {
            switch timer {
            case .retransmit: retransmitAt = at
            case .timeout: timeoutAt = at
            case .linger: lingerAt = at
            }
        }
    }

    /// Not in the table itself, where each free place would be as large and growing would move them all.
    private final class Server {
        var record: Record

        init(_ record: Record) { self.record = record }
    }

    private struct Client {
        let flow: Flow
        /// The ACK of an INVITE that was refused, to be repeated with each repeated response; empty for other methods.
        let ack: [UInt8]
        let until: Instant
    }

    private enum Due {
        case server(Key, Timer)
        case client(Key)
    }

    private var servers: [Key: Server] = [:]
    private var clients: [Key: Client] = [:]
    private var deadlines = DeadlineHeap<Due>()
    /// Octets that the records hold, about.
    private(set) var octets = 0

    /// A record's own size in the table, about, apart from the response.
    static let overhead = 512

    var serverCount: Int { servers.count }
    var clientCount: Int { clients.count }
    /// When ``fire(now:)`` has something to do; it may turn out to be void.
    var nextDeadline: Instant? { deadlines.next }

    // MARK: Server transactions

    func holds(server key: TransactionKey) -> Bool { servers[Key(key)] != nil }

    /// The flow of the INVITE that a CANCEL means.
    func flow(server key: TransactionKey) -> Flow? { servers[Key(key)]?.record.flow }

    /// - Parameter timers: those that the machine armed with its final response.
    mutating func add(
        server key: TransactionKey, _ machine: Machine, flow: Flow, answer: [UInt8], timers: [(Timer, at: Instant)]
    ) {
        let key = Key(key)
        var record = Record(machine: machine, flow: flow, answer: answer)
        for (timer, at) in timers {
            record.set(timer, to: at)
            deadlines.insert(.server(key, timer), at: at)
        }
        remove(server: key)
        servers[key] = Server(record)
        octets += Self.overhead + answer.count
    }

    /// A request of the transaction again, or its ACK; nil when there is no such transaction.
    mutating func received(_ request: Request, _ key: TransactionKey, now: Instant) -> [Effect]? {
        guard !servers.isEmpty else { return nil }
        let key = Key(key)
        guard let server = servers[key] else { return nil }
        switch server.record.machine {
        case .invite(var machine):
            let actions = machine.handle(.received(request), now: now)
            return apply(actions, key, machine)
        case .other(var machine):
            let actions = machine.handle(.received(request), now: now)
            return apply(actions, key, machine)
        }
    }

    private mutating func apply(
        _ actions: [InviteServerTransaction.Action], _ key: Key, _ machine: InviteServerTransaction
    ) -> [Effect] {
        guard let server = servers[key] else { return [] }
        server.record.machine = .invite(machine)
        var effects: [Effect] = []
        for action in actions {
            switch action {
            case .send: effects.append(.send(server.record.answer, server.record.flow))
            case .deliver(let request):
                if request.method == .ack { effects.append(.acknowledged(request, server.record.flow)) }
            case .arm(let timer, let at):
                server.record.set(Timer(timer), to: at)
                deadlines.insert(.server(key, Timer(timer)), at: at)
            case .cancel(let timer): server.record.set(Timer(timer), to: nil)
            case .finish:
                remove(server: key)
                return effects
            }
        }
        return effects
    }

    private mutating func apply(
        _ actions: [NonInviteServerTransaction.Action], _ key: Key, _ machine: NonInviteServerTransaction
    ) -> [Effect] {
        guard let server = servers[key] else { return [] }
        var effects: [Effect] = []
        for action in actions {
            switch action {
            case .send: effects.append(.send(server.record.answer, server.record.flow))
            case .deliver, .arm, .cancel: break  // its one timer runs since it was added
            case .finish: remove(server: key)
            }
        }
        server.record.machine = .other(machine)
        return effects
    }

    private mutating func remove(server key: Key) {
        guard let server = servers.removeValue(forKey: key) else { return }
        octets -= Self.overhead + server.record.answer.count
    }

    // MARK: Client transactions

    mutating func add(client key: TransactionKey, flow: Flow, ack: [UInt8], until: Instant) {
        let key = Key(key)
        clients[key] = Client(flow: flow, ack: ack, until: until)
        deadlines.insert(.client(key), at: until)
    }

    /// A response again; nil when there is no such transaction, or it comes from elsewhere.
    func received(_ response: Response, _ key: TransactionKey, from flow: Flow) -> [Effect]? {
        guard !clients.isEmpty, let record = clients[Key(key)], record.flow.sameSource(as: flow) else { return nil }
        return record.ack.isEmpty || response.status < 300 ? [] : [.send(record.ack, record.flow)]
    }

    // MARK: Time

    /// What is due.
    mutating func fire(now: Instant) -> [Effect] {
        var effects: [Effect] = []
        while let due = deadlines.pop(now: now) {
            switch due.element {
            case .client(let key):
                if clients[key]?.until == due.at { clients[key] = nil }
            case .server(let key, let timer):
                guard servers[key]?.record.isDue(timer, at: due.at) == true else { continue }
                servers[key]?.record.set(timer, to: nil)
                effects += fire(timer, key, now: now)
            }
        }
        return effects
    }

    private mutating func fire(_ timer: Timer, _ key: Key, now: Instant) -> [Effect] {
        switch servers[key]?.record.machine {
        case .invite(var machine):
            let actions = machine.handle(.timerFired(timer.ofInvite), now: now)
            return apply(actions, key, machine)
        case .other(var machine):
            let actions = machine.handle(.timerFired(.linger), now: now)
            return apply(actions, key, machine)
        case nil:
            return []
        }
    }
}

extension CompletedTransactions.Timer {
    init(_ timer: InviteServerTransaction.TimerID) {
        self =
            switch timer {
            case .retransmit: .retransmit
            case .timeout: .timeout
            case .linger: .linger
            }
    }

    fileprivate var ofInvite: InviteServerTransaction.TimerID {
        switch self {
        case .retransmit: .retransmit
        case .timeout: .timeout
        case .linger: .linger
        }
    }
}

extension Flow {
    /// Answers come over the same connection, or by UDP from the same host.
    func sameSource(as other: Flow) -> Bool {
        guard transport == .udp else { return self == other }
        return other.transport == .udp && HostAddress(remote) == HostAddress(other.remote)
    }
}
