/// Which `nc` values were used with which nonce (RFC 7616 §3.4.6), in bounded memory.
///
/// Two generations of nonces are kept. When the younger is full or old, the elder is forgotten; from then on every nonce
/// as old as one forgotten is stale unless it is still known, so that forgetting never lets a replay through.
struct NonceCounts: Sendable {
    enum Verdict: Hashable, Sendable {
        case fresh
        case used
        /// The nonce, or the count's place in it, is no longer known.
        case forgotten
    }

    fileprivate struct Entry: Sendable {
        var issued: Instant
        var highest: UInt32
        /// Bit n: `highest - n` was used. Proxies may overtake each other, so a count may come late.
        var window: UInt64
    }

    private let generation: Int
    private let lifetime: Duration
    private var young: [String: Entry] = [:]
    private var old: [String: Entry] = [:]
    private var youngSince: Instant?
    /// Nonces issued then or before and not known here may have been forgotten.
    private var forgottenUpTo: Instant?

    /// - Parameters:
    ///   - most: how many nonces are held at the same time.
    ///   - lifetime: of a nonce.
    init(most: Int, lifetime: Duration) {
        generation = max(1, most / 2)
        self.lifetime = lifetime
    }

    var count: Int { young.count + old.count }

    /// Notes the use. Only for answers whose hash is right: nobody else may cost memory or use a count up.
    mutating func use(_ count: UInt32, of nonce: DigestNonce, now: Instant) -> Verdict {
        rotateIfDue(now)
        if var entry = young[nonce.text] {
            let verdict = entry.use(count)
            young[nonce.text] = entry
            return verdict
        }
        if var entry = old[nonce.text] {
            let verdict = entry.use(count)
            old[nonce.text] = entry
            return verdict
        }
        if let forgottenUpTo, nonce.issued <= forgottenUpTo { return .forgotten }
        if young.count >= generation { rotate(now) }
        if let forgottenUpTo, nonce.issued <= forgottenUpTo { return .forgotten }
        young[nonce.text] = Entry(issued: nonce.issued, highest: count, window: 1)
        return .fresh
    }

    private mutating func rotateIfDue(_ now: Instant) {
        guard let since = youngSince else {
            youngSince = now
            return
        }
        if since.duration(to: now) > lifetime { rotate(now) }
    }

    private mutating func rotate(_ now: Instant) {
        for entry in old.values { forgottenUpTo = max(forgottenUpTo ?? entry.issued, entry.issued) }
        old = young
        young = [:]
        youngSince = now
    }
}

extension NonceCounts.Entry {
    fileprivate mutating func use(_ count: UInt32) -> NonceCounts.Verdict {
        if count > highest {
            let step = count - highest
            window = step < 64 ? window << UInt64(step) | 1 : 1
            highest = count
            return .fresh
        }
        let age = highest - count
        guard age < 64 else { return .forgotten }
        let bit: UInt64 = 1 << UInt64(age)
        guard window & bit == 0 else { return .used }
        window |= bit
        return .fresh
    }
}
