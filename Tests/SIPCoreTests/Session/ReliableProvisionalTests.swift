import Testing

@testable import SIPCore

/// RFC 3262, both sides, towards a PBX.
@Suite struct ReliableProvisionalTests {
    private static let sdp = HeaderField(.contentType, "application/sdp")
    private static let offer = OfferAnswer.offerPeer(
        local: SDPSamples.local, opusPayloadType: 107, eventPayloadType: 101
    ).description
    private static let answer = SDPSamples.body(SDPSamples.asteriskOffer)

    // MARK: We call

    private func calling(_ reoffers: ReofferPolicy = .answer) -> Bench<UACInvite> {
        var bench = Bench(
            UACInvite(
                invite: Request(
                    method: .invite, uri: SIPURI(user: "b", host: "example.net"),
                    headers: [
                        HeaderField(.from, "<sip:a@example.com>;tag=a"), HeaderField(.to, "<sip:b@example.net>"),
                        HeaderField(.callID, "call@example.com"),
                    ], body: Self.offer), party: Parties.pbx, ids: countingIDs(), reoffers: reoffers))
        #expect(bench.feed(.start) == ["send INVITE 1"])
        return bench
    }

    private func provisional(
        _ status: Int, rSeq: UInt32?, to bench: Bench<UACInvite>, tag: String = "b", body: [UInt8] = []
    ) -> UACInvite.Event {
        let reliable = rSeq.map { [HeaderField(.require, "100rel"), HeaderField(.rSeq, "\($0)")] } ?? []
        return .received(
            bench.machine.invite.response(
                status, toTag: tag,
                headers: [HeaderField(.contact, "<sip:pbx@192.0.2.20:5060>")] + (body.isEmpty ? [] : [Self.sdp])
                    + reliable, body: body))
    }

    private func theirs(
        _ method: Method, _ number: UInt32, body: [UInt8] = [], tag: String = "b"
    ) -> UACInvite.Event {
        .request(
            Requests.make(
                method, branch: "z9hG4bK-\(number)", number: number, toTag: "a", fromTag: tag,
                headers: body.isEmpty ? [] : [Self.sdp], body: body))
    }

    @Test func eachReliableResponseGetsItsPRACK() throws {
        var bench = calling()
        var machine = bench.machine
        let actions = machine.handle(provisional(183, rSeq: 700, to: bench), now: bench.now)
        guard case .send(let prack) = try #require(actions.first) else {
            Issue.record("no PRACK")
            return
        }
        #expect(prack.headers[first: .rAck] == "700 1 INVITE")
        #expect(prack.headers[first: .to] == "<sip:b@example.net>;tag=b")
        #expect(prack.uri.description == "sip:pbx@192.0.2.20:5060" && prack.body.isEmpty)

