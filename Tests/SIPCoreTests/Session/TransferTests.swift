import Testing

@testable import SIPCore

/// REFER inside a call and the NOTIFYs that follow (RFC 3515), and digits by INFO.
@Suite struct TransferTests {
    private static let sdp = HeaderField(.contentType, "application/sdp")
    private static let ours = SDPSamples.body(SDPSamples.ourAnswer)
    private static let target = HeaderField(.referTo, "<sip:200@192.0.2.1:5060>")

    private func talking(_ reoffers: ReofferPolicy = .answer) -> Bench<UASInvite> {
        var bench = Bench(
            UASInvite(
                invite: Requests.make(
                    .invite, number: 9, headers: [Self.sdp], body: SDPSamples.body(SDPSamples.metaOffer)),
                localTag: "b", party: Parties.pbx, ids: countingIDs(), reoffers: reoffers))
        #expect(bench.feed(.answer(body: Self.ours, headers: [])) == ["respond 200"])
        #expect(bench.feed(inside(.ack, 9)) == ["acknowledged"])
        return bench
    }

    private func inside(
        _ method: Method, _ number: UInt32, _ headers: [HeaderField] = [], body: [UInt8] = []
    ) -> UASInvite.Event {
        .received(
            Requests.make(
                method, branch: "z9hG4bK-\(number)", number: number, toTag: "b", headers: headers, body: body))
    }

    private func notified(_ status: Int, _ number: UInt32) -> UASInvite.Event {
        .inDialog(
            .responded(
                Response(status: status, reason: "", headers: [HeaderField(.cseq, "\(number) NOTIFY")], body: [])))
    }

    /// The one NOTIFY that the event makes.
    private func notify(_ event: InDialogEvent, _ bench: Bench<UASInvite>) throws -> Request {
        var machine = bench.machine
        for case .send(let request) in machine.handle(.inDialog(event), now: bench.now) { return request }
        throw Missing()
    }
    private struct Missing: Error {}

    @Test func aTransferThatSucceeds() throws {
        var bench = talking()
        #expect(bench.feed(inside(.refer, 10, [Self.target])) == ["transfer to sip:200@192.0.2.1:5060"])
        let first = try notify(.acceptTransfer, bench)
        #expect(first.headers[first: .event] == "refer")
        #expect(first.headers[first: .subscriptionState]?.hasPrefix("active;expires=") == true)
        #expect(first.headers.contentType == "message/sipfrag")
        #expect(first.headers[first: .contact] == Parties.pbx.contact)
        #expect(first.body == Array("SIP/2.0 100 Trying\r\n".utf8))
        #expect(bench.feed(.inDialog(.acceptTransfer)) == ["REFER gets 202", "saw REFER", "send NOTIFY 1"])
        // One NOTIFY at a time, then the newest.
        #expect(bench.feed(.inDialog(.transferProgress(status: 180))) == [])
        #expect(bench.feed(.inDialog(.transferProgress(status: 183))) == [])
        #expect(bench.feed(notified(200, 1)) == ["send NOTIFY 2"])
        #expect(bench.feed(notified(200, 2)) == [])
        let last = try notify(.transferProgress(status: 200), bench)
        #expect(last.headers[first: .subscriptionState] == "terminated;reason=noresource")
        #expect(last.body == Array("SIP/2.0 200 OK\r\n".utf8))
        #expect(bench.feed(.inDialog(.transferProgress(status: 200))) == ["send NOTIFY 3"])
        #expect(bench.feed(.inDialog(.transferProgress(status: 503))) == [])
        #expect(bench.feed(notified(200, 3)) == [])
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 4", "ended byUs"])
    }

