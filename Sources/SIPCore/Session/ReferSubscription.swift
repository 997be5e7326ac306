//              REFER          accepted: 202, NOTIFY 100
//   ┌──────┐ ────────▶ ┌───────┐ ────────▶ ┌────────┐  progress: NOTIFY, one at a time (RFC 6665 §4.2.2),
//   │ idle │           │ asked │           │ active │  the newest status next
//   └──────┘ ◀──────── └───────┘           └────────┘
//      ▲      refused: 4xx–6xx                  │ final: NOTIFY terminated; refused NOTIFY
//      └────────────────────────────────────────┘

/// What a REFER leaves behind: the subscription of the one who sent it to how the transfer goes (RFC 3515 §2.4.4).
struct ReferSubscription: Sendable {
    private struct Active: Sendable {
        /// The CSeq of the REFER, as the `id` of all but the first (§2.4.6).
        var id: UInt32?
        /// The NOTIFY that has no answer yet.
        var outstanding: UInt32?
        var next: Int?
        var ended = false
    }
    private enum State: Sendable {
        case idle
        case asked(Request)
        case active(Active)
    }

    /// A NOTIFY to build: header fields and body.
    struct Notice: Hashable, Sendable {
        var headers: [HeaderField]
        var body: [UInt8]
    }

    private var state = State.idle
    private var isFirst = true

    /// One transfer at a time.
    var isIdle: Bool { if case .idle = state { true } else { false } }

    /// A NOTIFY waits for its answer.
    var isNotifying: Bool {
        guard case .active(let active) = state else { return false }
        return active.outstanding != nil
    }

    mutating func ask(_ refer: Request) { state = .asked(refer) }

    /// The REFER that waits for its answer, which it gets now.
    mutating func refuse() -> Request? {
        guard case .asked(let refer) = state else { return nil }
        state = .idle
        return refer
    }

    /// - Returns: the REFER, what its 202 says, and the first NOTIFY, if the sender wants any (RFC 4488).
    mutating func accept() -> (refer: Request, headers: [HeaderField], notice: Notice?)? {
        guard case .asked(let refer) = state else { return nil }
        if refer.headers[first: "Refer-Sub"]?.asciiLowercased.hasPrefix("false") == true {
            state = .idle
            return (refer, [HeaderField("Refer-Sub", "false")], nil)
        }
        let active = Active(id: isFirst ? nil : refer.headers.cseq?.number)
        isFirst = false
        state = .active(active)
        return (refer, [], notice(100, active))
    }

    /// - Parameter status: of the call to the target; from 200 on it is the last.
    mutating func progress(_ status: Int) -> Notice? {
        guard case .active(var active) = state, !active.ended else { return nil }
        active.ended = status >= 200
        guard active.outstanding == nil else {
            active.next = status
            state = .active(active)
            return nil
        }
        state = .active(active)
        return notice(status, active)
    }

    mutating func sent(_ number: UInt32) {
        guard case .active(var active) = state else { return }
        active.outstanding = number
        state = .active(active)
    }

    /// The NOTIFY of that number was answered, or will never be.
    mutating func answered(_ number: UInt32, success: Bool) -> Notice? {
        guard case .active(var active) = state, active.outstanding == number else { return nil }
        active.outstanding = nil
        guard success, active.next != nil || !active.ended else {
            state = .idle
            return nil
        }
        let next = active.next
        active.next = nil
        state = .active(active)
        return next.map { notice($0, active) }
    }

    private func notice(_ status: Int, _ active: Active) -> Notice {
        Notice(
            headers: [
                HeaderField(.event, active.id.map { "refer;id=\($0)" } ?? "refer"),
                HeaderField(
                    .subscriptionState, status < 200 ? "active;expires=180" : "terminated;reason=noresource"),
                HeaderField(.contentType, "message/sipfrag;version=2.0"),
            ], body: Array("SIP/2.0 \(status) \(Response.defaultReason(status))\r\n".utf8))
    }
}
