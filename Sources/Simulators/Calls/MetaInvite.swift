import SIPCore

/// The INVITE as Meta's trunk sends it, with all its oddities (meta-calling §7.1, §12.1 message 1).
enum MetaInvite {
    static let domain = "wa.meta.vc"
    static let allow = "INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS"
    static let userAgent = "Facebook SipGateway"

    /// Everything but the top Via, which the session adds.
    static func request(_ call: WhatsAppCall, wacid: String, tag: String, branch: String, offer: [UInt8]) -> Request? {
        guard let uri = SIPURI("sip:\(call.number)@\(call.hostname);transport=tls") else { return nil }
        let display = call.user.hasPrefix("+") ? String(call.user.dropFirst()) : call.user
        var headers = Headers()
        headers.append(.recordRoute, "<sip:\(domain);transport=tls;lr>")
        headers.append(.recordRoute, "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>")
        headers.append(.via, "SIP/2.0/TLS [2001:db8:6080::a]:5061;branch=z9hG4bKPj\(branch)a")
        headers.append(
            .via,
            "SIP/2.0/TLS [2001:db8:6080::b]:63057;rport=63057;received=2001:db8:6080::b;branch=z9hG4bKPj\(branch)b;alias"
        )
        headers.append(.maxForwards, "69")
        headers.append(.from, "\"\(display)\" <sip:\(call.user)@\(domain)>;tag=\(tag)")
        headers.append(.to, "<sip:\(call.number)@\(call.hostname)>")
        headers.append(.callID, "outgoing:\(wacid)")
        headers.append("X-FB-External-Domain", domain)
        headers.append("x-wa-meta-wacid", wacid)
        for (name, value) in call.whatsApp.sorted(by: { $0.key < $1.key }) {
            guard let header = HeaderName("x-wa-meta-\(name)") else { return nil }
            headers.append(header, value)
        }
        headers.append(.contentType, "application/sdp")
        return Request(method: .invite, uri: uri, headers: headers, body: offer)
    }

    static func party(_ call: WhatsAppCall, address: String) -> LocalParty {
        let host = address.contains(":") ? "[\(address)]" : address
        return LocalParty(
            contact: "<sip:\(call.user)@\(domain);transport=tls;ob>;isfocus", viaSentBy: "\(host):5061",
            transport: "TLS", userAgent: userAgent, allow: allow)
    }
}
