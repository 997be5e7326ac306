import SIPCore
import Testing

@Suite struct TransactionKeyTests {
    private let invite = Requests.make(.invite)

    @Test func aRepeatedRequestAndItsACKMatch() {
        let key = TransactionKey(server: invite)
        #expect(key != nil)
        #expect(TransactionKey(server: invite) == key)
        #expect(TransactionKey(server: Requests.make(.ack, toTag: "b")) == key)
    }

    @Test func otherBranchSentByOrMethodDoesNot() {
        let key = TransactionKey(server: invite)
        #expect(TransactionKey(server: Requests.make(.invite, branch: "z9hG4bK-2")) != key)
        #expect(TransactionKey(server: Requests.make(.cancel)) != key)
        var other = invite
        other.headers.set(.via, "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bK-1")
        #expect(TransactionKey(server: other) != key)
    }

    @Test func stampingTheViaAndCaseOfTheHostChangeNothing() {
        let key = TransactionKey(server: invite)
        var stamped = invite
        stamped.stampTopVia(received: "192.0.2.77", port: 4000)
        #expect(TransactionKey(server: stamped) == key)
        var upper = Requests.make(.invite)
        upper.headers.set(.via, "SIP/2.0/TLS SIP.Example.com:5061;branch=z9hG4bKx")
        var lower = upper
        lower.headers.set(.via, "SIP/2.0/TLS sip.example.com:5061;branch=z9hG4bKx")
        #expect(TransactionKey(server: upper) == TransactionKey(server: lower))
    }

    @Test func aCANCELFindsItsINVITE() {
        let cancel = Requests.make(.cancel)
        #expect(TransactionKey.invite(forCancel: cancel) == TransactionKey(server: invite))
        #expect(TransactionKey(server: cancel)?.invite == TransactionKey(server: invite))
    }

    @Test func aResponseFindsItsRequest() {
        let key = TransactionKey(client: invite)
        #expect(key != nil)
        #expect(TransactionKey(client: invite.response(180, toTag: "b")) == key)
        let cancel = Requests.make(.cancel)
        #expect(TransactionKey(client: cancel.response(200)) == TransactionKey(client: cancel))
        #expect(TransactionKey(client: cancel.response(200)) != key)
    }

    @Test func withoutACookieTheWholeRequestIsTheKey() {
        let old = Requests.make(.invite, branch: "1")
        let key = TransactionKey(server: old)
        #expect(key != nil)
        #expect(TransactionKey(server: Requests.make(.ack, branch: "1", toTag: "b")) == key)
        #expect(TransactionKey(server: Requests.make(.invite, branch: "1", number: 2)) != key)
        #expect(TransactionKey(server: Requests.make(.invite, branch: "1", fromTag: "z")) != key)
        var none = old
        none.headers.set(.via, "SIP/2.0/UDP 192.0.2.1:5060")
        #expect(TransactionKey(server: none) != nil)
        #expect(TransactionKey(client: none) == nil)
        none.headers.remove(.via)
        #expect(TransactionKey(server: none) == nil)
    }

    /// The INVITEs of meta-calling §12.1 before and after the challenge are two transactions; the ACK between belongs
    /// to the first.
    @Test func metasRetryIsANewTransaction() throws {
        let first = try #require(Message(MetaExamples.invite).request)
        let second = try #require(Message(MetaExamples.authorizedInvite).request)
        #expect(TransactionKey(server: first) != TransactionKey(server: second))
    }
}