    @Test func theFinalStatusWaitsForTheFirstNOTIFY() throws {
        var bench = talking()
        _ = bench.feed(inside(.refer, 10, [Self.target]))
        _ = bench.feed(.inDialog(.acceptTransfer))
        #expect(bench.feed(.inDialog(.transferProgress(status: 486))) == [])
        #expect(bench.feed(inside(.refer, 11, [Self.target])) == ["REFER gets 491", "saw REFER"])
        #expect(bench.feed(notified(200, 1)) == ["send NOTIFY 2"])
        #expect(bench.feed(notified(200, 2)) == [])
        // The next one is told apart by its id (RFC 3515 §2.4.6).
        #expect(bench.feed(inside(.refer, 12, [Self.target])) == ["transfer to sip:200@192.0.2.1:5060"])
        #expect(try notify(.acceptTransfer, bench).headers[first: .event] == "refer;id=12")
    }

    @Test func theLastNOTIFYGoesBeforeOurBYE() {
        var bench = talking()
        _ = bench.feed(inside(.refer, 10, [Self.target]))
        _ = bench.feed(.inDialog(.acceptTransfer))
        #expect(bench.feed(.inDialog(.transferProgress(status: 200))) == [])
        #expect(bench.feed(.bye(headers: [])) == [])
        #expect(bench.feed(.bye(headers: [])) == [])
        #expect(bench.feed(notified(200, 1)) == ["send NOTIFY 2"])
        #expect(bench.feed(notified(200, 2)) == ["send BYE 3", "ended byUs"])
        #expect(bench.feed(.byeFinished(status: 200)) == ["finish"])
    }

    @Test func ourBYEIsNotHeldForLong() {
        var bench = talking()
        _ = bench.feed(inside(.refer, 10, [Self.target]))
        _ = bench.feed(.inDialog(.acceptTransfer))
        #expect(bench.feed(.bye(headers: [])) == [])
        #expect(bench.feed(inside(.bye, 11)) == ["BYE gets 200", "ended byPeer", "finish"])
    }

    @Test(arguments: [481, 500]) func aNOTIFYThatIsRefusedEndsTheSubscription(_ status: Int) {
        var bench = talking()
        _ = bench.feed(inside(.refer, 10, [Self.target]))
        _ = bench.feed(.inDialog(.acceptTransfer))
        #expect(bench.feed(notified(status, 1)) == [])
        #expect(bench.feed(.inDialog(.transferProgress(status: 200))) == [])
    }

    @Test func aNOTIFYWithoutAnAnswerEndsItToo() {
        var bench = talking()
        _ = bench.feed(inside(.refer, 10, [Self.target]))
        _ = bench.feed(.inDialog(.acceptTransfer))
        #expect(bench.feed(.inDialog(.requestFailed(CSeq(number: 1, method: .notify), .timedOut))) == [])
        #expect(bench.feed(.inDialog(.transferProgress(status: 200))) == [])
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 2", "ended byUs"])
    }

