/// What Meta's side of the media can do wrong, or do within its rights to the discomfort of the edge.
package struct MediaFaults: Sendable, Hashable {
    /// Sends without waiting for the business, as Meta "might" (meta-calling §11.7).
    package var sendsFirst = false
    /// Never sends a packet.
    package var silent = false
    /// Protects with another key than its SDP says.
    package var wrongKeys = false
    /// Sends nothing more, so long after the call was up.
    package var stopsAfter: Duration?
    /// Goes on with another SSRC, so long after the call was up.
    package var changesSSRCAfter: Duration?

    package init() {}
}

/// How a challenge can be other than Meta's own two in one 407.
package struct ChallengeFaults: Sendable, Hashable {
    package enum Shape: String, Sendable, Hashable {
        /// SHA-256 first, MD5 second, each with its own nonce and opaque (meta-calling §6.2).
        case both
        /// As in 2025.
        case md5Only
        case sha256Only
        /// A realm that is not Meta's; who answers it gives away a hash of his password.
        case rogueRealm
        /// An algorithm that nobody has.
        case unknownAlgorithm
    }
    package var shape = Shape.both
    /// 401 with WWW-Authenticate instead of 407.
    package var as401 = false
    /// The first right answer is met with a new challenge that says `stale=true`.
    package var staleOnce = false
    /// Every answer is met with a new challenge.
    package var endless = false

    package init() {}
}

/// What Meta's side can do wrong in signalling, in either direction of call.
package struct CallFaults: Sendable, Hashable {
    // MARK: In a call of either direction
    /// The connection is reset, so long after the call was up.
    package var resetsAfter: Duration?
    /// The connection is closed, so long after the call was up, as Meta does with idle ones.
    package var closesAfter: Duration?
    /// The BYE goes over a connection of its own.
    package var byeOverNewConnection = false
    /// … that comes from this address.
    package var byeFrom: String?

    // MARK: Calls of WhatsApp users
    package var ackWithWrongTag = false
    package var noACK = false
    package var duplicateACK = false
    /// The ACK is late by this much.
    package var ackAfter: Duration?
    /// The INVITE goes out twice, which TLS needs not.
    package var repeatsINVITE = false
    /// BYE instead of CANCEL while it rings.
    package var byeWhileRinging = false
    /// CANCEL right after the 200 has come.
    package var cancelsAfterAnswer = false
    /// The password is wrong.
    package var wrongPassword = false
    /// A Route of Meta's inner network is left on the INVITE (meta-calling §7.1).
    package var leavesRoute = false

    // MARK: Calls to WhatsApp users
    /// 200 after the CANCEL instead of 487: the user picked up while it crossed.
    package var answersCancelled = false
    /// The 200 is sent so many times more, acknowledged or not.
    package var duplicateAnswers = 0
    /// A second 200, of another phone of the user.
    package var forks = false
    /// No 100, no 180, no answer.
    package var deaf = false
    /// SDP in a 183.
    package var earlyMedia = false
    /// The answer's a=crypto has another tag.
    package var wrongCryptoTag = false
    /// The answer has no SDP.
    package var answersWithoutSDP = false
    /// The 200 comes without 180 before.
    package var answersWithoutRinging = false

    package var media = MediaFaults()

    package init() {}
}

/// How Meta's Record-Route lines may look.
package enum RecordRouteGame: String, Sendable, Hashable, CaseIterable {
    /// Two lines, as in meta-calling §7.1.
    case asMeta
    /// Both in one line, with a comma.
    case oneLine
    /// With odd parameters and letters, which must come back so.
    case odd
    /// Three of them.
    case three

    /// Header values, in the order of a call by a WhatsApp user.
    func lines(domain: String) -> [String] {
        let front = "<sip:\(domain);transport=tls;lr>"
        let inner = "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>"
        return switch self {
        case .asMeta: [front, inner]
        case .oneLine: ["\(front), \(inner)"]
        case .odd: ["<sip:\(domain);transport=TLS;lr=on;X-FB-Hop=%41b>", inner]
        case .three: [front, inner, "<sip:[2001:db8:6080::a]:8191;transport=tls;lr>"]
        }
    }
}

/// How Meta's Contact may look.
package enum ContactGame: String, Sendable, Hashable, CaseIterable {
    /// `;transport=tls;ob` for calls of users; with the tier parameter for calls to users (meta-calling §7.3).
    case asMeta
    /// The tier parameter, whichever direction.
    case tier
    /// Escapes and a flag that nobody knows.
    case odd
    /// Another host than the domain, as a proxy's Contact may have.
    case innerHost

    /// The URI alone.
    func uri(user: String, domain: String, isCallee: Bool) -> String {
        let tier = ";X-FB-Sip-Smc-Tier=collaboration.sip_gateway.sip.prod"
        return switch self {
        case .asMeta: "sip:\(user)@\(domain);transport=tls;ob\(isCallee ? tier : "")"
        case .tier: "sip:\(user)@\(domain);transport=tls;ob\(tier)"
        case .odd: "sip:\(user)@\(domain);transport=tls;ob;X-Fb=a%3Bb;zZ"
        case .innerHost: "sip:\(user)@onevc-sip-gateway.fbinfra.net:8191;transport=tls;ob"
        }
    }
}
