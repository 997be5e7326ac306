//              our INVITE with an offer        their INVITE with an offer
//                       │                              │
//                       ▼                              ▼
//                   ┌──────┐                      ┌──────────┐
//   our offer  ┌──▶ │ sent │                      │ received │
//   again      │    └──────┘                      └──────────┘
//              │        │ answer, or refused          │ our answer
//              │        ▼                              ▼
//              │   ┌────────────────────────────────────────┐  their offer: answered at once
//              └── │                 stable                 │
//                  └────────────────────────────────────────┘

/// Where offer and answer stand in one dialog (RFC 3264, RFC 6337): whose offer is open, and our description.
struct OfferAnswerState: Sendable {
    enum State: Hashable, Sendable { case none, sent, received, stable }

    private(set) var state: State
    /// Ours as last settled; nil while there is none, or none that can be read.
    private(set) var description: LocalDescription?

    /// Of the side that calls.
    init(calling invite: Request) {
        description = LocalDescription(invite.body)
        state = invite.body.isEmpty ? .none : .sent
    }

    /// Of the side that is called.
    init(called invite: Request) {
        state = invite.body.isEmpty ? .none : .received
    }

    /// Our description in the 2xx to their INVITE: the answer, or the offer when they made none.
    mutating func describe(_ body: [UInt8]) {
        guard !body.isEmpty else { return }
        description = LocalDescription(body)
        state = state == .none ? .sent : .stable
    }

    /// The exchange is over, whatever came of it; the user of the dialog judges the answer.
    mutating func settle() { state = .stable }

    /// Their answer to our offer.
    mutating func accept(_ answer: [UInt8], contentType: String?) throws(SDPRefusal) -> AudioStream {
        state = .stable
        guard let description else { throw .missingBody }
        return try description.accept(answer, contentType: contentType)
    }

    /// Answers their offer while nothing is open; nil where we have no description to answer with.
    mutating func answer(
        _ offer: [UInt8], contentType: String?
    ) throws(SDPRefusal) -> (body: [UInt8], stream: AudioStream)? {
        guard var description else { return nil }
        let body = try description.answer(offer, contentType: contentType)
        self.description = description
        return (body, try AudioStream(try OfferAnswer.read(offer, contentType: contentType)))
    }

    /// What a re-INVITE without a body gets: all that we can, as an offer whose answer comes with the ACK.
    mutating func offer() -> [UInt8]? {
        guard var description else { return nil }
        let body = description.offer()
        self.description = description
        state = .sent
        return body
    }

    /// The description as it stands, as an offer that changes nothing.
    mutating func refresh() -> [UInt8]? {
        guard let description else { return nil }
        state = .sent
        return description.unchanged
    }
}
