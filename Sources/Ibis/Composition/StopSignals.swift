import Glibc
import ServiceLifecycle
import UnixSignals

/// SIGTERM and SIGINT: the first lets calls end, another one ends the process at once.
enum StopSignals {
    /// Supervisors that signal a process and its group (`timeout`, a terminal) deliver one wish twice.
    private static let sameWish = Duration.seconds(1)

    /// Runs until its task is cancelled.
    static func watch(_ group: ServiceGroup) async {
        var first: ContinuousClock.Instant?
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
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
