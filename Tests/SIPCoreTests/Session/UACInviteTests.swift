import Testing

@testable import SIPCore

@Suite struct UACInviteTests {
    private static let offer = OfferAnswer.offerPeer(
        local: SDPSamples.local, opusPayloadType: 107, eventPayloadType: 101
    ).description

    private func make(_ ids: IDSource = countingIDs()) -> UACInvite {
        UACInvite(
            invite: Request(
                method: .invite, uri: SIPURI(user: "b", host: "example.net"),
                headers: [
                    HeaderField(.from, "<sip:a@example.com>;tag=a"), HeaderField(.to, "<sip:b@example.net>"),
                    HeaderField(.callID, "call@example.com"), HeaderField("X-WA-Id", "wacid.1"),
                ], body: Self.offer), party: Parties.pbx, ids: ids)
    }

    private func started() -> Bench<UACInvite> {
        var bench = Bench(make())
        #expect(bench.feed(.start) == ["send INVITE 1"])
        return bench
    }

    private func response(_ status: Int, to bench: Bench<UACInvite>, tag: String = "b") -> UACInvite.Event {
        .received(
            bench.machine.invite.response(
                status, toTag: status > 100 ? tag : nil,
                headers: [HeaderField(.contact, "<sip:pbx@192.0.2.20:5060>")]))
    }

    private func established() -> Bench<UACInvite> {
        var bench = started()
        #expect(bench.feed(response(200, to: bench)) == ["ACK 1 to b", "answered 200"])
        return bench
    }

    private func inside(
        _ method: Method, _ number: UInt32, headers: [HeaderField] = [], body: [UInt8] = []
    ) -> UACInvite.Event {
        .request(
            Requests.make(
                method, branch: "z9hG4bK-\(number)", number: number, toTag: "a", fromTag: "b", headers: headers,
                body: body))
    }

    // MARK: Calling

