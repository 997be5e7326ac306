import SIPCore

/// Says which peer an INVITE comes from: by its address, or where the peer has a password by digest (RFC 3261 §22).
struct PeerIdentification {
    enum Verdict {
        case peer(Peer)
        /// Answer 401 with these fields.
        case challenge([HeaderField])
        /// Answer with this status; the reason is for our log, not for the sender.
        case refuse(status: Int, reason: String)
    }

    private var server: DigestServer

    /// - Parameter realm: our host name.
    init(realm: String) {
        var generator = SystemRandomNumberGenerator()
        let plain = String(realm.filter { $0 != "\"" && $0 != "\\" })
        server = DigestServer(
            realm: plain, secret: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// - Parameter candidates: peers that may send from the request's source, in an order that stays.
    mutating func identify(_ request: Request, candidates: [Peer], now: Instant) -> Verdict {
        if let peer = candidates.first(where: { $0.credentials?.identifies != true }) { return .peer(peer) }
        guard !candidates.isEmpty else { return .refuse(status: 403, reason: "no peer has this address") }
        let verdict = server.verify(request, now: now) { user in
            candidates.first { $0.credentials?.digest.username == user }?.credentials?.digest.password
        }
        switch verdict {
        case .accepted(let user):
            guard let peer = candidates.first(where: { $0.credentials?.digest.username == user }) else {
                return .refuse(status: 403, reason: "no such user")
            }
            return .peer(peer)
        case .challenge(let stale):
            return .challenge(server.challengeFields(status: 401, stale: stale, now: now))
        case .refuse(let refusal):
            return .refuse(status: refusal.status, reason: refusal.description)
        }
    }
}
