/// Which timers of a session machine run, so that only those are cancelled.
struct SessionTimers: Sendable {
    private var running: Set<SessionTimerID> = []

    enum Command: Hashable, Sendable {
        case arm(SessionTimerID, at: Instant)
        case cancel(SessionTimerID)
    }

    mutating func arm(_ timer: SessionTimerID, at instant: Instant) -> Command {
        running.insert(timer)
        return .arm(timer, at: instant)
    }

    mutating func cancel(_ timers: SessionTimerID...) -> [Command] {
        timers.compactMap { running.remove($0).map { .cancel($0) } }
    }

    mutating func cancelAll() -> [Command] {
        defer { running = [] }
        return SessionTimerID.allCases.filter(running.contains).map { .cancel($0) }
    }

    /// False for one that was not running.
    mutating func fired(_ timer: SessionTimerID) -> Bool { running.remove(timer) != nil }
}
