import SIPCore

/// Whether one peer is fit for calls, by OPTIONS from time to time and by what becomes of calls to it.
///
/// ```
///           success                failures in a row, or 503 with Retry-After
///  unknown ─────────▶  up  ────────────────────────────────────────────▶  down
///     │                 ▲ ◀──────────── successes in a row ──────────────  ▲
///     └───────────────────────────── failures in a row ────────────────────┘
/// ```
///
/// Any final answer but 408 and 503 is a sign of life: a PBX that answers 404 or 401 to OPTIONS takes calls. What was
/// seen once is looked at again soon (`Policy.recheck`), so a state changes within seconds and steady peers are seldom
/// asked. Without OPTIONS (`Policy.isEnabled` false) failed calls change nothing, as nothing could take it back; only a
/// Retry-After is honoured, until it is over.
struct Qualify: Sendable {
    enum State: String, Sendable, Hashable { case unknown, up, down }

    struct Policy: Sendable, Hashable {
        var isEnabled = true
        /// Between two OPTIONS to a peer whose state is settled; a tenth more or less.
        var interval: Duration = .seconds(30)
        /// How long an answer may take.
        var timeout: Duration = .seconds(4)
        /// To the next OPTIONS after one that speaks against the present state.
        var recheck: Duration = .seconds(2)
        /// In a row until the peer is down.
        var failures = 2
        /// In a row until it is up again.
        var successes = 2
    }

    enum Event: Hashable, Sendable {
        case start
        /// The final answer to the OPTIONS of this number.
        case answered(UInt64, status: Int, retryAfter: Duration?)
        /// That OPTIONS could not be sent, or nothing came back.
        case failed(UInt64)
        /// A call went to another peer instead: network error, nothing heard, 408 or 5xx.
        case callFailed(retryAfter: Duration?)
        /// The peer answered an INVITE with something else.
        case callReached
        case timerFired(TimerID)
    }

    enum TimerID: Hashable, Sendable { case next, timeout, hold }

    enum Action: Hashable, Sendable {
        /// Send OPTIONS; the number comes back with its outcome.
        case probe(UInt64)
        case arm(TimerID, at: Instant)
        case cancel(TimerID)
        case changed(State)
    }

    private enum Health: Hashable, Sendable {
        /// Events in a row that speak against the state.
        case unknown(failures: Int)
        case up(failures: Int)
        case down(successes: Int)
    }

    private enum Phase: Hashable, Sendable {
        case idle
        /// For the next OPTIONS at this instant.
        case waiting(Instant)
        /// For the answer to the OPTIONS of this number.
        case probing(UInt64)
    }

    /// Longest Retry-After that is taken at its word.
    static let longestHold = Duration.seconds(300)

    private let policy: Policy
    private var health = Health.unknown(failures: 0)
    private var phase = Phase.idle
    private var heldUntil: Instant?
    private var probes: UInt64 = 0
    private var random: UInt64

    /// - Parameter seed: random, so that peers and machines do not ask in step.
    init(policy: Policy = Policy(), seed: UInt64) {
        self.policy = policy
        random = seed
    }

    var state: State {
        switch health {
        case .unknown: .unknown
        case .up: .up
        case .down: .down
        }
    }

    mutating func handle(_ event: Event, now: Instant) -> [Action] {
        if let heldUntil, heldUntil <= now { self.heldUntil = nil }
        switch (phase, event) {
        case (.idle, .start):
            return policy.isEnabled ? probe(now) : []

        case (.waiting, .timerFired(.next)):
            return probe(now)

        case (.probing(let number), .answered(let probe, let status, let retryAfter)) where probe == number:
            let verdict = status == 408 || status == 503 ? fail(retryAfter, now) : succeed()
            return [.cancel(.timeout)] + verdict + wait(now)
        case (.probing(let number), .failed(let probe)) where probe == number:
            return [.cancel(.timeout)] + fail(nil, now) + wait(now)
        case (.probing, .timerFired(.timeout)):
            return fail(nil, now) + wait(now)

        case (.waiting(let planned), .callFailed(let retryAfter)):
            return fail(retryAfter, now) + bringForward(planned, now)
        case (.waiting(let planned), .callReached):
            return heldUntil == nil ? succeed() + bringForward(planned, now) : []
        case (.probing, .callFailed(let retryAfter)):
            return fail(retryAfter, now)
        case (.probing, .callReached):
            return heldUntil == nil ? succeed() : []

        case (.idle, .callFailed(let retryAfter?)):
            return fail(retryAfter, now) + [.arm(.hold, at: heldUntil ?? now)]
        case (.idle, .timerFired(.hold)):
            guard health == .down(successes: 0) else { return [] }
            health = .unknown(failures: 0)
            return [.changed(.unknown)]

        case (.idle, _), (.waiting, _), (.probing, _):
            return []  // an answer to an OPTIONS that was given up, or a timer that was too late to cancel
        }
    }

    // MARK: Steps

    private mutating func probe(_ now: Instant) -> [Action] {
        probes &+= 1
        phase = .probing(probes)
        return [.probe(probes), .arm(.timeout, at: now.advanced(by: policy.timeout))]
    }

    private mutating func wait(_ now: Instant) -> [Action] {
        let next = heldUntil ?? now.advanced(by: isInDoubt ? policy.recheck : jittered(policy.interval))
        phase = .waiting(next)
        return [.arm(.next, at: next)]
    }

    /// What calls tell is checked at once, not at the end of a long interval.
    private mutating func bringForward(_ planned: Instant, _ now: Instant) -> [Action] {
        guard heldUntil != nil || isInDoubt else { return [] }
        let next = heldUntil ?? min(planned, now.advanced(by: policy.recheck))
        guard next != planned else { return [] }
        phase = .waiting(next)
        return [.arm(.next, at: next)]
    }

    private var isInDoubt: Bool {
        switch health {
        case .unknown(let count), .up(let count), .down(let count): count > 0
        }
    }

    private mutating func succeed() -> [Action] {
        switch health {
        case .down(let successes) where successes + 1 < policy.successes:
            health = .down(successes: successes + 1)
            return []
        case .up:
            health = .up(failures: 0)
            return []
        case .down, .unknown:
            health = .up(failures: 0)
            return [.changed(.up)]
        }
    }

    private mutating func fail(_ retryAfter: Duration?, _ now: Instant) -> [Action] {
        if let retryAfter {
            heldUntil = now.advanced(by: min(max(retryAfter, .seconds(1)), Qualify.longestHold))
        }
        let isFinal = retryAfter != nil
        switch health {
        case .unknown(let failures) where !isFinal && failures + 1 < policy.failures:
            health = .unknown(failures: failures + 1)
            return []
        case .up(let failures) where !isFinal && failures + 1 < policy.failures:
            health = .up(failures: failures + 1)
            return []
        case .down:
            health = .down(successes: 0)
            return []
        case .unknown, .up:
            health = .down(successes: 0)
            return [.changed(.down)]
        }
    }

    /// Between nine and eleven tenths.
    private mutating func jittered(_ interval: Duration) -> Duration {
        random = WeightedOrder.mixed(random)
        return interval * Int(900 + random % 201) / 1_000
    }
}
