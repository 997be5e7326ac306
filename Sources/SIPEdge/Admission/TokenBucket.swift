import SIPCore

/// So many a second, and as many at once as one second brings.
struct TokenBucket: Sendable {
    /// Tokens a second.
    private let rate: Double
    private var tokens: Double
    private var filledAt: Instant

    /// Full. A rate above 0 and below 1 still holds one token.
    init(rate: Double, now: Instant) {
        self.rate = rate
        tokens = max(rate, 1)
        filledAt = now
    }

    mutating func hasToken(now: Instant) -> Bool {
        fill(now: now)
        return tokens >= 1
    }

    /// False, and nothing is taken, when there is none.
    mutating func take(now: Instant) -> Bool {
        guard hasToken(now: now) else { return false }
        tokens -= 1
        return true
    }

    /// Nothing is lost by forgetting a full bucket.
    mutating func isFull(now: Instant) -> Bool {
        fill(now: now)
        return tokens >= max(rate, 1)
    }

    private mutating func fill(now: Instant) {
        guard now > filledAt else { return }
        tokens = min(tokens + rate * (filledAt.duration(to: now) / .seconds(1)), max(rate, 1))
        filledAt = now
    }
}
