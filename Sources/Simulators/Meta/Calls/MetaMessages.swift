import SIPCore

/// Meta's messages with all their oddities (meta-calling §7.1, §12.1, §12.2).
struct MetaMessages: Sendable {
    static let allow = "INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS"
    static let userAgent = "Facebook SipGateway"

    let domain: String
    let address: String

    private var sentBy: String { (address.contains(":") ? "[\(address)]" : address) + ":5061" }

    func via(branch: String) -> String { "SIP/2.0/TLS \(sentBy);rport;branch=\(branch);alias" }

    /// A branch as PJSIP writes it.
    static func branch(_ ids: IDSource) -> String { "z9hG4bKPj\(ids.next())" }

    // MARK: Calls of WhatsApp users

    /// meta-calling §12.1 (1). Nil when the call's own values make no SIP.
    func invite(
        _ call: WhatsAppCall, wacid: String, tag: String, branch: String, cseq: UInt32, offer: [UInt8],
        credentials: HeaderField?
    ) -> Request? {
        guard let uri = SIPURI("sip:\(call.number)@\(call.hostname);transport=tls") else { return nil }
        let display = call.user.hasPrefix("+") ? String(call.user.dropFirst()) : call.user
        let inner = String(branch.dropFirst("z9hG4bK".count))
        var headers = Headers()
        headers.append(.via, via(branch: branch))
        for line in call.recordRoutes.lines(domain: domain) { headers.append(.recordRoute, line) }
        headers.append(.via, "SIP/2.0/TLS [2001:db8:6080::a]:5061;branch=z9hG4bK\(inner)a")
        headers.append(
            .via,
            "SIP/2.0/TLS [2001:db8:6080::b]:63057;rport=63057;received=2001:db8:6080::b;branch=z9hG4bK\(inner)b;alias")
        if call.faults.leavesRoute {
            headers.append(.route, "<sip:onevc-sip-proxy-dev.fbinfra.net:8191;transport=tls;lr>")
        }
        headers.append(.maxForwards, "69")
        headers.append(.from, "\"\(display)\" <sip:\(call.user)@\(domain)>;tag=\(tag)")
        headers.append(.to, "<sip:\(call.number)@\(call.hostname)>")
        headers.append(
            .contact, "<\(call.contact.uri(user: call.user, domain: domain, isCallee: false))>;isfocus")
        headers.append(.callID, "outgoing:\(wacid)")
        headers.append(.cseq, CSeq(number: cseq, method: .invite).description)
        headers.append("X-FB-External-Domain", domain)
        headers.append("x-wa-meta-wacid", wacid)
        for (name, value) in call.whatsApp.sorted(by: { $0.key < $1.key }) {
            guard let header = HeaderName("x-wa-meta-\(name)") else { return nil }
            headers.append(header, value)
        }
        headers.append(.allow, Self.allow)
        headers.append(.userAgent, Self.userAgent)
        if let credentials { headers.append(credentials) }
        headers.append(.contentType, "application/sdp")
        return Request(method: .invite, uri: uri, headers: headers, body: offer)
    }

    /// The ACK for a refusal: the INVITE's branch, the answer's To (RFC 3261 §17.1.1.3).
    func ack(refusal: Response, to invite: Request) -> Request {
        var headers = Headers()
        if let via = invite.headers.all(.via).first { headers.append(.via, via) }
        headers.append(.maxForwards, "69")
        headers.append(.from, invite.headers[first: .from] ?? "")
        headers.append(.to, refusal.headers[first: .to] ?? invite.headers[first: .to] ?? "")
        headers.append(.callID, invite.headers.callID ?? "")
        headers.append(.cseq, CSeq(number: invite.headers.cseq?.number ?? 1, method: .ack).description)
        return Request(method: .ack, uri: invite.uri, headers: headers)
    }

    func cancel(_ invite: Request) -> Request {
        var headers = Headers()
        if let via = invite.headers.all(.via).first { headers.append(.via, via) }
        headers.append(.maxForwards, "69")
        for name: HeaderName in [.from, .to, .callID] { headers.append(name, invite.headers[first: name] ?? "") }
        headers.append(.cseq, CSeq(number: invite.headers.cseq?.number ?? 1, method: .cancel).description)
        headers.append(.userAgent, Self.userAgent)
        return Request(method: .cancel, uri: invite.uri, headers: headers)
    }

    // MARK: Calls to WhatsApp users

    /// An answer of Meta's; with a tag it is one of the called user (meta-calling §12.2).
    func response(
        _ status: Int, reason: String? = nil, to request: Request, tag: String?, recordRoutes: [String] = [],
        headers extra: [HeaderField] = [], body: [UInt8] = []
    ) -> Response {
        var answer = request.response(status, reason: reason, body: body)
        var headers = Headers()
        for field in answer.headers {
            var field = field
            if field.name == .to, let tag, request.headers.to?.tag == nil { field.value += ";tag=\(tag)" }
            headers.append(field)
        }
        for line in recordRoutes { headers.append(.recordRoute, line) }
        if status > 100, status != 401, status != 407 {
            headers.append(.allow, Self.allow)
            headers.append("X-FB-External-Domain", domain)
        }
        for field in extra { headers.append(field) }
        if !body.isEmpty { headers.append(.contentType, "application/sdp") }
        answer.headers = headers
        return answer
    }

    /// Free text in the phrase and again in Warning 399 (meta-calling §12.2 (8)).
    func refusal(_ refusal: InviteRules.Refusal, to request: Request, tag: String, recordRoutes: [String]) -> Response {
        response(
            refusal.status, reason: refusal.reason, to: request, tag: tag, recordRoutes: recordRoutes,
            headers: refusal.warns
                ? [HeaderField(name: .warning, value: "399 \(domain) \(QuotedString.quote(refusal.reason))")] : [])
    }

    /// Meta's session description: one audio codec and telephone-event (meta-calling §11.1).
    static func description(local: LocalAudio, audio: UInt8, event: UInt8?, crypto: CryptoAttribute) -> [UInt8] {
        let stream = "00000000-0000-4000-8000-000000000001"
        var description = SessionDescription(
            origin: .init(sessionID: "\(local.sessionID)", version: "2", addressType: "IP4", address: "127.0.0.1"))
        description.attributes = [.init("group", "BUNDLE audio"), .init("msid-semantic", " WMS \(stream)")]
        var attributes: [SessionDescription.Attribute] = [
            .init("rtcp", "9 IN IP4 0.0.0.0"), .init("mid", "audio"), .init("sendrecv"),
            .init("msid", "\(stream) WhatsAppTrack1"), .init("rtcp-mux"), .init("crypto", crypto.wireValue),
            .init("rtpmap", "\(audio) opus/48000/2"),
            .init(
                "fmtp",
                "\(audio) maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1"
            ),
        ]
        if let event { attributes.append(.init("rtpmap", "\(event) telephone-event/8000")) }
        attributes += [
            .init("maxptime", "20"), .init("ptime", "20"), .init("ssrc", "\(local.ssrc) cname:\(local.cname)"),
        ]
        description.media = [
            MediaDescription(
                kind: "audio", port: local.port, transport: "RTP/SAVP",
                formats: ([audio] + (event.map { [$0] } ?? [])).map { "\($0)" },
                connection: .init(address: local.address), attributes: attributes)
        ]
        return description.encoded()
    }
}