    @Test func whoWantsNoNOTIFYGetsNone() throws {
        var bench = talking()
        _ = bench.feed(inside(.refer, 10, [Self.target, HeaderField("Refer-Sub", "false")]))
        var machine = bench.machine
        let actions = machine.handle(.inDialog(.acceptTransfer), now: bench.now)
        guard case .respondTo(_, let response) = try #require(actions.first) else {
            Issue.record("no answer")
            return
        }
        #expect(response.status == 202 && response.headers[first: "Refer-Sub"] == "false")
        #expect(bench.feed(.inDialog(.acceptTransfer)) == ["REFER gets 202", "saw REFER"])
        #expect(bench.feed(.inDialog(.transferProgress(status: 200))) == [])
    }

    @Test func theEdgeMayRefuse() {
        var bench = talking()
        _ = bench.feed(inside(.refer, 10, [Self.target]))
        #expect(bench.feed(inside(.refer, 11, [Self.target])) == ["REFER gets 491", "saw REFER"])
        #expect(bench.feed(.inDialog(.refuseTransfer(status: 603, headers: []))) == ["REFER gets 603", "saw REFER"])
        #expect(bench.feed(.inDialog(.acceptTransfer)) == [])
        #expect(bench.feed(inside(.refer, 12, [Self.target])) == ["transfer to sip:200@192.0.2.1:5060"])
    }

    @Test func whatIsNoTransferIsRefusedHere() {
        var bench = talking()
        #expect(bench.feed(inside(.refer, 10)) == ["REFER gets 400", "saw REFER"])
        #expect(
            bench.feed(inside(.refer, 11, [HeaderField(.referTo, "<tel:+15550100001>")]))
                == ["REFER gets 603", "saw REFER"])
        #expect(
            bench.feed(inside(.refer, 12, [Self.target, HeaderField(.require, "multiple-refer")]))
                == ["REFER gets 420", "saw REFER"])
    }

    @Test func metaTransfersNothing() {
        var bench = talking(.refuse)
        #expect(bench.feed(inside(.refer, 10, [Self.target])) == ["REFER gets 405", "saw REFER"])
        #expect(bench.feed(.inDialog(.acceptTransfer)) == [])
    }

    // MARK: REFER against BYE

    @Test func aBYEBeforeTheDecision() {
        var bench = talking()
        _ = bench.feed(inside(.refer, 10, [Self.target]))
        #expect(
            bench.feed(inside(.bye, 11)) == ["REFER gets 481", "BYE gets 200", "ended byPeer", "finish"])
        #expect(bench.feed(.inDialog(.acceptTransfer)) == [])
    }

    @Test func aBYEDuringTheTransfer() {
        var bench = talking()
        _ = bench.feed(inside(.refer, 10, [Self.target]))
        _ = bench.feed(.inDialog(.acceptTransfer))
        #expect(bench.feed(inside(.bye, 11)) == ["BYE gets 200", "ended byPeer", "finish"])
        #expect(bench.feed(notified(481, 1)) == [])
        #expect(bench.feed(.inDialog(.transferProgress(status: 200))) == [])
        #expect(bench.runToIdle() == [])
    }

    @Test func aREFERAfterOurBYE() {
        var bench = talking()
        _ = bench.feed(.bye(headers: []))
        #expect(bench.feed(inside(.refer, 10, [Self.target])) == ["REFER gets 481"])
    }

    // MARK: INFO

    struct Info: CustomTestStringConvertible {
        var name: String
        var headers: [HeaderField]
        var body: String
        var lines: [String]
        var testDescription: String { name }
    }
    static let infos: [Info] = [
        .init(
            name: "a digit", headers: [HeaderField(.contentType, "application/dtmf-relay")],
            body: "Signal=5\r\nDuration=160\r\n", lines: ["INFO gets 200", "saw INFO", "digit 5"]),
        .init(name: "nothing", headers: [], body: "", lines: ["INFO gets 200", "saw INFO"]),
        .init(
            name: "video", headers: [HeaderField(.contentType, "application/media_control+xml")], body: "<x/>",
            lines: ["INFO gets 415", "saw INFO"]),
        .init(
            name: "no digit", headers: [HeaderField(.contentType, "application/dtmf")], body: "hello",
            lines: ["INFO gets 400", "saw INFO"]),
        .init(
            name: "a package", headers: [HeaderField("Info-Package", "foo")], body: "",
            lines: ["INFO gets 469", "saw INFO"]),
    ]

    @Test(arguments: infos) func digitsByINFO(_ row: Info) {
        var bench = talking()
        #expect(bench.feed(inside(.info, 10, row.headers, body: Array(row.body.utf8))) == row.lines)
    }

    // MARK: Who may

    @Test func aRequestOfAnotherTagIsNotOfThisDialog() {
        var bench = talking()
        let forged = Requests.make(.bye, number: 10, toTag: "b", fromTag: "forged")
        #expect(bench.feed(.received(forged)) == ["BYE gets 481"])
        #expect(bench.feed(inside(.bye, 10)) == ["BYE gets 200", "ended byPeer", "finish"])
    }
}
