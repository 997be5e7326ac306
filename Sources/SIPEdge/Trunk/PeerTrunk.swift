import NIOCore
import SIPCore

/// How we present ourselves to one PBX, and the INVITE that it gets.
struct PeerTrunk {
    let peer: Peer
    let remote: SocketAddress
    /// Our address as the peer sees it, and the port where we listen for its transport.
    let localAddress: String
    let localPort: UInt16

    /// The address that was looked up. With TLS the certificate must cover the peer's own name, whatever an SRV record
    /// said (RFC 5922 §4).
    var target: Target {
        Target(
            transport: transport, host: remote.ipAddress ?? peer.host, port: UInt16(clamping: remote.port ?? 0),
            serverName: peer.transport == .tls ? peer.tlsName ?? peer.host : nil,
            trustRootsFile: peer.tlsAuthorityFile)
    }

    var transport: Flow.Transport {
        switch peer.transport {
        case .udp: .udp
        case .tcp: .tcp
        case .tls: .tls
        }
    }

    private var localHost: String { localAddress.contains(":") ? "[\(localAddress)]" : localAddress }
    private var peerHost: String { peer.host.contains(":") ? "[\(peer.host)]" : peer.host }

    /// A name that its SRV records are asked for stands without a port (RFC 3263 §4.2).
    private func uri(user: String?) -> SIPURI? {
        let isLiteral = CIDR.octets(of: peer.host) != nil
        let port = peer.port ?? (isLiteral ? remote.port.map(UInt16.init(clamping:)) : nil)
        let transport = peer.transport == .udp ? "" : ";transport=\(peer.transport.rawValue)"
        return SIPURI("sip:\(user.map { "\($0)@" } ?? "")\(peerHost)\(port.map { ":\($0)" } ?? "")\(transport)")
    }

    func party(user: String) -> LocalParty {
        LocalParty(
            contact: "<sip:\(user)@\(localHost):\(localPort);transport=\(peer.transport.rawValue)>",
            viaSentBy: "\(localHost):\(localPort)", transport: transport.viaToken, userAgent: UserAgent.value,
            allow: UserAgent.peerAllow)
    }

    /// Built from typed values alone: nothing of Meta's message crosses but the caller, the number and the x-wa values.
    func invite(number: String, extension dialled: String?, caller: Caller, callID: String, tag: String, offer: [UInt8])
        -> Request?
    {
        let user = dialled ?? number
        guard let uri = uri(user: user) else { return nil }
        let identity = "\(caller.quotedName)<sip:\(caller.user)@\(localHost)>"
        var headers = Headers()
        headers.append(.maxForwards, "\(caller.maxForwards)")
        headers.append(.from, "\(identity);tag=\(tag)")
        headers.append(.to, "<sip:\(user)@\(peerHost)>")
        headers.append(.callID, callID)
        headers.append(.pAssertedIdentity, identity)
        for field in caller.whatsApp { headers.append(field.name, field.value) }
        headers.append(.contentType, "application/sdp")
        return Request(method: .invite, uri: uri, headers: headers, body: offer)
    }

    /// Asks whether the peer is there (RFC 3261 §11).
    func options(callID: String, tag: String, branch: String) -> Request? {
        guard let uri = uri(user: nil) else { return nil }
        let party = party(user: "ibis")
        var headers = Headers()
        headers.append(.via, party.via(branch: TransactionKey.magicCookie + branch))
        headers.append(.maxForwards, "70")
        headers.append(.from, "<sip:ibis@\(localHost)>;tag=\(tag)")
        headers.append(.to, "<sip:\(peerHost)>")
        headers.append(.callID, callID)
        headers.append(.cseq, CSeq(number: 1, method: .options).description)
        headers.append(.contact, party.contact)
        headers.append("Accept", "application/sdp")
        headers.append(.userAgent, party.userAgent)
        return Request(method: .options, uri: uri, headers: headers)
    }
}
