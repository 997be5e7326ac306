import SIPCore

/// How we present ourselves to Meta, and where requests of ours go (meta-calling §5.2, §5.3, §7.3).
struct MetaTrunk {
    let hostname: String
    let port: UInt16
    let configuration: MetaTrunkConfiguration

    /// Contact with name and port: Meta's BYE uses it as Request-URI, and checks the name on a new connection.
    func party(number: String) -> LocalParty {
        LocalParty(
            contact: "<sip:\(number)@\(hostname):\(port);transport=tls>", viaSentBy: "\(hostname):\(port)",
            transport: "TLS", userAgent: UserAgent.value, allow: UserAgent.allow)
    }

    /// Built from typed values alone: nothing of the PBX crosses but whom it calls, and from which number of ours
    /// (meta-calling §7.4, §12.2 (1)).
    /// - Parameter host: what is entered at Meta for the number.
    func invite(
        number: String, host: String, user: WhatsAppUser, maxForwards: Int, callID: String, tag: String, offer: [UInt8]
    ) -> Request? {
        guard let uri = SIPURI("sip:\(user.user)@\(configuration.domain);transport=tls") else { return nil }
        var headers = Headers()
        headers.append(.maxForwards, "\(maxForwards)")
        headers.append(.from, "<sip:\(number)@\(host)>;tag=\(tag)")
        headers.append(.to, "<sip:\(user.user)@\(configuration.domain)>")
        headers.append(.callID, callID)
        headers.append(.contentType, "application/sdp")
        return Request(method: .invite, uri: uri, headers: headers, body: offer)
    }

    var target: Target {
        Target(
            transport: .tls, host: configuration.host, port: configuration.port, serverName: configuration.domain,
            trustRootsFile: configuration.trustRootsFile)
    }

    /// A verified connection of ours when the first hop is Meta's domain, else the connection that the call came by:
    /// a Route or Contact of the caller never makes us connect anywhere else. A stand-in that calls over loopback is
    /// not Meta, unless `meta.host` says where Meta is to be found.
    func destination(of request: Request, inbound: Flow) -> TransactionDriver.Destination {
        let hop = request.headers.routes.first?.uri.host ?? request.uri.host
        guard hop == configuration.domain else { return .flow(inbound) }
        let isStandIn = inbound.remote.isLoopback && configuration.host == configuration.domain
        return isStandIn ? .flow(inbound) : .target(target, fallback: inbound)
    }
}

enum UserAgent {
    static let value = "Ibis"
    static let allow = ReofferPolicy.refuse.allow
    /// Towards a PBX.
    static let peerAllow = ReofferPolicy.answer.allow
}
