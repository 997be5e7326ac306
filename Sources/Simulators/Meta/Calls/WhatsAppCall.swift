package import Media
package import SIPCore
package import SIPEdge

/// One call of a WhatsApp user to a business, as Meta's trunk would bring it.
package struct WhatsAppCall: Sendable {
    /// Where the business's edge listens, and how its certificate is checked.
    package var target: Target
    /// Business number in E.164 with `+`, and the host name that is configured for it at Meta.
    package var number: String
    package var hostname: String
    /// E.164 with `+`, or a BSUID.
    package var user: String
    /// Values of further `x-wa-meta-*` header fields, by the name after that prefix.
    package var whatsApp: [String: String]
    /// What the user says; silence when nil.
    package var says: Prompt?
    /// Keys pressed one second after the answer.
    package var digits: String
    /// How long the user stays after the answer before hanging up.
    package var talk: Duration
    /// How long the user lets it ring before giving up.
    package var patience: Duration
    /// Answers a digest challenge with this `sip_user_password`.
    package var password: String?
    /// Seconds of the other side's sound that are kept; 0: none.
    package var recordSeconds: Int
    /// The session description offered instead of Meta's, to see a refusal.
    package var offer: [UInt8]?
    /// Called on the simulator's loop with the 200.
    package var onAnswered: (@Sendable (Response) -> Void)?
    package var recordRoutes = RecordRouteGame.asMeta
    package var contact = ContactGame.asMeta
    package var faults = CallFaults()

    package init(
        target: Target, number: String, hostname: String, user: String = "+15550100199",
        whatsApp: [String: String] = [:], says: Prompt? = nil, digits: String = "", talk: Duration = .seconds(5),
        patience: Duration = .seconds(45), password: String? = nil, recordSeconds: Int = 0, offer: [UInt8]? = nil
    ) {
        self.target = target
        self.number = number
        self.hostname = hostname
        self.user = user
        self.whatsApp = whatsApp
        self.says = says
        self.digits = digits
        self.talk = talk
        self.patience = patience
        self.password = password
        self.recordSeconds = recordSeconds
        self.offer = offer
    }
}

/// What became of a ``WhatsAppCall``.
package struct WhatsAppCallReport: Sendable {
    package enum Outcome: Sendable, Hashable {
        /// Answered, and ended by this side or the other.
        case talked(endedByUs: Bool)
        case refused(status: Int, reason: String, warning: String?)
        /// The user gave up while it rang.
        case gaveUp
        /// No connection, or no answer at all.
        case failed(String)
        /// Answered in a way that Meta could not use.
        case unusableAnswer(String)
        /// Meta's watchdog hung up: nothing was heard of the business, from the start or any more.
        case silent(afterMedia: Bool)
    }

    package var outcome: Outcome
    /// Times since the INVITE left.
    package var trying: Duration?
    package var ringing: Duration?
    package var answered: Duration?
    /// Time from our ACK to the first packet of the business (meta-calling §11.7: it must send first).
    package var firstMedia: Duration?
    package var statistics: LegStatistics
    package var heard: DecodedRecording?
    /// One line a message, numbers masked.
    package var ladder: [LadderLines.Line]
    package var digitsHeard: String
    /// The final response to the INVITE, when there was one.
    package var response: Response?
    /// The business's BYE, when it hung up.
    package var ending: Request?
    /// 200s that came again.
    package var answersRepeated = 0
    package var media = MediaFigures()
    /// Meta's rules that the business's edge broke.
    package var violations: [Violation] = []

    package var isSuccess: Bool {
        if case .talked = outcome { return statistics.packetsReceived > 0 }
        return false
    }
}
