import NIOCore
import SIPCore

/// How we present ourselves to one PBX, and the INVITE that it gets.
struct PeerTrunk {
    let peer: Peer
    let remote: SocketAddress
    /// Our address as the peer sees it, and the port where we listen for its transport.
    let localAddress: String
    let localPort: UInt16

    var target: Target {
        // With UDP and TCP the address that was looked up; with TLS the name, which the certificate must cover.
        Target(
            transport: transport, host: peer.transport == .tls ? peer.host : remote.ipAddress ?? peer.host,
            port: peer.port, serverName: peer.transport == .tls ? peer.tlsName ?? peer.host : nil,
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

    func party(user: String) -> LocalParty {
        LocalParty(
            contact: "<sip:\(user)@\(localHost):\(localPort);transport=\(peer.transport.rawValue)>",
            viaSentBy: "\(localHost):\(localPort)", transport: transport.viaToken, userAgent: UserAgent.value,
            allow: UserAgent.allow)
    }

    /// Built from typed values alone: nothing of Meta's message crosses but the caller, the number and the x-wa values.
    func invite(number: String, extension dialled: String?, caller: Caller, callID: String, tag: String, offer: [UInt8])
        -> Request?
    {
        let user = dialled ?? number
        let transportParameter = peer.transport == .udp ? "" : ";transport=\(peer.transport.rawValue)"
        guard let uri = SIPURI("sip:\(user)@\(peerHost):\(peer.port)\(transportParameter)") else { return nil }
        let identity = "\(caller.quotedName)<sip:\(caller.user)@\(localHost)>"
        var headers = Headers()
        headers.append(.maxForwards, "70")
        headers.append(.from, "\(identity);tag=\(tag)")
        headers.append(.to, "<sip:\(user)@\(peerHost)>")
        headers.append(.callID, callID)
        headers.append(.pAssertedIdentity, identity)
        for field in caller.whatsApp { headers.append(field.name, field.value) }
        headers.append(.contentType, "application/sdp")
        return Request(method: .invite, uri: uri, headers: headers, body: offer)
    }
}
