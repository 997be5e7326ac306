//   ┌──────┐  due: UPDATE, or re-INVITE where the peer has no UPDATE   ┌──────┐
//   │ idle │ ────────────────────────────────────────────────────────▶ │ sent │
//   └──────┘ ◀──────────────────────────────────────────────────────── └──────┘
//     2xx; 491: due again after the wait of RFC 3261 §14.1; 405, 501 to an UPDATE: due at once as re-INVITE;
//     422: due at once with its Min-SE; others: due again before the session expires; 408, 481, no answer: the end

/// Our own refresh of a session, by UPDATE or re-INVITE (RFC 4028 §7.4).
struct SessionRefresh: Sendable {
    enum Outcome: Hashable, Sendable {
        /// Not ours.
        case unknown
        case refreshed
        /// Try again after this time; zero: at once.
        case again(Duration)
        case over(status: Int)
    }

    private var sent: CSeq?
    /// The ACK of the last re-INVITE, for its repeated 2xx.
    var ack: Request?
    private var peerUpdates = false
    private var updateRefused = false
    private var raises = 0

    /// A re-INVITE of ours is open: one of the peer gets 491 (RFC 3261 §14.2).
    var hasOpenInvite: Bool { sent?.method == .invite }
    var isOpen: Bool { sent != nil }

    var method: Method { peerUpdates && !updateRefused ? .update : .invite }

    /// What the peer's Allow says in any message that makes or refreshes the dialog.
    mutating func learn(_ headers: Headers) {
        if let allowed = headers.allowed { peerUpdates = allowed.contains(.update) }
    }

    mutating func started(_ cseq: CSeq?) { sent = cseq }

    /// - Parameters:
    ///   - chance: 0..<1, for the wait after 491.
    ///   - ownsCallID: whether we made the Call-ID of the dialog.
    ///   - raised: the 422 told a Min-SE that the next request has.
    mutating func finished(
        _ cseq: CSeq, status: Int, chance: Double, ownsCallID: Bool, raised: Bool = false
    ) -> Outcome {
        guard sent == cseq else { return .unknown }
        sent = nil
        switch status {
        case 200..<300:
            raises = 0
            return .refreshed
        case 491:
            // §14.1: units of 10 ms, 2.1–4 s for the owner of the Call-ID, 0–2 s for the other.
            let units = ownsCallID ? 210 + Int(chance * 190) : 1 + Int(chance * 199)
            return .again(.milliseconds(units * 10))
        case 405, 501:
            guard cseq.method == .update else { return .again(.seconds(10)) }
            updateRefused = true
            return .again(.zero)
        case 422:
            raises += 1
            return .again(raised && raises < 3 ? .zero : .seconds(10))
        case 408, 481: return .over(status: status)
        default: return .again(.seconds(10))
        }
    }
}
