import Testing

@testable import SIPCore

@Suite struct UASInviteTests {
    private let sdp = SDPSamples.body(SDPSamples.ourAnswer)

    private func invited(
        _ invite: Request = Requests.make(.invite, number: 9), reoffers: ReofferPolicy = .refuse
    ) -> Bench<UASInvite> {
        Bench(
            UASInvite(invite: invite, localTag: "b", party: Parties.meta, ids: countingIDs(), reoffers: reoffers))
    }

    private func inside(
        _ method: Method, _ number: UInt32, headers: [HeaderField] = [], body: [UInt8] = []
    ) -> UASInvite.Event {
        .received(
            Requests.make(method, branch: "z9hG4bK-\(number)", number: number, toTag: "b", headers: headers, body: body)
        )
    }

    private func established(reoffers: ReofferPolicy = .refuse) -> Bench<UASInvite> {
        var bench = invited(reoffers: reoffers)
        #expect(bench.feed(.answer(body: sdp, headers: [])) == ["respond 200"])
        #expect(bench.feed(inside(.ack, 9)) == ["acknowledged"])
        return bench
    }

    private func responses(_ event: UASInvite.Event, _ machine: inout UASInvite) -> [Response] {
        machine.handle(event, now: Instant(.zero)).compactMap { action in
            switch action {
            case .respond(let response), .respondTo(_, let response): response
            default: nil
            }
        }
    }

    // MARK: Answering

    @Test func ringsIsAnsweredAndHungUpByUs() {
        var bench = invited()
        #expect(bench.feed(.ring(status: 180)) == ["respond 180"])
        #expect(bench.runToIdle() == [])
        #expect(bench.feed(.answer(body: sdp, headers: [])) == ["respond 200"])
        #expect(bench.feed(inside(.ack, 9)) == ["acknowledged"])
        #expect(bench.timers.isEmpty)
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 1", "ended byUs"])
        #expect(bench.feed(.byeFinished(status: 200)) == ["finish"])
        #expect(bench.runToIdle() == [])
    }

