import SIPCore
import Testing

@Suite struct InviteClientTransactionTests {
    private let invite = Requests.make(.invite)

    private func started(reliable: Bool) -> Bench<InviteClientTransaction> {
        var bench = Bench(InviteClientTransaction(request: invite, reliable: reliable))
        #expect(bench.feed(.start) == ["send INVITE"])
        return bench
    }

    private func response(_ status: Int) -> InviteClientTransaction.Event {
        .received(invite.response(status, toTag: status > 100 ? "b" : nil))
    }

    @Test func retransmitsByTimerAAndEndsByTimerB() {
        var bench = started(reliable: false)
        #expect(
            bench.runToIdle() == [
                "500ms send INVITE", "1500ms send INVITE", "3500ms send INVITE", "7500ms send INVITE",
                "15500ms send INVITE", "31500ms send INVITE", "32000ms finish timedOut",
            ])
        #expect(bench.machine.isTerminated)
    }

    @Test func nothingIsRetransmittedOnAReliableTransport() {
        var bench = started(reliable: true)
        #expect(bench.runToIdle() == ["32000ms finish timedOut"])
    }

    @Test func otherTimingScalesAll() {
        var bench = Bench(
            InviteClientTransaction(
                request: invite, reliable: false, timing: Timing(t1: .milliseconds(100), t2: .seconds(1))))
        _ = bench.feed(.start)
        #expect(bench.run(to: .milliseconds(700)) == ["100ms send INVITE", "300ms send INVITE", "700ms send INVITE"])
        #expect(bench.runToIdle().last == "6400ms finish timedOut")
    }

    @Test(arguments: [false, true]) func aProvisionalResponseStopsRetransmissionAndTimerB(reliable: Bool) {
        var bench = started(reliable: reliable)
        #expect(bench.feed(response(100)) == ["deliver 100"])
        #expect(bench.timers.isEmpty)
        #expect(bench.feed(response(180)) == ["deliver 180"])
        #expect(bench.runToIdle() == [])  // it may ring for an hour
        #expect(bench.feed(.timerFired(.retransmit)) == [])
        #expect(bench.feed(.timerFired(.timeout)) == [])
    }

    @Test(arguments: [300, 401, 486, 503, 603, 699]) func aRefusalIsAcknowledgedAndAbsorbedForTimerD(status: Int) {
        var bench = started(reliable: false)
        _ = bench.feed(response(180))
        #expect(bench.feed(response(status)) == ["send ACK", "deliver \(status)"])
        #expect(bench.feed(response(status)) == ["send ACK"])
        #expect(bench.feed(response(180)) == [])
        #expect(bench.feed(response(200)) == [])
        #expect(bench.runToIdle() == ["32000ms finish completed"])
        #expect(bench.feed(response(status)) == [])
    }

    @Test func timerDIsZeroOnAReliableTransport() {
        var bench = started(reliable: true)
        #expect(bench.feed(response(486)) == ["send ACK", "deliver 486", "finish completed"])
        #expect(bench.feed(response(486)) == [])
    }

    @Test func timerDIsNeverBelow32Seconds() {
        var bench = Bench(
            InviteClientTransaction(request: invite, reliable: false, timing: Timing(t1: .milliseconds(10))))
        _ = bench.feed(.start)
        _ = bench.feed(response(486))
        #expect(bench.runToIdle() == ["32000ms finish completed"])
    }

    @Test(arguments: [false, true]) func everySuccessGoesUpUntilTimerM(reliable: Bool) {
        var bench = started(reliable: reliable)
        #expect(bench.feed(response(200)) == ["deliver 200"])
        #expect(bench.run(to: .seconds(31)) == [])
        #expect(bench.feed(response(200)) == ["deliver 200"])  // a retransmission or a fork
        #expect(bench.feed(response(180)) == [])
        #expect(bench.feed(response(486)) == [])
        #expect(bench.feed(.transportFailed) == [])
        #expect(bench.runToIdle() == ["32000ms finish completed"])
        #expect(bench.feed(response(200)) == [])
    }

    @Test func transportFailureEndsEachStateOnce() {
        var calling = started(reliable: false)
        #expect(calling.feed(.transportFailed) == ["finish transportFailed"])
        #expect(calling.feed(.transportFailed) == [])
        var proceeding = started(reliable: false)
        _ = proceeding.feed(response(180))
        #expect(proceeding.feed(.transportFailed) == ["finish transportFailed"])
        var completed = started(reliable: false)
        _ = completed.feed(response(486))
        #expect(completed.feed(.transportFailed) == ["finish transportFailed"])
    }

    @Test func nothingBeforeTheStart() {
        var bench = Bench(InviteClientTransaction(request: invite, reliable: false))
        #expect(bench.feed(response(200)) == [])
        #expect(bench.feed(.timerFired(.timeout)) == [])
        #expect(bench.feed(.start) == ["send INVITE"])
        #expect(bench.feed(.start) == [])
    }

    /// RFC 3261 §17.1.1.3, and meta-calling §12.1 (3): same branch, the response's To, the Route of the INVITE.
    @Test func theACKIsMadeOfTheINVITE() throws {
        var request = invite
        request.headers.append(.route, "<sip:proxy.example.com;lr>")
        request.headers.append(.proxyAuthorization, "Digest x=y")
        var machine = InviteClientTransaction(request: request, reliable: true)
        _ = machine.handle(.start, now: Instant(.zero))
        let actions = machine.handle(
            .received(request.response(407, toTag: "b2b-407")), now: Instant(.zero))
        let ack = try #require(
            actions.compactMap { if case .send(let request) = $0 { request } else { nil } }.first)
        #expect(
            ack.encoded().text == """
                ACK sip:b@example.net SIP/2.0\r
                Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK-1\r
                Route: <sip:proxy.example.com;lr>\r
                Max-Forwards: 70\r
                From: <sip:a@example.com>;tag=a\r
                To: <sip:b@example.net>;tag=b2b-407\r
                Call-ID: call@example.com\r
                CSeq: 1 ACK\r
                Content-Length: 0\r
                \r

                """)
    }
}

