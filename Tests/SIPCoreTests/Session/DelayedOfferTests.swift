import Testing

@testable import SIPCore

/// Offers that come with the answer to an INVITE, and answers that come with its ACK (RFC 3261 §13.2.1, RFC 6337).
@Suite struct DelayedOfferTests {
    private static let sdp = HeaderField(.contentType, "application/sdp")
    private static let ours = OfferAnswer.offerPeer(
        local: SDPSamples.local, opusPayloadType: 107, eventPayloadType: 101
    ).description
    private static let theirs = SDPSamples.body(SDPSamples.asteriskOffer)
    private static func moved(_ port: Int) -> [UInt8] {
        SDPSamples.body(replacedText(SDPSamples.asteriskOffer, "m=audio 12004", "m=audio \(port)"))
    }

    private func inside(_ method: Method, _ number: UInt32, body: [UInt8] = []) -> UASInvite.Event {
        .received(
            Requests.make(
                method, branch: "z9hG4bK-\(number)", number: number, toTag: "b",
                headers: body.isEmpty ? [] : [Self.sdp],
                body: body))
    }

    /// A call of the PBX whose INVITE had no description.
    private func answered() -> Bench<UASInvite> {
        var bench = Bench(
            UASInvite(
                invite: Requests.make(.invite, number: 9), localTag: "b", party: Parties.pbx, ids: countingIDs(),
                reoffers: .answer))
        #expect(bench.feed(.ring(status: 180)) == ["respond 180"])
        #expect(bench.feed(.answer(body: Self.ours, headers: [])) == ["respond 200"])
        return bench
    }

    @Test func theAnswerComesWithTheACK() {
        var bench = answered()
        #expect(bench.feed(inside(.ack, 9, body: Self.theirs)) == ["acknowledged"])
        #expect(bench.runToIdle() == [])
        // From then on it is a call like any other.
        #expect(
            bench.feed(inside(.update, 10, body: Self.moved(12_008)))
                == ["UPDATE gets 200", "saw UPDATE", "media 192.0.2.20:12008 sendrecv"])
    }

    static let unusable: [(String, [UInt8])] = [
        ("none", []), ("unreadable", [0x61]),
        ("G.711", SDPSamples.body(replacedText(SDPSamples.asteriskOffer, "107 8 0 101", "8 0 101"))),
        ("refused", SDPSamples.body(replacedText(SDPSamples.asteriskOffer, "m=audio 12004", "m=audio 0"))),
    ]

    @Test(arguments: unusable) func withoutAUsableAnswerThereIsNoCall(_ name: String, _ body: [UInt8]) {
        var bench = answered()
        #expect(bench.feed(inside(.ack, 9, body: body)) == ["send BYE 1", "ended unusableAnswer"], "\(name)")
        #expect(bench.feed(.byeFinished(status: 200)) == ["finish"])
        #expect(bench.runToIdle() == [])
    }

    @Test func nothingMayBeOfferedBeforeTheAnswer() {
        var bench = answered()
        #expect(bench.feed(inside(.update, 10, body: Self.moved(12_008))) == ["UPDATE gets 491", "saw UPDATE"])
        #expect(bench.feed(inside(.ack, 9, body: Self.theirs)) == ["acknowledged"])
    }

    @Test func anUPDATEBeforeOurAnswerComesTooEarly() {
        var bench = Bench(
            UASInvite(
                invite: Requests.make(.invite, number: 9, headers: [Self.sdp], body: Self.theirs), localTag: "b",
                party: Parties.pbx, ids: countingIDs(), reoffers: .answer))
        _ = bench.feed(.ring(status: 180))
        #expect(bench.feed(inside(.update, 10, body: Self.moved(12_008))) == ["UPDATE gets 500", "saw UPDATE"])
        #expect(bench.feed(inside(.update, 11)) == ["UPDATE gets 200", "saw UPDATE"])
    }

    // MARK: In mid-call

    private func talking() -> Bench<UASInvite> {
        var bench = answered()
        #expect(bench.feed(inside(.ack, 9, body: Self.theirs)) == ["acknowledged"])
        return bench
    }

    @Test func aReINVITEWithoutADescriptionMovesMediaByItsACK() {
        var bench = talking()
        #expect(bench.feed(inside(.invite, 10)) == ["INVITE gets 200", "saw INVITE"])
        #expect(
            bench.feed(inside(.ack, 10, body: Self.moved(12_008)))
                == ["saw ACK", "media 192.0.2.20:12008 sendrecv"])
        #expect(bench.feed(inside(.ack, 10, body: Self.moved(12_010))) == [])  // repeated
        #expect(bench.runToIdle() == [])
    }

    @Test func oneWhoseACKHasNoAnswerChangesNothing() {
        var bench = talking()
        for (number, body) in [(10, []), (11, [0x61])] as [(UInt32, [UInt8])] {
            #expect(bench.feed(inside(.invite, number)) == ["INVITE gets 200", "saw INVITE"])
            #expect(bench.feed(inside(.ack, number, body: body)) == ["saw ACK"])
        }
        #expect(
            bench.feed(inside(.invite, 12, body: Self.moved(12_008)))
                == ["INVITE gets 200", "saw INVITE", "media 192.0.2.20:12008 sendrecv"])
        #expect(bench.feed(inside(.ack, 12)) == ["saw ACK"])
    }

    /// A stream refused once keeps its place in every later description (RFC 3264 §8).
    @Test func theOfferHasAsManyStreamsAsTheLastDescription() throws {
        var description = try #require(LocalDescription(Self.ours))
        let video = SDPSamples.asteriskOffer + "\nm=video 5000 RTP/AVP 99"
        _ = try description.answer(SDPSamples.body(video), contentType: nil)
        let offer = try SessionDescription(parsing: description.offer().span)
        #expect(offer.media.map(\.kind) == ["audio", "video"] && offer.media.map(\.port) == [20_000, 0])
        #expect(offer.media.first?.direction == .sendrecv)
    }
}