    /// meta-calling §12.1 (6).
    @Test func theAnswerToMetaIsTheReferences() throws {
        let invite = try #require(Message(MetaExamples.authorizedInvite).request)
        var machine = UASInvite(
            invite: invite, localTag: "b2b-0001", party: Parties.meta, ids: countingIDs())
        let ok = try #require(responses(.answer(body: sdp, headers: []), &machine).first)
        let head = try #require(ok.encoded().text.split(separator: "\r\n\r\n").first)
        let via = try #require(invite.headers[first: .via])
        #expect(
            head == """
                SIP/2.0 200 OK\r
                Via: \(via)\r
                Record-Route: <sip:wa.meta.vc;transport=tls;lr>\r
                Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\r
                From: "15550100199" <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-555555555555\r
                To: <sip:+15550100001@sip.example.com>;tag=b2b-0001\r
                Call-ID: outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==\r
                CSeq: 9990 INVITE\r
                Contact: <sip:+15550100001@sip.example.com:5061;transport=tls>\r
                Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r
                Content-Type: application/sdp\r
                Content-Length: 477
                """)
        #expect(ok.body == sdp)
    }

    @Test func ringingHasTheTagAndRoutesButNoBody() throws {
        let invite = try #require(Message(MetaExamples.authorizedInvite).request)
        var machine = UASInvite(invite: invite, localTag: "b", party: Parties.meta, ids: countingIDs())
        let ringing = try #require(responses(.ring(status: 180), &machine).first)
        #expect(ringing.headers.to?.tag == "b" && ringing.headers.recordRoutes.count == 2 && ringing.body.isEmpty)
        #expect(responses(.ring(status: 100), &machine).isEmpty)  // the transaction's
        #expect(responses(.ring(status: 200), &machine).isEmpty)
    }

    @Test(arguments: [302, 404, 480, 486, 488, 503, 603]) func rejects(status: Int) {
        var bench = invited()
        #expect(
            bench.feed(.reject(status: status, reason: nil, headers: [HeaderField(.warning, "399 x \"y\"")]))
                == ["respond \(status)", "finish"])
        #expect(bench.feed(.bye(headers: [])) == [])
        #expect(bench.feed(.answer(body: sdp, headers: [])) == [])
    }

    @Test func aRefusalCarriesWarningAndTag() throws {
        var machine = UASInvite(
            invite: Requests.make(.invite), localTag: "b", party: Parties.meta, ids: countingIDs())
        let refusal = SDPRefusal.wrongContentType("text/plain")
        let response = try #require(
            responses(
                .reject(
                    status: refusal.status, reason: nil, headers: refusal.headers(agent: "sip.example.com")),
                &machine
            ).first)
        #expect(response.status == 415 && response.headers.to?.tag == "b")
        #expect(response.headers[first: .warning]?.hasPrefix("399 sip.example.com \"The body is text/plain") == true)
        #expect(response.headers[first: .accept] == "application/sdp")
    }

    @Test func hangingUpBeforeTheAnswerIs480() {
        var bench = invited()
        #expect(bench.feed(.bye(headers: [])) == ["respond 480", "finish"])
    }

    // MARK: The wait for the ACK

    @Test func theAnswerIsRepeatedUntilTheACK() {
        var bench = invited()
        _ = bench.feed(.answer(body: sdp, headers: []))
        #expect(
            bench.run(to: .seconds(4)) == ["500ms retransmit 200", "1500ms retransmit 200", "3500ms retransmit 200"])
        #expect(bench.feed(inside(.ack, 8)) == [])  // of something else
        #expect(bench.feed(inside(.ack, 9)) == ["acknowledged"])
        #expect(bench.feed(inside(.ack, 9)) == [])
        #expect(bench.runToIdle() == [])
    }

    @Test func withoutAnACKItHangsUpAfter64T1() {
        var bench = invited()
        _ = bench.feed(.answer(body: sdp, headers: []))
        #expect(
            bench.runToIdle() == [
                "500ms retransmit 200", "1500ms retransmit 200", "3500ms retransmit 200", "7500ms retransmit 200",
                "11500ms retransmit 200", "15500ms retransmit 200", "19500ms retransmit 200", "23500ms retransmit 200",
                "27500ms retransmit 200", "31500ms retransmit 200", "32000ms send BYE 1", "32000ms ended noACK",
            ])
        #expect(bench.feed(inside(.ack, 9)) == [])
        #expect(bench.feed(.byeFinished(status: nil)) == ["finish"])
    }

    @Test func aHangUpWaitsForTheACK() {
        var bench = invited()
        _ = bench.feed(.answer(body: sdp, headers: []))
        #expect(bench.feed(.bye(headers: [HeaderField(.reason, "Q.850;cause=16")])) == [])
        #expect(bench.feed(.bye(headers: [])) == [])
        #expect(bench.feed(inside(.ack, 9)) == ["send BYE 1", "ended byUs"])
        #expect(bench.feed(.byeFinished(status: 200)) == ["finish"])
    }

    @Test func aHangUpDoesNotWaitForever() {
        var bench = invited()
        _ = bench.feed(.answer(body: sdp, headers: []))
        #expect(bench.feed(.bye(headers: [])) == [])
        #expect(bench.runToIdle().suffix(2) == ["32000ms send BYE 1", "32000ms ended noACK"])
    }

    @Test func theirBYEMayComeBeforeTheirACK() {
        var bench = invited()
        _ = bench.feed(.answer(body: sdp, headers: []))
        #expect(bench.feed(inside(.bye, 10)) == ["BYE gets 200", "ended byPeer", "finish"])
        #expect(bench.feed(inside(.ack, 9)) == [])
        #expect(bench.runToIdle() == [])
    }

    // MARK: Races

    @Test func cancelledWhileRinging() {
        var bench = invited()
        _ = bench.feed(.ring(status: 180))
        #expect(bench.feed(.cancelled(nil)) == ["respond 487", "cancelled", "finish"])
        #expect(bench.feed(.answer(body: sdp, headers: [])) == [])
        #expect(bench.feed(.cancelled(nil)) == [])
    }

    @Test func aCANCELThatCrossesOurAnswerMeansNothing() {
        var bench = invited()
        _ = bench.feed(.answer(body: sdp, headers: []))
        #expect(bench.feed(.cancelled(nil)) == [])
        #expect(bench.feed(inside(.ack, 9)) == ["acknowledged"])
        #expect(bench.feed(inside(.bye, 10)) == ["BYE gets 200", "ended byPeer", "finish"])
    }

    @Test func bothHangUpAtOnce() {
        var bench = established()
        #expect(bench.feed(.bye(headers: [])) == ["send BYE 1", "ended byUs"])
        #expect(bench.feed(inside(.bye, 10)) == ["BYE gets 200"])
        #expect(bench.feed(.byeFinished(status: 481)) == ["finish"])
        #expect(bench.feed(inside(.bye, 11)) == ["BYE gets 481"])
    }

    @Test func aBYEInTheEarlyDialogEndsTheINVITE() {
        var bench = invited()
        _ = bench.feed(.ring(status: 180))
        #expect(bench.feed(inside(.bye, 10)) == ["BYE gets 200", "respond 487", "ended byPeer", "finish"])
    }

    // MARK: Inside the dialog

    struct Row: CustomTestStringConvertible {
        var method: Method
        var headers: [HeaderField] = []
        var status: Int
        var header: HeaderField?
        var testDescription: String { "\(method) \(headers) gets \(status)" }
    }

    static let allow = HeaderField(.allow, Parties.meta.allow)
    static let rows: [Row] = [
        .init(method: .invite, status: 488),
        .init(method: .update, status: 488),
        .init(method: .options, status: 200, header: allow),
        .init(method: .info, status: 405, header: allow),
        .init(method: .refer, status: 405, header: allow),
        .init(method: .notify, status: 405, header: allow),
        .init(method: .message, status: 405, header: allow),
        .init(method: .prack, status: 405, header: allow),
        .init(method: "FROBNICATE", status: 501, header: allow),
        .init(
            method: .invite, headers: [HeaderField(.require, "100rel, timer")], status: 420,
            header: HeaderField(.unsupported, "100rel, timer")),
    ]

    @Test(arguments: rows) func metasOtherRequestsDoNotEndTheCall(_ row: Row) throws {
        var bench = established()
        #expect(
            bench.feed(inside(row.method, 10, headers: row.headers, body: SDPSamples.body(SDPSamples.metaOffer)))
                == ["\(row.method) gets \(row.status)", "saw \(row.method)"])
        #expect(bench.runToIdle() == [])
        var machine = established().machine
        let response = try #require(responses(inside(row.method, 10, headers: row.headers), &machine).first)
        if let header = row.header { #expect(response.headers[first: header.name] == header.value) }
        if row.status == 488 { #expect(response.headers[first: .warning]?.hasPrefix("399 sip.example.com ") == true) }
    }

    @Test func anOldRequestIsAnswered500() {
        var bench = established()
        #expect(bench.feed(inside(.options, 20)) == ["OPTIONS gets 200", "saw OPTIONS"])
        #expect(bench.feed(inside(.options, 19)) == ["OPTIONS gets 500"])
        #expect(bench.feed(inside(.bye, 21)) == ["BYE gets 200", "ended byPeer", "finish"])
    }

    @Test func aSecondINVITEWhileRingingIsTooEarly() {
        var bench = invited()
        #expect(bench.feed(inside(.invite, 10)) == ["INVITE gets 500", "saw INVITE"])
        #expect(bench.feed(inside(.options, 11)) == ["OPTIONS gets 200", "saw OPTIONS"])
        #expect(bench.feed(inside(.options, 5)) == ["OPTIONS gets 500"])
        #expect(bench.feed(.answer(body: sdp, headers: [])) == ["respond 200"])
    }

    @Test func aPBXThatCallsMayOfferAgain() {
        let first = HeaderField(.contentType, "application/sdp")
        var bench = invited(
            Requests.make(.invite, number: 9, headers: [first], body: SDPSamples.body(SDPSamples.metaOffer)),
            reoffers: .answer)
        #expect(bench.feed(.answer(body: sdp, headers: [])) == ["respond 200"])
        #expect(bench.feed(inside(.ack, 9)) == ["acknowledged"])
        let offer = SDPSamples.body(SDPSamples.metaOffer)
        #expect(
            bench.feed(inside(.invite, 10, body: offer))
                == ["INVITE gets 200", "saw INVITE", "media 198.51.100.49:3480 sendrecv"])
        #expect(bench.run(to: .seconds(1)) == ["500ms INVITE gets 200"])
        #expect(bench.feed(inside(.ack, 10)) == ["saw ACK"])
        #expect(bench.runToIdle() == [])
    }
}
