import Testing

@testable import SIPCore

/// Session timers and our own requests in the dialog (RFC 4028, RFC 3261 §14.1).
@Suite struct SessionRefreshTests {
    private static let offer = OfferAnswer.offerPeer(
        local: SDPSamples.local, opusPayloadType: 107, eventPayloadType: 101
    ).description
    private static let answer = SDPSamples.body(SDPSamples.asteriskOffer)
    private static let sdp = HeaderField(.contentType, "application/sdp")

    /// A call of ours that was answered with these fields.
    private func called(
        _ fields: [HeaderField], allow: String = "INVITE, ACK, BYE, UPDATE", reoffers: ReofferPolicy = .answer
    ) -> Bench<UACInvite> {
        var bench = Bench(
            UACInvite(
                invite: Request(
                    method: .invite, uri: SIPURI(user: "b", host: "example.net"),
                    headers: [
                        HeaderField(.from, "<sip:a@example.com>;tag=a"), HeaderField(.to, "<sip:b@example.net>"),
                        HeaderField(.callID, "call@example.com"),
                    ], body: Self.offer), party: Parties.pbx, ids: countingIDs(), reoffers: reoffers))
        _ = bench.feed(.start)
        let ok = bench.machine.invite.response(
            200, toTag: "b",
            headers: [HeaderField(.contact, "<sip:pbx@192.0.2.20:5060>"), HeaderField(.allow, allow), Self.sdp]
                + fields, body: Self.answer)
        #expect(bench.feed(.received(ok)) == ["ACK 1 to b", "answered 200"])
        return bench
    }

    private func expires(_ value: String) -> HeaderField { HeaderField(.sessionExpires, value) }

    /// Their response to our request of that number.
    private func reply(
        _ status: Int, _ method: Method, _ number: UInt32, _ headers: [HeaderField] = [], body: [UInt8] = []
    ) -> UACInvite.Event {
        .inDialog(
            .responded(
                Response(
                    status: status, reason: "",
                    headers: Headers(
                        [
                            HeaderField(.from, "<sip:a@example.com>;tag=a"),
                            HeaderField(.to, "<sip:b@example.net>;tag=b"), HeaderField(.callID, "call@example.com"),
                            HeaderField(.cseq, "\(number) \(method)"),
                        ] + headers), body: body)))
    }

    private func theirs(
        _ method: Method, _ number: UInt32, _ headers: [HeaderField] = [], body: [UInt8] = []
    ) -> UACInvite.Event {
        .request(
            Requests.make(
                method, branch: "z9hG4bK-\(number)", number: number, toTag: "a", fromTag: "b", headers: headers,
                body: body))
    }

    private func sent(_ bench: Bench<UACInvite>, timer: SessionTimerID, at: Duration) throws -> Request {
        var machine = bench.machine
        for action in machine.handle(.timerFired(timer), now: Instant(at)) {
            if case .send(let request) = action { return request }
        }
        throw Missing()
    }
    private struct Missing: Error {}

    // MARK: We refresh

    @Test func byUPDATEAtHalfTimeWithoutADescription() throws {
        var bench = called([expires("90;refresher=uac")])
        let update = try sent(bench, timer: .refresh, at: .seconds(45))
        #expect(update.body.isEmpty)
        #expect(update.headers[first: .sessionExpires] == "90;refresher=uac")
        #expect(update.headers.knows("timer"))
        #expect(update.headers[first: .contact] == Parties.pbx.contact)
        #expect(bench.run(to: .seconds(50)) == ["45000ms send UPDATE 2"])
        #expect(bench.feed(reply(200, .update, 2, [expires("90;refresher=uac")])) == [])
        // Again half a time after the answer, and the call lives on.
        #expect(bench.run(to: .seconds(96)) == ["95000ms send UPDATE 3"])
        #expect(bench.feed(reply(200, .update, 3, [expires("90;refresher=uac")])) == [])
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 4", "ended byUs"])
        #expect(bench.feed(.byeFinished(200)) == ["finish"])
        #expect(bench.runToIdle() == [])
    }

    @Test func byReINVITEWhereThePeerHasNoUPDATE() throws {
        var bench = called([expires("90;refresher=uac")], allow: "INVITE, ACK, BYE")
        let invite = try sent(bench, timer: .refresh, at: .seconds(45))
        #expect(invite.body == Self.offer)  // octet for octet: the same version
        #expect(invite.headers.contentType == "application/sdp")
        #expect(bench.run(to: .seconds(45)) == ["45000ms send INVITE 2"])
        #expect(bench.feed(reply(100, .invite, 2)) == [])
        let ok = reply(200, .invite, 2, [expires("90;refresher=uac"), Self.sdp], body: Self.answer)
        #expect(bench.feed(ok) == ["ACK 2 to b", "media 192.0.2.20:12004 sendrecv"])
        #expect(bench.feed(ok) == ["ACK 2 to b"])
        #expect(bench.run(to: .seconds(90)) == ["90000ms send INVITE 3"])
    }