        #expect(bench.feed(provisional(183, rSeq: 700, to: bench)) == ["send PRACK 2", "provisional 183"])
        #expect(bench.feed(provisional(183, rSeq: 700, to: bench)) == [])  // repeated
        #expect(bench.feed(provisional(180, rSeq: 702, to: bench)) == [])  // 701 is missing
        #expect(bench.feed(provisional(180, rSeq: 701, to: bench)) == ["send PRACK 3", "provisional 180"])
        #expect(bench.feed(provisional(180, rSeq: 702, to: bench)) == ["send PRACK 4", "provisional 180"])
        #expect(bench.feed(provisional(180, rSeq: nil, to: bench)) == ["provisional 180"])
        // The numbers of the dialog go on.
        #expect(
            bench.feed(.received(bench.machine.invite.response(200, toTag: "b"))) == ["ACK 1 to b", "answered 200"])
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 5", "ended byUs"])
    }

    @Test func forksCountForThemselves() {
        var bench = calling()
        #expect(bench.feed(provisional(180, rSeq: 1, to: bench, tag: "x")) == ["send PRACK 2", "provisional 180"])
        #expect(bench.feed(provisional(180, rSeq: 1, to: bench, tag: "y")) == ["send PRACK 2", "provisional 180"])
        for fork in 0..<20 { _ = bench.feed(provisional(180, rSeq: 1, to: bench, tag: "fork\(fork)")) }
        #expect(bench.feed(provisional(180, rSeq: 1, to: bench, tag: "z")) == ["provisional 180"])
    }

    /// The answer may come with the 183 alone (RFC 3261 §13.2.1).
    @Test func anAnswerInAReliableResponseIsTheAnswer() throws {
        var bench = calling()
        _ = bench.feed(provisional(183, rSeq: 1, to: bench, body: Self.answer))
        var machine = bench.machine
        let ok = UACInvite.Event.received(bench.machine.invite.response(200, toTag: "b"))
        let reports = machine.handle(ok, now: bench.now)
        let body = reports.compactMap { action -> [UInt8]? in
            if case .report(.answered(let response)) = action { response.body } else { nil }
        }
        #expect(body == [Self.answer])
    }

    @Test func earlyMediaThatNobodyAsksForIsNoAnswer() throws {
        var bench = calling()
        _ = bench.feed(provisional(183, rSeq: nil, to: bench, body: Self.answer))
        var machine = bench.machine
        let reports = machine.handle(.received(bench.machine.invite.response(200, toTag: "b")), now: bench.now)
        #expect(reports.contains { if case .report(.answered(let ok)) = $0 { ok.body.isEmpty } else { false } })
    }

    /// RFC 3311 §5.2.
    @Test func UPDATEInTheEarlyDialog() {
        var bench = calling()
        _ = bench.feed(provisional(180, rSeq: 1, to: bench))
        #expect(bench.feed(theirs(.update, 1, body: Self.answer)) == ["UPDATE gets 491", "saw UPDATE"])
        #expect(bench.feed(theirs(.update, 2)) == ["UPDATE gets 200", "saw UPDATE"])
        _ = bench.feed(provisional(183, rSeq: 2, to: bench, body: Self.answer))
        let moved = SDPSamples.body(replacedText(SDPSamples.asteriskOffer, "m=audio 12004", "m=audio 12008"))
        #expect(bench.feed(theirs(.update, 3, body: moved)) == ["UPDATE gets 200", "saw UPDATE"])
        #expect(bench.feed(theirs(.update, 2)) == ["UPDATE gets 500", "saw UPDATE"])  // older than the last
        // Media went there before the 200, which is told once it is there.
        #expect(
            bench.feed(.received(bench.machine.invite.response(200, toTag: "b")))
                == ["ACK 1 to b", "answered 200", "media 192.0.2.20:12008 sendrecv"])
    }

    @Test func neverTowardsMeta() {
        var bench = calling(.refuse)
        #expect(bench.feed(provisional(180, rSeq: 1, to: bench)) == ["provisional 180"])
        #expect(bench.feed(provisional(180, rSeq: 1, to: bench)) == ["provisional 180"])
    }

    // MARK: We are called

    private func called(
        _ headers: [HeaderField] = [HeaderField(.require, "100rel")], body: [UInt8] = answer,
        reoffers: ReofferPolicy = .answer
    ) -> Bench<UASInvite> {
        Bench(
            UASInvite(
                invite: Requests.make(.invite, number: 9, headers: headers + [Self.sdp], body: body), localTag: "b",
                party: Parties.pbx, ids: countingIDs(), reoffers: reoffers))
    }

    private func prack(_ rSeq: UInt32, _ number: UInt32, invite: UInt32 = 9) -> UASInvite.Event {
        .received(
            Requests.make(
                .prack, branch: "z9hG4bK-\(number)", number: number, toTag: "b",
                headers: [HeaderField(.rAck, "\(rSeq) \(invite) INVITE")]))
    }

    private func ringing(_ bench: Bench<UASInvite>) throws -> Response {
        var machine = bench.machine
        guard case .respond(let response) = try #require(machine.handle(.ring(status: 180), now: bench.now).first)
        else {
            throw Missing()
        }
        return response
    }
    private struct Missing: Error {}

    @Test func ourRingingIsRepeatedUntilThePRACK() throws {
        var bench = called()
        let response = try ringing(bench)
        #expect(response.headers[first: .require] == "100rel" && response.body.isEmpty)
        let rSeq = try #require(response.headers.rSeq)
        #expect(rSeq >= 1 && rSeq < 1 << 31)
        #expect(bench.feed(.ring(status: 180)) == ["respond 180"])
        #expect(
            bench.run(to: .seconds(4)) == ["500ms retransmit 180", "1500ms retransmit 180", "3500ms retransmit 180"])
        #expect(bench.feed(prack(rSeq &+ 1, 10)) == ["PRACK gets 481", "saw PRACK"])
        #expect(bench.feed(prack(rSeq, 11, invite: 8)) == ["PRACK gets 481", "saw PRACK"])
        #expect(bench.feed(prack(rSeq, 12)) == ["PRACK gets 200", "saw PRACK"])
        #expect(bench.feed(prack(rSeq, 13)) == ["PRACK gets 200", "saw PRACK"])
        #expect(bench.runToIdle() == [])
        #expect(bench.feed(.answer(body: Self.offer, headers: [])) == ["respond 200"])
    }

    @Test func theNextOneWaitsForThePRACK() throws {
        var bench = called()
        let rSeq = try #require(try ringing(bench).headers.rSeq)
        #expect(bench.feed(.ring(status: 183)) == ["respond 183"])
        #expect(bench.feed(.ring(status: 180)) == [])
        #expect(bench.feed(prack(rSeq, 10)) == ["PRACK gets 200", "saw PRACK", "respond 180"])
        #expect(bench.feed(prack(rSeq, 11)) == ["PRACK gets 481", "saw PRACK"])
        #expect(bench.feed(prack(rSeq &+ 1, 12)) == ["PRACK gets 200", "saw PRACK"])
    }

    @Test func withoutAPRACKTheINVITEIsRefused() {
        var bench = called()
        _ = bench.feed(.ring(status: 180))
        #expect(
            bench.runToIdle() == [
                "500ms retransmit 180", "1500ms retransmit 180", "3500ms retransmit 180", "7500ms retransmit 180",
                "15500ms retransmit 180", "31500ms retransmit 180", "32000ms respond 504", "32000ms ended noACK",
                "32000ms finish",
            ])
    }

    @Test func theAnswerOvertakesThePRACK() throws {
        var bench = called()
        let rSeq = try #require(try ringing(bench).headers.rSeq)
        _ = bench.feed(.ring(status: 180))
        #expect(bench.feed(.answer(body: Self.offer, headers: [])) == ["respond 200"])
        #expect(bench.feed(prack(rSeq, 10)) == ["PRACK gets 200", "saw PRACK"])
        #expect(bench.feed(.received(Requests.make(.ack, number: 9, toTag: "b"))) == ["acknowledged"])
        #expect(bench.feed(prack(rSeq, 11)) == ["PRACK gets 200", "saw PRACK"])
        #expect(bench.feed(prack(rSeq &+ 1, 12)) == ["PRACK gets 481", "saw PRACK"])
        #expect(bench.runToIdle() == [])
    }

    @Test(arguments: ["CANCEL", "refusal", "BYE"]) func theEndStopsTheRinging(_ how: String) {
        var bench = called()
        _ = bench.feed(.ring(status: 180))
        switch how {
        case "CANCEL": #expect(bench.feed(.cancelled(nil)) == ["respond 487", "cancelled", "finish"])
        case "BYE":
            #expect(
                bench.feed(.received(Requests.make(.bye, number: 10, toTag: "b")))
                    == ["BYE gets 200", "respond 487", "ended byPeer", "finish"])
        default:
            #expect(bench.feed(.reject(status: 486, reason: nil, headers: [])) == ["respond 486", "finish"])
        }
        #expect(bench.runToIdle() == [])
    }

    struct Row: CustomTestStringConvertible {
        var name: String
        var headers: [HeaderField]
        var reoffers: ReofferPolicy = .answer
        var body = answer
        var lines: [String]
        var testDescription: String { name }
    }
    static let unreliable: [Row] = [
        .init(name: "supported only", headers: [HeaderField(.supported, "100rel")], lines: ["respond 180"]),
        .init(name: "not at all", headers: [], lines: ["respond 180"]),
        .init(
            name: "Meta demands it", headers: [HeaderField(.require, "100rel")], reoffers: .refuse,
            lines: ["respond 180"]),
        .init(
            name: "a reliable 180 would have to make an offer", headers: [HeaderField(.require, "100rel")], body: [],
            lines: []),
    ]

    @Test(arguments: unreliable) func isNotReliable(_ row: Row) {
        var bench = called(row.headers, body: row.body, reoffers: row.reoffers)
        #expect(bench.feed(.ring(status: 180)) == row.lines)
        #expect(bench.runToIdle() == [])
    }
}
