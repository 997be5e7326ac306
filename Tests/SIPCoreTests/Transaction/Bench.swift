import SIPCore
import Testing

/// What the four transactions and the two sessions have in common, for the tests.
protocol Machine: Sendable {
    associatedtype Event
    associatedtype Action
    associatedtype TimerID: Hashable & Sendable

    mutating func handle(_ event: Event, now: Instant) -> [Action]
    static func effect(_ action: Action) -> Effect<TimerID>
    static func fired(_ timer: TimerID) -> Event
}

enum Effect<TimerID: Hashable & Sendable> {
    case visible(String)
    case arm(TimerID, Instant)
    case cancel(TimerID)
    case finish(String)
}

/// Runs one machine on virtual time. Effects come back as lines such as `500ms send INVITE`.
///
/// It also holds every machine to good manners: only armed timers are cancelled, and nothing stays armed at the end.
struct Bench<M: Machine> {
    var machine: M
    private(set) var now = Instant(.zero)
    private(set) var timers: [M.TimerID: Instant] = [:]
    private(set) var finished = false

    init(_ machine: M) { self.machine = machine }

    /// One event now; the effects without their time.
    mutating func feed(_ event: M.Event, sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
        var lines: [String] = []
        for action in machine.handle(event, now: now) {
            switch M.effect(action) {
            case .visible(let line): lines.append(line)
            case .arm(let timer, let at):
                #expect(at > now, "a timer in the past", sourceLocation: sourceLocation)
                timers[timer] = at
            case .cancel(let timer):
                #expect(timers[timer] != nil, "\(timer) is not armed", sourceLocation: sourceLocation)
                timers[timer] = nil
            case .finish(let line):
                #expect(!finished, "finished twice", sourceLocation: sourceLocation)
                #expect(timers.isEmpty, "\(timers.keys) outlive the machine", sourceLocation: sourceLocation)
                finished = true
                lines.append(line)
            }
        }
        return lines
    }

    /// Lets time pass; every effect with the moment it came.
    mutating func run(to end: Duration, sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
        var lines: [String] = []
        while let (timer, at) = timers.min(by: { $0.value < $1.value }), at <= Instant(end) {
            now = at
            timers[timer] = nil
            lines += feed(M.fired(timer), sourceLocation: sourceLocation).map { "\(milliseconds(at)) \($0)" }
        }
        now = Instant(end)
        return lines
    }

    /// Lets everything come to rest.
    mutating func runToIdle(sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
        run(to: .seconds(3_600), sourceLocation: sourceLocation)
    }
}

func milliseconds(_ instant: Instant) -> String {
    let (seconds, attoseconds) = instant.sinceOrigin.components
    return "\(seconds * 1_000 + attoseconds / 1_000_000_000_000_000)ms"
}

func line(_ request: Request) -> String { "\(request.method) \(request.headers.cseq?.number ?? 0)" }

extension InviteClientTransaction: Machine {
    static func fired(_ timer: TimerID) -> Event { .timerFired(timer) }
    static func effect(_ action: Action) -> Effect<TimerID> {
        switch action {
        case .send(let request): .visible("send \(request.method)")
        case .deliver(let response): .visible("deliver \(response.status)")
        case .arm(let timer, let at): .arm(timer, at)
        case .cancel(let timer): .cancel(timer)
        case .finish(let outcome): .finish("finish \(outcome)")
        }
    }
}

extension NonInviteClientTransaction: Machine {
    static func fired(_ timer: TimerID) -> Event { .timerFired(timer) }
    static func effect(_ action: Action) -> Effect<TimerID> {
        switch action {
        case .send(let request): .visible("send \(request.method)")
        case .deliver(let response): .visible("deliver \(response.status)")
        case .arm(let timer, let at): .arm(timer, at)
        case .cancel(let timer): .cancel(timer)
        case .finish(let outcome): .finish("finish \(outcome)")
        }
    }
}

extension InviteServerTransaction: Machine {
    static func fired(_ timer: TimerID) -> Event { .timerFired(timer) }
    static func effect(_ action: Action) -> Effect<TimerID> {
        switch action {
        case .send(let response): .visible("send \(response.status)")
        case .deliver(let request): .visible("deliver \(request.method)")
        case .arm(let timer, let at): .arm(timer, at)
        case .cancel(let timer): .cancel(timer)
        case .finish(let outcome): .finish("finish \(outcome)")
        }
    }
}

extension NonInviteServerTransaction: Machine {
    static func fired(_ timer: TimerID) -> Event { .timerFired(timer) }
    static func effect(_ action: Action) -> Effect<TimerID> {
        switch action {
        case .send(let response): .visible("send \(response.status)")
        case .deliver(let request): .visible("deliver \(request.method)")
        case .arm(let timer, let at): .arm(timer, at)
        case .cancel(let timer): .cancel(timer)
        case .finish(let outcome): .finish("finish \(outcome)")
        }
    }
}

/// Requests for the tests of machines.
enum Requests {
    static func make(
        _ method: Method, branch: String = "z9hG4bK-1", number: UInt32 = 1, toTag: String? = nil,
        fromTag: String = "a", headers: [HeaderField] = [], body: [UInt8] = []
    ) -> Request {
        var fields: Headers = [
            HeaderField(.via, "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=\(branch)"),
            HeaderField(.maxForwards, "70"),
            HeaderField(.from, "<sip:a@example.com>;tag=\(fromTag)"),
            HeaderField(.to, "<sip:b@example.net>" + (toTag.map { ";tag=\($0)" } ?? "")),
            HeaderField(.callID, "call@example.com"),
            HeaderField(.cseq, "\(number) \(method)"),
            HeaderField(.contact, "<sip:a@192.0.2.1:5060>"),
        ]
        for field in headers { fields.append(field) }
        return Request(
            method: method, uri: SIPURI(user: "b", host: "example.net"), headers: fields, body: body)
    }
}