    @Test func anUPDATEThatIsNotKnownBecomesAReINVITE() {
        var bench = called([expires("90;refresher=uac")])
        _ = bench.run(to: .seconds(45))
        #expect(bench.feed(reply(501, .update, 2)) == ["send INVITE 3"])
        #expect(bench.feed(reply(500, .invite, 3)) == [])
        // Other failures: again, as long as the session lives.
        #expect(
            bench.run(to: .seconds(60)) == [
                "55000ms send INVITE 4", "60000ms send BYE 5", "60000ms ended sessionExpired",
            ])
    }

    @Test(arguments: [408, 481]) func aPeerThatKnowsNoCallEndsIt(_ status: Int) {
        var bench = called([expires("90;refresher=uac")])
        _ = bench.run(to: .seconds(45))
        #expect(bench.feed(reply(status, .update, 2)) == ["send BYE 3", "ended refreshFailed \(status)"])
        #expect(bench.feed(.byeFinished(481)) == ["finish"])
    }

    @Test func aRefreshWithoutAnAnswerEndsTheCall() {
        var bench = called([expires("1800;refresher=uac")])
        #expect(bench.run(to: .seconds(900)) == ["900000ms send UPDATE 2"])
        let failed = UACInvite.Event.inDialog(.requestFailed(CSeq(number: 2, method: .update), .timedOut))
        #expect(bench.feed(failed) == ["send BYE 3", "ended refreshFailed 408"])
    }

    @Test func a422IsTakenUp() throws {
        var bench = called([expires("90;refresher=uac")])
        _ = bench.run(to: .seconds(45))
        #expect(bench.feed(reply(422, .update, 2, [HeaderField(.minSE, "400")])) == ["send UPDATE 3"])
        #expect(bench.feed(reply(200, .update, 3, [expires("400;refresher=uac")])) == [])
        #expect(bench.run(to: .seconds(244)) == [])
        #expect(bench.run(to: .seconds(245)) == ["245000ms send UPDATE 4"])
    }

    @Test func twoReINVITEsThatCrossAreTriedAgainAfterAWhile() {
        var bench = called([expires("90;refresher=uac")], allow: "INVITE, ACK, BYE")
        _ = bench.run(to: .seconds(45))
        // Theirs meets ours: 491 both ways (RFC 3261 §14.2).
        #expect(bench.feed(theirs(.invite, 10, [Self.sdp], body: Self.answer)) == ["INVITE gets 491", "saw INVITE"])
        #expect(bench.feed(theirs(.update, 11, [Self.sdp], body: Self.answer)) == ["UPDATE gets 491", "saw UPDATE"])
        #expect(bench.feed(reply(491, .invite, 2)) == [])
        let again = bench.run(to: .seconds(50))
        #expect(again.count == 1 && again.first?.hasSuffix("send INVITE 3") == true)
        // Ours is the Call-ID: 2.1–4 s.
        let wait = again.first.flatMap { Int($0.prefix { $0 != "m" }) } ?? 0
        #expect((47_100...49_000).contains(wait) && wait % 10 == 0)
        // Theirs passes meanwhile.
        #expect(bench.feed(reply(491, .invite, 3)) == [])
        #expect(
            bench.feed(theirs(.invite, 12, [Self.sdp], body: Self.answer))
                == ["INVITE gets 200", "saw INVITE", "media 192.0.2.20:12004 sendrecv"])
    }

    @Test func ourReINVITEWaitsForTheEndOfTheirs() {
        var bench = called([expires("90;refresher=uac")], allow: "INVITE, ACK, BYE")
        _ = bench.run(to: .milliseconds(44_900))
        // It says nothing of the timer, so the timer ends with it; this one keeps it.
        _ = bench.feed(theirs(.invite, 10, [HeaderField(.supported, "timer"), Self.sdp], body: Self.answer))
        #expect(bench.feed(theirs(.ack, 10)) == ["saw ACK"])
        #expect(bench.run(to: .milliseconds(89_000)) == [])
        _ = bench.feed(theirs(.invite, 11, [HeaderField(.supported, "timer"), Self.sdp], body: Self.answer))
        #expect(bench.feed(theirs(.ack, 11)) == ["saw ACK"])
        #expect(bench.run(to: .milliseconds(134_000)) == ["134000ms send INVITE 2"])
    }

    // MARK: They refresh

    @Test func nobodyRefreshesInTime() throws {
        var bench = called([expires("90;refresher=uas")])
        let bye = try sent(bench, timer: .sessionExpiry, at: .seconds(60))
        #expect(bye.headers[first: .reason] == "SIP;cause=408;text=\"Session expired\"")
        #expect(bench.runToIdle() == ["60000ms send BYE 2", "60000ms ended sessionExpired"])
        #expect(bench.feed(.byeFinished(nil)) == ["finish"])
    }

    @Test func theirRefreshKeepsTheCall() {
        var bench = called([expires("90;refresher=uas")])
        let fields = [HeaderField(.supported, "timer"), expires("90;refresher=uac")]
        for number in 10..<20 {
            let now = bench.now.sinceOrigin
            #expect(bench.run(to: now + .seconds(59)) == [])
            #expect(bench.feed(theirs(.update, UInt32(number), fields)) == ["UPDATE gets 200", "saw UPDATE"])
        }
        #expect(bench.runToIdle().last == "650000ms ended sessionExpired")
    }

    @Test func theyAskForTooLittle() throws {
        var bench = called([])
        let fields = [HeaderField(.supported, "timer"), expires("30")]
        var machine = bench.machine
        #expect(bench.feed(theirs(.update, 10, fields)) == ["UPDATE gets 422", "saw UPDATE"])
        guard
            case .respondTo(_, let response) = try #require(
                machine.handle(theirs(.update, 10, fields), now: bench.now).first)
        else {
            Issue.record("no response")
            return
        }
        #expect(response.headers[first: .minSE] == "90")
    }

    @Test func withoutAnAgreementThereIsNoTimer() {
        var bench = called([])
        #expect(bench.timers.isEmpty)
        #expect(bench.runToIdle() == [])
    }

    /// Meta's side never has a timer, whatever its 200 says.
    @Test func neverTowardsMeta() {
        var bench = called([expires("90;refresher=uas")], reoffers: .refuse)
        #expect(bench.machine.invite.headers[first: .supported] == nil)
        #expect(bench.machine.invite.headers[first: .sessionExpires] == nil)
        #expect(bench.runToIdle() == [])
    }

    @Test func aBYEThatCrossesOurReINVITE() {
        var bench = called([expires("90;refresher=uac")], allow: "INVITE, ACK, BYE")
        _ = bench.run(to: .seconds(45))
        #expect(bench.feed(theirs(.bye, 10)) == ["BYE gets 200", "ended byPeer", "finish"])
        // Taken before the BYE went out: the ACK is owed all the same.
        #expect(bench.feed(reply(200, .invite, 2, [Self.sdp], body: Self.answer)) == ["ACK 2 to b"])
        #expect(bench.runToIdle() == [])
    }

    // MARK: A call of theirs

    @Test func aCallThatCameInIsWatchedToo() throws {
        let invite = Requests.make(
            .invite, number: 9,
            headers: [
                HeaderField(.supported, "timer"), expires("90;refresher=uas"), HeaderField(.allow, "INVITE, UPDATE"),
                Self.sdp,
            ], body: Self.answer)
        #expect(UASInvite.refusal(of: invite, reoffers: .answer) == nil)
        var bench = Bench(
            UASInvite(invite: invite, localTag: "b", party: Parties.pbx, ids: countingIDs(), reoffers: .answer))
        var machine = bench.machine
        guard
            case .respond(let ok) = try #require(
                machine.handle(.answer(body: Self.offer, headers: []), now: bench.now).first)
        else {
            Issue.record("no 200")
            return
        }
        #expect(ok.headers[first: .sessionExpires] == "90;refresher=uas" && ok.headers[first: .require] == "timer")
        #expect(bench.feed(.answer(body: Self.offer, headers: [])) == ["respond 200"])
        #expect(
            bench.feed(.received(Requests.make(.ack, number: 9, toTag: "b"))) == ["acknowledged"])
        #expect(bench.run(to: .seconds(46)) == ["45000ms send UPDATE 1"])
    }

    @Test func anINVITEThatAsksForTooLittleIsRefused() throws {
        let short = Requests.make(.invite, headers: [HeaderField(.supported, "timer"), expires("60")])
        let refusal = try #require(UASInvite.refusal(of: short, reoffers: .answer))
        #expect(refusal.status == 422 && refusal.headers == [HeaderField(.minSE, "90")])
        #expect(UASInvite.refusal(of: short, reoffers: .refuse) == nil)
        let strange = Requests.make(.invite, headers: [HeaderField(.require, "timer, precondition, 100rel")])
        #expect(
            UASInvite.refusal(of: strange, reoffers: .answer)?.headers == [HeaderField(.unsupported, "precondition")])
        #expect(
            UASInvite.refusal(of: strange, reoffers: .refuse)?.headers
                == [HeaderField(.unsupported, "timer, precondition, 100rel")])
    }

    @Test func our422IsTakenUpByTheINVITE() throws {
        var bench = Bench(
            UACInvite(
                invite: Request(
                    method: .invite, uri: SIPURI(user: "b", host: "example.net"),
                    headers: [
                        HeaderField(.from, "<sip:a@example.com>;tag=a"), HeaderField(.to, "<sip:b@example.net>"),
                        HeaderField(.callID, "call@example.com"),
                    ], body: Self.offer), party: Parties.pbx, ids: countingIDs(), timer: .init(interval: 120)))
        _ = bench.feed(.start)
        func refuse(_ least: Int) -> UACInvite.Event {
            .received(bench.machine.invite.response(422, toTag: "b", headers: [HeaderField(.minSE, "\(least)")]))
        }
        #expect(bench.feed(refuse(500)) == ["send INVITE 2"])
        #expect(bench.machine.invite.headers.all(.sessionExpires) == ["500"])
        #expect(bench.machine.invite.headers[first: .minSE] == "500")
        #expect(bench.feed(refuse(500)) == ["failed 422 by 422", "finish"])
    }
}
