import SIPCore

/// A limit of calls per second: a token bucket that holds one second's calls, kept as the instant when it is full again.
struct CallRate: Hashable, Sendable {
    /// Calls per second, at least 1; as many may come at once after a quiet second.
    let limit: Int
    private var fullAt: Instant?

    init(limit: Int) { self.limit = max(limit, 1) }

    private var interval: Duration { .seconds(1) / limit }

    func hasToken(now: Instant) -> Bool {
        guard let fullAt, fullAt > now else { return true }
        return now.duration(to: fullAt) <= interval * (limit - 1)
    }

    /// False, and nothing taken, when the bucket is empty.
    mutating func take(now: Instant) -> Bool {
        guard hasToken(now: now) else { return false }
        fullAt = max(fullAt ?? now, now).advanced(by: interval)
        return true
    }
}
