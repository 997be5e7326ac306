package import SIPCore
package import SIPEdge

/// What Meta knows about one business number (meta-calling §4, §13).
package struct MetaNumber: Sendable, Hashable {
    /// E.164 with `+`.
    package var number: String
    /// Host name of the number's SIP server as configured at Meta.
    package var hostname: String
    package var password: String
    package var phoneNumberID: String
    /// Nothing can be billed: 403.
    package var hasPaymentIssue: Bool
    /// The app that wrote the SIP settings may not call: 403.
    package var isAppAuthorized: Bool
    /// Users that allowed calls; nil: all did.
    package var permittedUsers: Set<String>?
    /// Connected calls to one user before 403 (100 in 24 hours at Meta).
    package var dailyLimit: Int

    package init(
        _ number: String, hostname: String, password: String, phoneNumberID: String = "100000000000002",
        hasPaymentIssue: Bool = false, isAppAuthorized: Bool = true, permittedUsers: Set<String>? = nil,
        dailyLimit: Int = 100
    ) {
        self.number = number
        self.hostname = hostname
        self.password = password
        self.phoneNumberID = phoneNumberID
        self.hasPaymentIssue = hasPaymentIssue
        self.isAppAuthorized = isAppAuthorized
        self.permittedUsers = permittedUsers
        self.dailyLimit = dailyLimit
    }
}

/// How a ``MetaSimulator`` is set up.
package struct MetaSettings: Sendable {
    /// Own address for signalling and media, an IP literal; the edge must trust it as Meta's.
    package var address: String
    /// Where SIP over TLS is taken; 0: the kernel's choice. Nil: calls are only made, not taken.
    package var port: UInt16?
    /// Meta's SIP domain: SNI must name it.
    package var domain: String
    /// Of the listener; nil: one made for this run by an authority made for this run.
    package var certificate: CertificateFiles?
    package var numbers: [MetaNumber]
    package var watchdogs: MetaWatchdogs
    /// T1 and what follows from it: 64·T1 without ACK end a call.
    package var timing: Timing
    /// Where BYEs for business-initiated calls go when their connection is gone.
    package var businessServer: Target?
    /// Faults of every call taken, unless its behaviour has its own.
    package var challenge: ChallengeFaults

    package init(
        address: String, port: UInt16? = 0, domain: String = "wa.meta.vc", certificate: CertificateFiles? = nil,
        numbers: [MetaNumber] = [], watchdogs: MetaWatchdogs = MetaWatchdogs(), timing: Timing = Timing(),
        businessServer: Target? = nil, challenge: ChallengeFaults = ChallengeFaults()
    ) {
        self.address = address
        self.port = port
        self.domain = domain
        self.certificate = certificate
        self.numbers = numbers
        self.watchdogs = watchdogs
        self.timing = timing
        self.businessServer = businessServer
        self.challenge = challenge
    }
}
