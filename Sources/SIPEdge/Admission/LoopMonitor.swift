import Glibc
import NIOCore

/// Measures the event loop that it runs on: how late it is, and how much of the time it has work.
///
/// The kernel's account of the thread tells both the time that it ran and the time that it waited for a processor, so a
/// loop that shares its cores is seen to be full as well.
final class LoopMonitor {
    private let loop: any EventLoop
    private let report: (_ busy: Double, _ lag: Duration) -> Void
    private var descriptor: Int32 = -1
    private var timer: Scheduled<Void>?
    private var sampledAt: NIODeadline
    private var worked: UInt64 = 0

    init(loop: any EventLoop, report: @escaping (_ busy: Double, _ lag: Duration) -> Void) {
        self.loop = loop
        self.report = report
        sampledAt = loop.now
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// On the loop.
    func start() {
        if descriptor < 0 { descriptor = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC) }
        worked = work()
        sampledAt = loop.now
        schedule()
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func schedule() {
        let due = NIODeadline.now() + TimeAmount(LoadGauge.interval)
        timer = loop.assumeIsolated().scheduleTask(deadline: due) { [weak self] in
            self?.sample(due: due)
            self?.schedule()
        }
    }

    private func sample(due: NIODeadline) {
        let now = NIODeadline.now()
        let worked = work()
        let passed = Double(max((now - sampledAt).nanoseconds, 1))
        let busy = Double(worked &- self.worked) / passed
        sampledAt = now
        self.worked = worked
        report(min(busy, 1), max(Duration(now - due), .zero))
    }

    /// Nanoseconds that this thread has run or been ready to run; always 0 where the kernel does not tell, so that the lag
    /// alone counts.
    private func work() -> UInt64 {
        var text = [UInt8](repeating: 0, count: 96)
        let count = descriptor < 0 ? -1 : pread(descriptor, &text, text.count, 0)
        guard count > 0 else { return 0 }
        let values = text.prefix(count).split(separator: UInt8(ascii: " ")).prefix(2)
            .compactMap { UInt64(String(decoding: $0, as: UTF8.self)) }
        return values.reduce(0, &+)
    }
}

extension Duration {
    init(_ amount: TimeAmount) { self = .nanoseconds(amount.nanoseconds) }
}
