import NIOCore
import SIPCore

/// Makes calls from Meta prove that they know the number's password (meta-calling §6.3): anybody in Meta's ranges can send
/// an INVITE with Meta's From.
///
/// One for the edge, on the signalling loop: replay is seen only by the one that saw the first use. A challenge costs
/// neither a call nor a port.
final class MetaChallenge {
    private var server: DigestServer
    private let counters: EdgeCounters

    /// - Parameters:
    ///   - realm: our host name.
    ///   - secret: 32 random octets.
    init(realm: String, secret: [UInt8], counters: EdgeCounters) {
        // Meta has been seen to answer MD5; whether it knows SHA-256 as a client is not known (meta-calling §6.3).
        server = DigestServer(
            realm: String(realm.filter { $0 != "\"" && $0 != "\\" }), algorithms: [.md5, .sha256], secret: secret)
        self.counters = counters
    }

    /// Throws the answer for an INVITE whose credentials are missing or wrong. ACK and CANCEL never come here.
    func check(_ invite: Request, number: String, trunk: TrunkNumber?, now: Instant) throws(CallRefused) {
        guard let trunk, trunk.challenge else { return }
        guard let credentials = trunk.credentials else {
            throw CallRefused(503, "the password of this number cannot be read: see the log of Ibis")
        }
        let verdict = server.verify(invite, now: now) { user in
            user == credentials.username ? credentials.password : nil
        }
        switch verdict {
        case .accepted: return
        case .challenge(let stale):
            counters.count(.invitesChallenged)
            throw CallRefused(407, challenge: server.challengeFields(status: 407, stale: stale, now: now))
        case .refuse(let refusal):
            counters.count(.invitesUnauthenticated)
            throw CallRefused(status: refusal.status, unexplained: refusal.description)
        }
    }
}