@Suite struct NonInviteClientTransactionTests {
    private let bye = Requests.make(.bye)

    private func started(reliable: Bool) -> Bench<NonInviteClientTransaction> {
        var bench = Bench(NonInviteClientTransaction(request: bye, reliable: reliable))
        #expect(bench.feed(.start) == ["send BYE"])
        return bench
    }

    private func response(_ status: Int) -> NonInviteClientTransaction.Event { .received(bye.response(status)) }

    @Test func retransmitsByTimerEUpToT2AndEndsByTimerF() {
        var bench = started(reliable: false)
        #expect(
            bench.runToIdle() == [
                "500ms send BYE", "1500ms send BYE", "3500ms send BYE", "7500ms send BYE", "11500ms send BYE",
                "15500ms send BYE", "19500ms send BYE", "23500ms send BYE", "27500ms send BYE", "31500ms send BYE",
                "32000ms finish timedOut",
            ])
    }

    @Test func nothingIsRetransmittedOnAReliableTransport() {
        var bench = started(reliable: true)
        #expect(bench.runToIdle() == ["32000ms finish timedOut"])
    }

    @Test func afterAProvisionalResponseEveryT2() {
        var bench = started(reliable: false)
        #expect(bench.run(to: .milliseconds(600)) == ["500ms send BYE"])
        #expect(bench.feed(response(100)) == ["deliver 100"])
        #expect(bench.feed(response(100)) == ["deliver 100"])
        #expect(
            bench.run(to: .seconds(10)) == ["1500ms send BYE", "5500ms send BYE", "9500ms send BYE"])
        #expect(bench.runToIdle().last == "32000ms finish timedOut")
    }

    @Test(arguments: [200, 302, 401, 481, 503, 603]) func aFinalResponseEndsItAfterTimerK(status: Int) {
        var bench = started(reliable: false)
        #expect(bench.run(to: .seconds(2)).count == 2)
        #expect(bench.feed(response(status)) == ["deliver \(status)"])
        #expect(bench.feed(response(status)) == [])
        #expect(bench.feed(.transportFailed) == [])
        #expect(bench.runToIdle() == ["7000ms finish completed"])
    }

    @Test func timerKIsZeroOnAReliableTransport() {
        var bench = started(reliable: true)
        #expect(bench.feed(response(100)) == ["deliver 100"])
        #expect(bench.feed(response(200)) == ["deliver 200", "finish completed"])
        #expect(bench.feed(response(200)) == [])
    }

    @Test(arguments: [false, true]) func transportFailureEndsIt(reliable: Bool) {
        var trying = started(reliable: reliable)
        #expect(trying.feed(.transportFailed) == ["finish transportFailed"])
        var proceeding = started(reliable: reliable)
        _ = proceeding.feed(response(100))
        #expect(proceeding.feed(.transportFailed) == ["finish transportFailed"])
        #expect(proceeding.feed(response(200)) == [])
    }
}
