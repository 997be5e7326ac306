import Testing

@testable import SIPCore

/// Messages that cross or come late (RFC 5407, RFC 6026), as the transactions see them: what is over stays over.
@Suite struct RaceTests {
    struct Client: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var first: Int
        var late: Int
        /// What the late response does.
        var effects: [String]
    }

    static let invites = [
        Client(testDescription: "180 behind 200", first: 200, late: 180, effects: []),
        Client(testDescription: "487 behind 200: the CANCEL was too late", first: 200, late: 487, effects: []),
        Client(testDescription: "200 again: its ACK was lost", first: 200, late: 200, effects: ["deliver 200"]),
        Client(testDescription: "180 behind 487", first: 487, late: 180, effects: []),
        Client(testDescription: "200 behind 487", first: 487, late: 200, effects: []),
        Client(testDescription: "487 again: its ACK was lost", first: 487, late: 487, effects: ["send ACK"]),
    ]

    @Test(arguments: invites, [false, true])
    func aLateResponseToAnINVITE(_ row: Client, waits: Bool) {
        let invite = Requests.make(.invite)
        var bench = Bench(InviteClientTransaction(request: invite, reliable: false))
        _ = bench.feed(.start)
        _ = bench.feed(.received(invite.response(100)))
        _ = bench.feed(.received(invite.response(row.first, toTag: "b")))
        if waits { _ = bench.run(to: .seconds(20)) }
        let effects = bench.feed(.received(invite.response(row.late, toTag: "b")))
        #expect(effects == row.effects)
        _ = bench.runToIdle()
        #expect(bench.finished)
        let afterwards = bench.feed(.received(invite.response(row.late, toTag: "b")))
        #expect(afterwards.isEmpty)
    }

    @Test(arguments: [(481, 200), (200, 200), (200, 100), (408, 200)])
    func aLateResponseToABYEMeansNothing(_ statuses: (first: Int, late: Int)) {
        let bye = Requests.make(.bye, toTag: "b")
        var bench = Bench(NonInviteClientTransaction(request: bye, reliable: false))
        _ = bench.feed(.start)
        let first = bench.feed(.received(bye.response(statuses.first)))
        #expect(first == ["deliver \(statuses.first)"])
        let late = bench.feed(.received(bye.response(statuses.late)))
        #expect(late.isEmpty)
        _ = bench.runToIdle()
        #expect(bench.finished)
    }

    struct Server: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var first: Int
        var event: @Sendable (Request) -> InviteServerTransaction.Event
        var effects: [String]
    }

    static let servers = [
        Server(testDescription: "180 behind our 200", first: 200, event: { .respond($0.response(180)) }, effects: []),
        Server(testDescription: "487 behind our 200", first: 200, event: { .respond($0.response(487)) }, effects: []),
        Server(testDescription: "200 behind our 487", first: 487, event: { .respond($0.response(200)) }, effects: []),
        Server(testDescription: "603 behind our 487", first: 487, event: { .respond($0.response(603)) }, effects: []),
        Server(testDescription: "the INVITE again behind 200", first: 200, event: { .received($0) }, effects: []),
        Server(
            testDescription: "the INVITE again behind 487", first: 487, event: { .received($0) }, effects: ["send 487"]),
        Server(
            testDescription: "an ACK behind 200", first: 200,
            event: { _ in .received(Requests.make(.ack, toTag: "b")) }, effects: ["deliver ACK"]),
    ]

    @Test(arguments: servers)
    func whatComesBehindOurFinalAnswer(_ row: Server) {
        let invite = Requests.make(.invite)
        var bench = Bench(InviteServerTransaction(request: invite, reliable: true))
        _ = bench.feed(.start)
        _ = bench.feed(.respond(invite.response(row.first, toTag: "b")))
        let effects = bench.feed(row.event(invite))
        #expect(effects == row.effects)
        _ = bench.runToIdle()
        #expect(bench.finished)
        let afterwards = bench.feed(row.event(invite))
        #expect(afterwards.isEmpty)
    }

    /// A CANCEL is a transaction of its own, answered by itself; a second one changes nothing (RFC 3261 §9.2).
    @Test func theCANCELsTransactionIsNotTheINVITEs() throws {
        let invite = Requests.make(.invite)
        let cancel = Requests.make(.cancel)
        let key = try #require(TransactionKey(server: cancel))
        #expect(key != TransactionKey(server: invite))
        #expect(key.invite == TransactionKey(server: invite))
        var bench = Bench(NonInviteServerTransaction(request: cancel, reliable: false))
        _ = bench.feed(.start)
        let answered = bench.feed(.respond(cancel.response(200)))
        #expect(answered == ["send 200"])
        let again = bench.feed(.received(cancel))
        #expect(again == ["send 200"])
        let other = bench.feed(.respond(cancel.response(481)))
        #expect(other.isEmpty)
    }
}
