import Logging
import NIOCore
import SIPCore

/// Asks one peer with OPTIONS whether it is there, as its ``Qualify`` says, and keeps what it found.
///
/// Runs on the signalling loop.
final class PeerMonitor {
    private let peer: Peer
    private let driver: TransactionDriver
    private let ids: IDSource
    private let logger: Logger
    private let timers: Timers<Qualify.TimerID>
    private var machine: Qualify
    private var sentAt: NIODeadline?
    /// How long the last answer took.
    private(set) var roundTrip: Duration?
    private(set) var since: NIODeadline
    /// The way to the peer's n-th address; nil when it has none.
    var trunk: (_ attempt: Int) -> PeerTrunk? = { _ in nil }
    var onChange: () -> Void = {}
    /// Counts up with each failure, so that the next OPTIONS goes to another address.
    private var attempt = 0

    init(peer: Peer, driver: TransactionDriver, ids: IDSource, logger: Logger) {
        self.peer = peer
        self.driver = driver
        self.ids = ids
        self.logger = logger
        timers = Timers(loop: driver.loop)
        since = driver.loop.now
        var policy = Qualify.Policy(isEnabled: peer.qualifyInterval != nil)
        if let interval = peer.qualifyInterval {
            policy.interval = interval
            policy.recheck = min(policy.recheck, interval)
            policy.timeout = min(policy.timeout, driver.timing.timeout)
        }
        machine = Qualify(policy: policy, seed: .random(in: .min ... .max))
    }

    var state: Qualify.State { machine.state }

    func start() { handle(.start) }

    func stop() {
        timers.cancelAll()
        trunk = { _ in nil }
        onChange = {}
    }

    func handle(_ event: Qualify.Event) {
        for action in machine.handle(event, now: driver.now) {
            switch action {
            case .probe(let number): probe(number)
            case .arm(let timer, let at):
                timers.arm(timer, at: at) { [weak self] in
                    if timer == .timeout { self?.attempt &+= 1 }
                    self?.handle(.timerFired(timer))
                }
            case .cancel(let timer): timers.cancel(timer)
            case .changed(let state): changed(state)
            }
        }
    }

    private func probe(_ number: UInt64) {
        guard let trunk = trunk(attempt),
            let request = trunk.options(callID: ids.next(), tag: ids.next(), branch: ids.next())
        else {
            // Not within the machine's own actions.
            return driver.loop.assumeIsolated().execute { [weak self] in self?.handle(.failed(number)) }
        }
        sentAt = driver.loop.now
        driver.send(request, to: .target(trunk.target, fallback: nil)) { [weak self] outcome in
            guard let self else { return }
            switch outcome {
            case .response(let response):
                guard response.status >= 200 else { return }
                if let sentAt = self.sentAt {
                    self.roundTrip = .nanoseconds((self.driver.loop.now - sentAt).nanoseconds)
                }
                self.handle(
                    .answered(number, status: response.status, retryAfter: response.headers.retryAfter))
            case .failed:
                self.attempt &+= 1
                self.driver.loop.assumeIsolated().execute { [weak self] in self?.handle(.failed(number)) }
            }
        }
    }

    private func changed(_ state: Qualify.State) {
        since = driver.loop.now
        let metadata: Logger.Metadata = ["peer": "\(peer.name)"]
        switch state {
        case .down: logger.warning("peer is down, its calls go to others", metadata: metadata)
        case .up: logger.notice("peer is up", metadata: metadata)
        case .unknown: logger.notice("peer may be tried again", metadata: metadata)
        }
        onChange()
    }
}

extension Headers {
    /// Whole seconds of Retry-After (RFC 3261 §20.33), whose comment and parameters are left aside.
    var retryAfter: Duration? {
        guard let value = self[first: .retryAfter] else { return nil }
        let digits = value.drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, digits.utf8.count <= 9, let seconds = Int64(digits) else { return nil }
        return .seconds(seconds)
    }
}
