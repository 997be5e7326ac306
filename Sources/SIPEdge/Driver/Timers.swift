import NIOCore
import SIPCore

/// The running timers of one machine, by the machine's own names for them. Runs on its loop.
final class Timers<ID: Hashable> {
    private let loop: any EventLoop
    private var running: [ID: Scheduled<Void>] = [:]

    init(loop: any EventLoop) { self.loop = loop }

    func arm(_ id: ID, at instant: Instant, _ fire: @escaping () -> Void) {
        running[id]?.cancel()
        running[id] = loop.assumeIsolated().scheduleTask(deadline: NIODeadline(instant)) { [weak self] in
            self?.running[id] = nil
            fire()
        }
    }

    func cancel(_ id: ID) { running.removeValue(forKey: id)?.cancel() }

    func cancelAll() {
        for timer in running.values { timer.cancel() }
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
