import SIPCore

/// Tells an INVITE that came by two ways from two INVITEs (RFC 3261 §8.2.2.2): the same From tag, Call-ID and CSeq on
/// another branch is the same request, forked on its way to us, and one call is enough.
///
/// Knows the INVITEs of the last ``memory``: merged ones arrive together. A value without clock; bounded.
struct MergedInvites {
    static let memory = Duration.seconds(32)
    /// Beyond it the oldest are forgotten.
    static let maximum = 65_536

    private var seen: Set<Int> = []
    private var order: [(key: Int, at: Instant)] = []
    /// Where `order` begins.
    private var first = 0

    /// Whether this INVITE is one that came before. Retransmissions are its transaction's and never get here.
    mutating func isMerged(_ invite: Request, now: Instant) -> Bool {
        forget(now: now)
        var hasher = Hasher()  // keyed by the process: nobody outside can make two meet
        hasher.combine(invite.headers.callID)
        hasher.combine(invite.headers.from?.tag)
        hasher.combine(invite.headers.cseq?.number)
        let key = hasher.finalize()
        guard seen.insert(key).inserted else { return true }
        order.append((key, now))
        return false
    }

    var count: Int { seen.count }

    private mutating func forget(now: Instant) {
        while first < order.count, seen.count >= Self.maximum || order[first].at.duration(to: now) >= Self.memory {
            seen.remove(order[first].key)
            first += 1
        }
        if first > 1_024, first > order.count / 2 {
            order.removeFirst(first)
            first = 0
        }
    }
}