    /// The order of meta-calling §12.2 (1).
    @Test func theINVITEIsComplete() {
        #expect(
            Message.request(make().invite).encoded().text.hasPrefix(
                """
                INVITE sip:b@example.net SIP/2.0\r
                Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKid1\r
                Max-Forwards: 70\r
                From: <sip:a@example.com>;tag=a\r
                To: <sip:b@example.net>\r
                Call-ID: call@example.com\r
                CSeq: 1 INVITE\r
                Contact: <sip:ibis@192.0.2.10:5060>\r
                Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r
                User-Agent: Ibis\r
                Supported: 100rel, norefersub, timer\r
                Session-Expires: 1800\r
                X-WA-Id: wacid.1\r
                Content-Type: application/sdp\r
                Content-Length: \(Self.offer.count)\r
                \r
                v=0
                """))
    }

    @Test func ringsIsAnsweredAndHungUpByThem() {
        var bench = started()
        #expect(bench.feed(response(100, to: bench)) == ["provisional 100"])
        #expect(bench.feed(response(180, to: bench)) == ["provisional 180"])
        #expect(bench.machine.dialog == nil)
        #expect(bench.feed(response(200, to: bench)) == ["ACK 1 to b", "answered 200"])
        #expect(bench.machine.dialog?.remoteTarget == "sip:pbx@192.0.2.20:5060")
        #expect(bench.timers.isEmpty)
        #expect(bench.feed(inside(.bye, 1)) == ["BYE gets 200", "ended byPeer", "finish"])
        #expect(bench.feed(inside(.bye, 2)) == ["BYE gets 481"])
    }

    @Test(arguments: [302, 404, 480, 486, 488, 503, 603]) func isRefused(status: Int) {
        var bench = started()
        #expect(bench.feed(response(status, to: bench)) == ["failed \(status) by \(status)", "finish"])
        #expect(bench.feed(.cancel(headers: [])) == [])
        #expect(bench.feed(.failed(.timedOut)) == [])
    }

    @Test func nobodyAnswers() {
        var bench = started()
        #expect(bench.feed(.failed(.timedOut)) == ["failed 408", "finish"])
        var gone = started()
        _ = gone.feed(response(180, to: gone))
        #expect(gone.feed(.failed(.transportFailed)) == ["failed 503", "finish"])
    }

    @Test func aChallengeIsAnsweredOnce() throws {
        var bench = started()
        let first = bench.machine.invite
        #expect(bench.feed(response(407, to: bench)) == ["challenged 407"])
        #expect(bench.feed(response(407, to: bench)) == [])
        #expect(bench.feed(.authorize(HeaderField(.proxyAuthorization, "Digest 1"))) == ["send INVITE 2"])
        let second = bench.machine.invite
        #expect(second.headers[first: .proxyAuthorization] == "Digest 1")
        #expect(second.headers.topVia?.branch != first.headers.topVia?.branch)
        #expect(second.headers.from == first.headers.from && second.headers.callID == first.headers.callID)
        #expect(second.headers.to?.tag == nil)
        #expect(bench.feed(response(407, to: bench)) == ["challenged 407"])
        #expect(bench.feed(.authorize(HeaderField(.proxyAuthorization, "Digest 2"))) == ["send INVITE 3"])
        #expect(bench.machine.invite.headers.all(.proxyAuthorization) == ["Digest 2"])
        let actions = bench.machine.handle(response(200, to: bench), now: bench.now)
        guard case .sendACK(let ack) = try #require(actions.first) else {
            Issue.record("no ACK")
            return
        }
        #expect(ack.headers[first: .cseq] == "3 ACK" && ack.headers[first: .proxyAuthorization] == "Digest 2")
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 4", "ended byUs"])
    }

    @Test func aChallengeThatCannotBeAnsweredIsAFailure() {
        var bench = started()
        _ = bench.feed(response(401, to: bench))
        #expect(bench.feed(.cancel(headers: [])) == ["failed 401 by 401", "finish"])
    }

    // MARK: Giving up

    @Test func aCANCELWaitsForAProvisionalResponse() {
        var bench = started()
        #expect(bench.feed(.cancel(headers: [HeaderField(.reason, "SIP;cause=200")])) == [])
        #expect(bench.feed(.cancel(headers: [])) == [])
        #expect(bench.feed(response(100, to: bench)) == ["send CANCEL 1"])
        #expect(bench.feed(response(180, to: bench)) == [])
        #expect(bench.feed(response(487, to: bench)) == ["failed 487 by 487", "finish"])
    }

    @Test func theCANCELNamesTheINVITE() throws {
        var bench = started()
        _ = bench.feed(response(180, to: bench))
        let actions = bench.machine.handle(
            .cancel(headers: [HeaderField(.reason, "SIP;cause=200;text=\"Answered elsewhere\"")]), now: bench.now)
        guard case .send(let cancel) = try #require(actions.first) else {
            Issue.record("no CANCEL")
            return
        }
        #expect(
            cancel.encoded().text == """
                CANCEL sip:b@example.net SIP/2.0\r
                Via: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bKid1\r
                Max-Forwards: 70\r
                From: <sip:a@example.com>;tag=a\r
                To: <sip:b@example.net>\r
                Call-ID: call@example.com\r
                CSeq: 1 CANCEL\r
                Reason: SIP;cause=200;text="Answered elsewhere"\r
                Content-Length: 0\r
                \r

                """)
    }

    @Test func hangingUpWhileItRingsIsACANCEL() {
        var bench = started()
        _ = bench.feed(response(180, to: bench))
        #expect(bench.feed(.bye(headers: [])) == ["send CANCEL 1"])
        #expect(bench.feed(.bye(headers: [])) == [])
        #expect(bench.feed(response(487, to: bench)) == ["failed 487 by 487", "finish"])
    }

    @Test func aLateAnswerAfterTheCANCELIsHungUp() {
        var bench = started()
        _ = bench.feed(response(180, to: bench))
        _ = bench.feed(.cancel(headers: []))
        #expect(bench.feed(response(200, to: bench)) == ["ACK 1 to b", "send BYE 2", "failed 487"])
        #expect(bench.feed(response(200, to: bench)) == ["ACK 1 to b"])
        #expect(bench.feed(.byeFinished(200)) == ["finish"])
        #expect(bench.runToIdle() == [])
    }

    @Test func anAnswerWhileTheCANCELIsStillHeldIsHungUp() {
        var bench = started()
        _ = bench.feed(.cancel(headers: []))
        #expect(bench.feed(response(200, to: bench)) == ["ACK 1 to b", "send BYE 2", "failed 487"])
        #expect(bench.feed(inside(.bye, 1)) == ["BYE gets 200"])
        #expect(bench.feed(.byeFinished(200)) == ["finish"])
    }

    @Test func aRefusalWhileTheCANCELIsHeldEndsIt() {
        var bench = started()
        _ = bench.feed(.cancel(headers: []))
        #expect(bench.feed(response(407, to: bench)) == ["failed 487 by 407", "finish"])
        var silent = started()
        _ = silent.feed(.cancel(headers: []))
        #expect(silent.feed(.failed(.timedOut)) == ["failed 487", "finish"])
    }

    @Test func aCancelledINVITEThatNeverEndsIsGivenUp() {
        var bench = started()
        _ = bench.feed(response(180, to: bench))
        _ = bench.feed(.cancel(headers: []))
        #expect(bench.runToIdle() == ["32000ms failed 487", "32000ms finish"])
        // Should it come after all, the peer is not left with a dangling dialog.
        #expect(bench.feed(response(200, to: bench)) == ["ACK 1 to b", "send BYE 2"])
        #expect(bench.feed(response(200, to: bench)) == ["ACK 1 to b"])
    }

    @Test func beforeTheStartThereIsNothingToCancel() {
        var bench = Bench(make())
        #expect(bench.feed(.cancel(headers: [])) == ["failed 487", "finish"])
        #expect(bench.feed(.start) == [])
    }

    // MARK: Answered

    @Test func aRepeatedAnswerGetsTheSameACK() {
        var bench = started()
        let answer = response(200, to: bench)
        let first = bench.machine.handle(answer, now: bench.now).first
        let second = bench.machine.handle(answer, now: bench.now)
        #expect(second == [first].compactMap(\.self))
    }

    @Test func aForkIsAcknowledgedAndHungUp() {
        var bench = established()
        #expect(bench.feed(response(200, to: bench, tag: "fork")) == ["ACK 1 to fork", "send BYE 2"])
        #expect(bench.feed(response(200, to: bench, tag: "fork")) == ["ACK 1 to fork"])
        #expect(bench.feed(response(200, to: bench)) == ["ACK 1 to b"])
        #expect(bench.feed(.byeFinished(200)) == [])
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 2", "ended byUs"])
        #expect(bench.feed(.byeFinished(200)) == ["finish"])
    }

    @Test func forksAreNotFollowedWithoutEnd() {
        var bench = established()
        for fork in 0..<20 { _ = bench.feed(response(200, to: bench, tag: "fork\(fork)")) }
        #expect(bench.feed(response(200, to: bench, tag: "fork0")) == ["ACK 1 to fork0"])
        #expect(bench.feed(response(200, to: bench, tag: "fork19")) == [])
    }

    @Test func bothHangUpAtOnce() {
        var bench = established()
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 2", "ended byUs"])
        #expect(bench.feed(inside(.bye, 7)) == ["BYE gets 200"])
        #expect(bench.feed(.byeFinished(nil)) == ["finish"])
    }

    @Test func aCANCELThatCrossesTheAnswerIsABYE() {
        var bench = established()
        #expect(bench.feed(.cancel(headers: [])) == ["send BYE 2", "ended byUs"])
    }

    // MARK: The PBX's other requests

    struct Row: CustomTestStringConvertible {
        var name: String
        var method: Method
        var headers: [HeaderField] = []
        var body: [UInt8] = []
        var status: Int
        /// A part of the answer's body.
        var answer: String?
        /// Which way the peer's media flows now.
        var media: String?
        var testDescription: String { name }
    }

    static let sdp = HeaderField(.contentType, "application/sdp")
    static func offer(_ from: String, _ to: String) -> [UInt8] {
        SDPSamples.body(replacedText(SDPSamples.asteriskOffer, from, to))
    }
    static let rows: [Row] = [
        .init(
            name: "connected-line update", method: .invite, headers: [sdp],
            body: SDPSamples.body(SDPSamples.asteriskOffer), status: 200, answer: "a=sendrecv",
            media: "sendrecv"),
        .init(
            name: "hold", method: .invite, headers: [sdp], body: offer("a=sendrecv", "a=sendonly"), status: 200,
            answer: "a=recvonly", media: "sendonly"),
        .init(
            name: "inactive", method: .invite, headers: [sdp], body: offer("a=sendrecv", "a=inactive"), status: 200,
            answer: "a=inactive", media: "inactive"),
        .init(
            name: "session refresh without a body", method: .invite, status: 200,
            answer: "m=audio 20000 RTP/AVP 107 101"),
        .init(name: "UPDATE without a body", method: .update, status: 200),
        .init(
            name: "UPDATE with an offer", method: .update, headers: [sdp],
            body: SDPSamples.body(SDPSamples.asteriskOffer), status: 200, answer: "m=audio 20000 RTP/AVP 107 101",
            media: "sendrecv"),
        .init(
            name: "change to G.711", method: .invite, headers: [sdp], body: offer("107 8 0 101", "8 0 101"), status: 488
        ),
        .init(
            name: "no SDP", method: .invite, headers: [HeaderField(.contentType, "text/plain")], body: [0x61],
            status: 415),
        .init(name: "unreadable", method: .invite, headers: [sdp], body: [0x61], status: 400),
        .init(name: "INFO", method: .info, status: 200),
        .init(name: "OPTIONS", method: .options, status: 200),
        .init(name: "REFER to nobody", method: .refer, status: 400),
        .init(name: "NOTIFY", method: .notify, status: 481),
        .init(name: "PRACK", method: .prack, status: 481),
        .init(name: "SUBSCRIBE", method: .subscribe, status: 405),
        .init(name: "MESSAGE", method: .message, status: 405),
        .init(name: "unknown", method: "FROBNICATE", status: 501),
        .init(
            name: "required extension", method: .invite, headers: [HeaderField(.require, "precondition")], status: 420),
        .init(
            name: "required extension that we have", method: .invite, headers: [HeaderField(.require, "Timer")],
            status: 200, answer: "m=audio 20000 RTP/AVP 107 101"),
    ]

    @Test(arguments: rows) func thePBXMayAskWithoutEndingTheCall(_ row: Row) throws {
        var bench = established()
        let event = inside(row.method, 10, headers: row.headers, body: row.body)
        var copy = bench.machine
        let media = row.media.map { ["media 192.0.2.20:12004 \($0)"] } ?? []
        #expect(bench.feed(event) == ["\(row.method) gets \(row.status)", "saw \(row.method)"] + media)
        if row.method == .invite, row.status == 200 {
            #expect(bench.run(to: .seconds(1)) == ["500ms INVITE gets 200"])
            #expect(bench.feed(inside(.ack, 9)) == [])
            #expect(bench.feed(inside(.ack, 10)) == ["saw ACK"])
        }
        #expect(bench.runToIdle() == [])
        guard case .respondTo(_, let response) = try #require(copy.handle(event, now: Instant(.zero)).first) else {
            Issue.record("no response")
            return
        }
        if let answer = row.answer {
            #expect(response.body.text.contains(answer))
            #expect(response.headers.contentType == "application/sdp")
            #expect(response.headers[first: .contact] == Parties.pbx.contact)
        } else {
            #expect(response.body.isEmpty)
        }
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 2", "ended byUs"])
    }

    @Test func aReanswerWithoutACKEndsTheCall() {
        var bench = established()
        _ = bench.feed(inside(.invite, 10))
        #expect(bench.runToIdle().suffix(2) == ["32000ms send BYE 2", "32000ms ended noACK"])
    }

    @Test func theNextReINVITEStandsForTheACK() {
        var bench = established()
        _ = bench.feed(inside(.invite, 10))
        #expect(bench.feed(inside(.invite, 11)) == ["INVITE gets 200", "saw INVITE"])
        #expect(bench.feed(inside(.ack, 11)) == ["saw ACK"])
        #expect(bench.runToIdle() == [])
    }

    @Test func aBYEStopsTheReanswer() {
        var bench = established()
        _ = bench.feed(inside(.invite, 10))
        #expect(bench.feed(inside(.bye, 11)) == ["BYE gets 200", "ended byPeer", "finish"])
        #expect(bench.runToIdle() == [])
    }

    @Test func aReINVITEMovesTheRemoteTarget() {
        var bench = established()
        var request = Requests.make(.invite, number: 10, toTag: "a", fromTag: "b")
        request.headers.set(.contact, "<sip:moved@192.0.2.21:5080>")
        _ = bench.feed(.request(request))
        #expect(bench.machine.dialog?.remoteTarget == "sip:moved@192.0.2.21:5080")
    }

    @Test func requestsBeforeTheAnswer() {
        var bench = started()
        _ = bench.feed(response(183, to: bench))
        #expect(
            bench.feed(inside(.update, 1, headers: [Self.sdp], body: Self.offer)) == ["UPDATE gets 491", "saw UPDATE"])
        #expect(bench.feed(inside(.options, 2)) == ["OPTIONS gets 200", "saw OPTIONS"])
        #expect(bench.feed(inside(.invite, 3)) == ["INVITE gets 500", "saw INVITE"])
        #expect(bench.feed(inside(.bye, 4)) == ["BYE gets 481", "saw BYE"])
        #expect(bench.feed(response(200, to: bench)) == ["ACK 1 to b", "answered 200"])
    }
}
