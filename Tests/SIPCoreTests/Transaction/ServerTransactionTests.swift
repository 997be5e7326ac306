import SIPCore
import Testing

@Suite struct InviteServerTransactionTests {
    private let invite = Requests.make(.invite)
    private let ack = Requests.make(.ack, toTag: "b")

    private func started(reliable: Bool) -> Bench<InviteServerTransaction> {
        var bench = Bench(InviteServerTransaction(request: invite, reliable: reliable))
        #expect(bench.feed(.start) == ["send 100", "deliver INVITE"])
        return bench
    }

    private func respond(_ status: Int) -> InviteServerTransaction.Event {
        .respond(invite.response(status, toTag: "b"))
    }

    @Test func tryingLeavesAtOnceWithoutATag() throws {
        var machine = InviteServerTransaction(request: invite, reliable: true)
        guard case .send(let trying) = try #require(machine.handle(.start, now: Instant(.zero)).first) else {
            Issue.record("nothing sent")
            return
        }
        #expect(trying.status == 100 && trying.headers.to?.tag == nil)
        #expect(trying.headers[first: .via] == invite.headers[first: .via])
    }

    @Test func aRepeatedINVITEGetsTheLastResponse() {
        var bench = started(reliable: false)
        #expect(bench.feed(.received(invite)) == ["send 100"])
        #expect(bench.feed(respond(180)) == ["send 180"])
        #expect(bench.feed(.received(invite)) == ["send 180"])
        #expect(bench.runToIdle() == [])  // no timer while it rings
        #expect(bench.feed(respond(486)) == ["send 486"])
        #expect(bench.feed(.received(invite)) == ["send 486"])
    }

    @Test func aRefusalIsRetransmittedByTimerGUntilTimerH() {
        var bench = started(reliable: false)
        #expect(bench.feed(respond(486)) == ["send 486"])
        #expect(
            bench.runToIdle() == [
                "500ms send 486", "1500ms send 486", "3500ms send 486", "7500ms send 486", "11500ms send 486",
                "15500ms send 486", "19500ms send 486", "23500ms send 486", "27500ms send 486", "31500ms send 486",
                "32000ms finish timedOut",
            ])
    }

    @Test func aReliableTransportNeedsNoTimerG() {
        var bench = started(reliable: true)
        _ = bench.feed(respond(486))
        #expect(bench.runToIdle() == ["32000ms finish timedOut"])
    }

    @Test func theACKConfirmsAndTimerIAbsorbs() {
        var bench = started(reliable: false)
        _ = bench.feed(respond(486))
        #expect(bench.run(to: .seconds(1)) == ["500ms send 486"])
        #expect(bench.feed(.received(ack)) == [])
        #expect(bench.feed(.received(ack)) == [])
        #expect(bench.feed(.received(invite)) == [])
        #expect(bench.feed(respond(486)) == [])
        #expect(bench.runToIdle() == ["6000ms finish completed"])
    }

    @Test func timerIIsZeroOnAReliableTransport() {
        var bench = started(reliable: true)
        _ = bench.feed(respond(603))
        #expect(bench.feed(.received(ack)) == ["finish completed"])
    }

    /// RFC 6026 §7.1.
    @Test(arguments: [false, true]) func aSuccessLeavesRetransmissionToTheUser(reliable: Bool) {
        var bench = started(reliable: reliable)
        #expect(bench.feed(respond(200)) == ["send 200"])
        #expect(bench.run(to: .seconds(5)) == [])
        #expect(bench.feed(respond(200)) == ["send 200"])
        #expect(bench.feed(.received(invite)) == [])
        #expect(bench.feed(.received(ack)) == ["deliver ACK"])
        #expect(bench.feed(.received(ack)) == ["deliver ACK"])
        #expect(bench.feed(respond(180)) == [])
        #expect(bench.feed(respond(486)) == [])
        #expect(bench.runToIdle() == ["32000ms finish completed"])
        #expect(bench.feed(respond(200)) == [])
    }

    @Test func aTransportFailureEndsNothing() {
        var bench = started(reliable: false)
        #expect(bench.feed(.transportFailed) == [])
        #expect(bench.feed(respond(486)) == ["send 486"])
        #expect(bench.feed(.transportFailed) == [])
        #expect(bench.run(to: .milliseconds(500)) == ["500ms send 486"])
        var accepted = started(reliable: true)
        _ = accepted.feed(respond(200))
        #expect(accepted.feed(.transportFailed) == [])
        #expect(accepted.runToIdle() == ["32000ms finish completed"])
    }

    @Test func anACKBeforeAResponseMeansNothing() {
        var bench = started(reliable: false)
        #expect(bench.feed(.received(ack)) == [])
        #expect(bench.feed(.timerFired(.retransmit)) == [])
    }
}

@Suite struct NonInviteServerTransactionTests {
    private let bye = Requests.make(.bye)

    private func started(reliable: Bool) -> Bench<NonInviteServerTransaction> {
        var bench = Bench(NonInviteServerTransaction(request: bye, reliable: reliable))
        #expect(bench.feed(.start) == ["deliver BYE"])
        return bench
    }

    private func respond(_ status: Int) -> NonInviteServerTransaction.Event { .respond(bye.response(status)) }

    @Test func nothingIsSentBeforeTheUserAnswers() {
        var bench = started(reliable: false)
        #expect(bench.feed(.received(bye)) == [])
        #expect(bench.runToIdle() == [])
    }

    @Test func theFinalResponseAnswersRetransmissionsUntilTimerJ() {
        var bench = started(reliable: false)
        #expect(bench.feed(respond(100)) == ["send 100"])
        #expect(bench.feed(.received(bye)) == ["send 100"])
        #expect(bench.feed(respond(200)) == ["send 200"])
        #expect(bench.feed(respond(500)) == [])
        #expect(bench.feed(.received(bye)) == ["send 200"])
        #expect(bench.runToIdle() == ["32000ms finish completed"])
        #expect(bench.feed(.received(bye)) == [])
    }

    @Test func timerJIsZeroOnAReliableTransport() {
        var bench = started(reliable: true)
        #expect(bench.feed(respond(200)) == ["send 200", "finish completed"])
    }

    @Test func transportFailureEndsIt() {
        var trying = started(reliable: false)
        #expect(trying.feed(.transportFailed) == ["finish transportFailed"])
        var proceeding = started(reliable: false)
        _ = proceeding.feed(respond(100))
        #expect(proceeding.feed(.transportFailed) == ["finish transportFailed"])
        var completed = started(reliable: false)
        _ = completed.feed(respond(200))
        #expect(completed.feed(.transportFailed) == ["finish transportFailed"])
    }
}
