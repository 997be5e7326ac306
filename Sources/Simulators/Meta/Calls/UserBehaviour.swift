package import Media
package import SIPCore
package import SIPEdge

/// What a WhatsApp user does who is called by a business.
package struct UserBehaviour: Sendable {
    package enum Act: Sendable, Hashable {
        /// Picks up after so long.
        case answer(after: Duration)
        /// 480 unreachable, 486 declined, 503 internal error, … (meta-calling §10.1), after so long.
        case reject(Int, after: Duration)
        /// Until the business cancels.
        case ring
    }

    package var act: Act
    /// What the user says; silence when nil.
    package var says: Prompt?
    /// Keys pressed one second after the answer.
    package var digits: String
    /// The user hangs up so long after the answer; nil: the business does.
    package var talk: Duration?
    /// Seconds of the business's sound that are kept; 0: none.
    package var recordSeconds: Int
    /// `x-wa-meta-user-id` of the 200.
    package var userID: String?
    package var recordRoutes: RecordRouteGame
    package var contact: ContactGame
    package var faults: CallFaults

    package init(
        _ act: Act = .answer(after: .zero), says: Prompt? = nil, digits: String = "", talk: Duration? = nil,
        recordSeconds: Int = 0, userID: String? = "US.10000000000000000001", recordRoutes: RecordRouteGame = .asMeta,
        contact: ContactGame = .asMeta, faults: CallFaults = CallFaults()
    ) {
        self.act = act
        self.says = says
        self.digits = digits
        self.talk = talk
        self.recordSeconds = recordSeconds
        self.userID = userID
        self.recordRoutes = recordRoutes
        self.contact = contact
        self.faults = faults
    }
}

/// What became of a business's INVITE that was not a mere first try without credentials.
package struct BusinessCallReport: Sendable {
    package enum Outcome: Sendable, Hashable {
        case talked(endedByUser: Bool)
        /// Meta or the user refused.
        case refused(status: Int, reason: String)
        /// The business gave up while it rang.
        case cancelled
        /// The 200 was not acknowledged in time, or its ACK had the wrong way.
        case neverAcknowledged
        /// Meta's watchdog hung up.
        case silent(afterMedia: Bool)
    }

    package var outcome: Outcome
    /// The INVITE, the one with credentials where it came to that.
    package var invite: Request
    /// `SHA-256` or `MD5`, when credentials were right.
    package var algorithm: String?
    /// The business's CANCEL or BYE, when one came.
    package var ending: Request?
    package var violations: [Violation]
    package var statistics: LegStatistics
    package var media: MediaFigures
    package var digitsHeard: String
    /// Time from the ACK to the business's first packet.
    package var firstMedia: Duration?
    package var heard: DecodedRecording?
    package var ladder: [LadderLines.Line]
    /// ACKs and BYEs for the 200 of another phone of the user.
    package var forkACKs = 0
    package var forkBYEs = 0
}
