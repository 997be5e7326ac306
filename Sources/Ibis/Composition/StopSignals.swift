import Glibc
import ServiceLifecycle
import UnixSignals

/// SIGTERM and SIGINT: the first lets calls end, another one ends the process at once.
enum StopSignals {
    /// Supervisors that signal a process and its group (`timeout`, a terminal) deliver one wish twice.
    private static let sameWish = Duration.seconds(1)

    /// From its return on no signal ends the process by itself.
    static func trap() async -> UnixSignalsSequence { await UnixSignalsSequence(trapping: .sigterm, .sigint) }

    /// Runs until its task is cancelled.
    static func watch(_ signals: UnixSignalsSequence, for group: ServiceGroup) async {
        var first: ContinuousClock.Instant?
        for await signal in signals {
            let now = ContinuousClock.now
            if let first {
                if now - first >= sameWish { exit(128 + (signal == .sigint ? SIGINT : SIGTERM)) }
            } else {
                first = now
                await group.triggerGracefulShutdown()
            }
        }
    }
}
