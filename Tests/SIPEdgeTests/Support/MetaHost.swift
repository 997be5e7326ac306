import SIPCore
import SIPEdge

/// `wa.meta.vc` on a loopback address of Meta's range, played by a test message by message (meta-calling §12.2).
struct MetaHost: Sendable {
    static let password = "EXAMPLE-sip-password"
    static let contact =
        "<sip:+15550100199@wa.meta.vc;transport=tls;ob;X-FB-Sip-Smc-Tier=collaboration.sip_gateway.sip.prod>;isfocus"
    static let routes = [
        "<sip:wa.meta.vc;transport=tls;lr>", "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>",
    ]

    let server: WireServer
    let address: String

    init(address: String = "127.69.171.30", certificate: TestCertificates.Pair = TestCertificates.meta) async throws {
        server = try await WireServer(address: address, certificate: certificate)
        self.address = address
    }

    /// The trunk's settings for an edge under test.
    func trunk(ringTimeout: Duration = .seconds(20)) -> MetaTrunkConfiguration {
        MetaTrunkConfiguration(
            host: address, port: server.port, trustRootsFile: TestCertificates.meta.certificate,
            ringTimeout: ringTimeout)
    }

    /// Numbers of the peer, with the password at Meta.
    static func routing(
        to peer: Peer, numbers: [String] = [TestEdge.number], password: String? = password, domain: String? = nil,
        challenge: Bool = false
    ) -> RoutingTable {
        var table = RoutingTable(peers: [peer.name: peer])
        for number in numbers {
            table.numbers[number] = .peer(peer.name, extension: nil)
            table.trunks[number] = TrunkNumber(
                credentials: password.map {
                    DigestCredentials(username: String(number.dropFirst()), password: $0)
                }, challenge: challenge, domain: domain)
        }
        return table
    }

    // MARK: Answers

    static func challenge(_ invite: Request, status: Int = 407, realm: String = "wa.meta.vc") -> Response {
        let name: HeaderName = status == 401 ? .wwwAuthenticate : .proxyAuthenticate
        return invite.response(
            status, toTag: "challenge",
            headers: [
                HeaderField(
                    name,
                    "Digest realm=\"\(realm)\",nonce=\"aaaabbbbccccdddd\",opaque=\"0123456789abcdef\",algorithm=SHA-256,qop=\"auth\""
                ),
                HeaderField(
                    name,
                    "Digest realm=\"\(realm)\",nonce=\"1111222233334444\",opaque=\"fedcba9876543210\",algorithm=MD5,qop=\"auth\""
                ),
            ])
    }

    static func ringing(_ invite: Request, status: Int = 180) -> Response { invite.response(status, toTag: "user") }

    static func answer(_ invite: Request, port: UInt16 = 3_480) -> Response {
        let call = MetaCall()
        var response = invite.response(
            200, toTag: "user",
            headers: [
                HeaderField(.allow, "INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS"), HeaderField(.supported, "timer"),
                HeaderField("X-FB-External-Domain", "wa.meta.vc"), HeaderField(.contact, contact),
                HeaderField("x-wa-meta-user-id", "US.10000000000000000001"),
                HeaderField("x-wa-meta-secret", "for nobody"), HeaderField(.contentType, "application/sdp"),
            ], body: Array(call.sdp.utf8))
        // The other way round than in a request: the called side's proxy first (meta-calling §7.3).
        response.headers.remove(.recordRoute)
        for route in routes.reversed() { response.headers.append(.recordRoute, route) }
        return response
    }

    static func refusal(_ invite: Request, _ status: Int, _ phrase: String? = nil, warning: String? = nil) -> Response {
        invite.response(
            status, reason: phrase, toTag: "refused",
            headers: warning.map { [HeaderField(.warning, "399 wa.meta.vc \"\($0)\"")] } ?? [])
    }
}

extension Wire {
    func send(_ response: Response) async throws { try await send(response.encoded()) }
    func send(_ request: Request) async throws { try await send(request.encoded()) }

    /// Meta's part up to the INVITE with credentials, which is returned.
    func challenge() async throws -> Request {
        let first = try await request(.invite)
        try await send(MetaHost.challenge(first))
        _ = try await request(.ack)
        return try await request(.invite)
    }
}
