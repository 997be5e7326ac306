import NIOCore
import SIPCore

/// The running timers of one machine, by the machine's own names for them. Runs on its loop.
final class Timers<ID: Hashable> {
    private let queue: TimerQueue
    /// A machine has two or three at once.
    private var running: [(id: ID, token: TimerQueue.Token)] = []

    init(queue: TimerQueue) { self.queue = queue }

    /// For one that is long-lived and has the queue to itself.
    init(loop: any EventLoop) { queue = TimerQueue(loop: loop) }

    func arm(_ id: ID, at instant: Instant, _ fire: @escaping () -> Void) {
        cancel(id)
        let token = queue.arm(at: NIODeadline(instant)) { [weak self] in
            self?.running.removeAll { $0.id == id }
            fire()
        }
        running.append((id, token))
    }

    func cancel(_ id: ID) {
        guard let index = running.firstIndex(where: { $0.id == id }) else { return }
        queue.cancel(running.remove(at: index).token)
    }

    func cancelAll() {
        for timer in running { queue.cancel(timer.token) }
        running.removeAll()
    }
}

extension Instant {
    init(_ deadline: NIODeadline) {
        self.init(.nanoseconds(Int64(clamping: deadline.uptimeNanoseconds)))
    }
}

extension NIODeadline {
    init(_ instant: Instant) {
        let (seconds, attoseconds) = instant.sinceOrigin.components
        let nanoseconds = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let sum = nanoseconds.partialValue.addingReportingOverflow(attoseconds / 1_000_000_000)
        let exact = nanoseconds.overflow || sum.overflow ? Int64.max : sum.partialValue
        self = .uptimeNanoseconds(UInt64(clamping: exact))
    }
}
