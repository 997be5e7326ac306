package import Media
package import SIPCore
package import SIPEdge

/// One call of a PBX to a WhatsApp user, through an Ibis that has the PBX as a peer.
package struct PBXCall: Sendable {
    /// Where Ibis listens for its peers.
    package var target: Target
    /// Whom the PBX dials: E.164 with `+`, or a BSUID.
    package var user: String
    /// What stands in From: a business number, an extension.
    package var from: String
    /// Further header fields.
    package var headers: [HeaderField]
    /// Offers SRTP with an SDES key instead of plain RTP.
    package var secure: Bool
    package var says: Prompt?
    /// Keys pressed one second after the answer.
    package var digits: String
    package var talk: Duration
    package var patience: Duration
    /// Answers a digest challenge.
    package var credentials: DigestCredentials?
    package var recordSeconds: Int
    /// Called on the endpoint's loop with the 200.
    package var onAnswered: (@Sendable (Response) -> Void)?

    /// How the PBX names itself: nothing of it may reach Meta.
    package static let userAgent = "PBX stand-in"

    package init(
        target: Target, user: String, from: String, headers: [HeaderField] = [], secure: Bool = false,
        says: Prompt? = nil, digits: String = "", talk: Duration = .seconds(5),
        patience: Duration = .seconds(60), credentials: DigestCredentials? = nil, recordSeconds: Int = 0
    ) {
        self.target = target
        self.user = user
        self.from = from
        self.headers = headers
        self.secure = secure
        self.says = says
        self.digits = digits
        self.talk = talk
        self.patience = patience
        self.credentials = credentials
        self.recordSeconds = recordSeconds
    }
}

extension PBXCall {
    private var host: String { target.host.contains(":") ? "[\(target.host)]" : target.host }

    var digestURI: String { "sip:\(user)@\(host):\(target.port)" }

    func offer(local: LocalAudio) -> PendingOffer {
        OfferAnswer.offerPeer(local: local, secure: secure)
    }

    func callID(_ random: String) -> String { "\(random)@pbx.internal" }

    func invite(callID: String, tag: String, endpoint: StandInEndpoint, offer: [UInt8]) -> Request? {
        let transport = target.transport == .udp ? "" : ";transport=\(target.transport.rawValue)"
        guard let uri = SIPURI("sip:\(user)@\(host):\(target.port)\(transport)") else { return nil }
        var fields = Headers()
        fields.append(.maxForwards, "70")
        fields.append(.from, "\"Reception\" <sip:\(from)@\(endpoint.host)>;tag=\(tag)")
        fields.append(.to, "<sip:\(user)@\(host)>")
        fields.append(.callID, callID)
        for field in headers { fields.append(field.name, field.value) }
        fields.append(.contentType, "application/sdp")
        return Request(method: .invite, uri: uri, headers: fields, body: offer)
    }

    func party(endpoint: StandInEndpoint, port: UInt16) -> LocalParty {
        // An endpoint that listens nowhere is reached over the connection that it made.
        let place = port == 0 ? endpoint.host : "\(endpoint.host):\(port)"
        return LocalParty(
            contact: "<sip:\(from)@\(place);transport=\(target.transport.rawValue)>", viaSentBy: place,
            transport: target.transport.viaToken, userAgent: Self.userAgent,
            allow: "INVITE, ACK, BYE, CANCEL, OPTIONS")
    }
}
