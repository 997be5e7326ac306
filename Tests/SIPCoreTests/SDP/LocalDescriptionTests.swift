import SIPCore
import Testing

@Suite struct LocalDescriptionTests {
    /// What we offered to a PBX that took 107 and 101.
    private func settled(secure: Bool = false) throws -> LocalDescription {
        let offer = OfferAnswer.offerPeer(
            local: SDPSamples.local, opusPayloadType: 107, eventPayloadType: 101, secure: secure)
        return try #require(LocalDescription(offer.description))
    }

    private func text(_ body: [UInt8]) -> String { String(decoding: body, as: UTF8.self) }

    static let directions: [(MediaDescription.Direction, MediaDescription.Direction)] = [
        (.sendrecv, .sendrecv), (.sendonly, .recvonly), (.recvonly, .sendonly), (.inactive, .inactive),
    ]

    @Test(arguments: directions) func directionIsMirrored(
        _ offered: MediaDescription.Direction, _ answered: MediaDescription.Direction
    ) throws {
        var description = try settled()
        let offer = replacedText(SDPSamples.asteriskOffer, "a=ptime:20\n", "a=ptime:20\na=\(offered)\n")
        let answer = try description.answer(
            SDPSamples.body(String(offer.dropLast("\na=sendrecv".count))), contentType: "application/sdp")
        #expect(text(answer).contains("a=\(answered)\r\n"))
        #expect(text(answer).contains("m=audio 20000 RTP/AVP 107 101\r\n"))
    }

    @Test func theVersionRisesWithEveryChangeAndOnlyThen() throws {
        var description = try settled()
        let offer = SDPSamples.body(SDPSamples.asteriskOffer)
        let hold = SDPSamples.body(replacedText(SDPSamples.asteriskOffer, "a=sendrecv", "a=sendonly"))
        let initial = text(description.offer())
        #expect(initial.contains("o=- 1 1 IN"))
        #expect(text(try description.answer(offer, contentType: nil)) == initial)
        #expect(text(try description.answer(hold, contentType: nil)).contains("o=- 1 2 IN"))
        #expect(text(try description.answer(hold, contentType: nil)).contains("o=- 1 2 IN"))
        #expect(text(try description.answer(offer, contentType: nil)) == initial.replacing("o=- 1 1", with: "o=- 1 3"))
    }

    @Test func oldHoldIsAnsweredToo() throws {
        var description = try settled()
        let held = replacedText(SDPSamples.asteriskOffer, "c=IN IP4 192.0.2.20", "c=IN IP4 0.0.0.0")
        #expect(text(try description.answer(SDPSamples.body(held), contentType: nil)).contains("a=recvonly\r\n"))
    }

    @Test func formatsAndStreamsFollowTheOffer() throws {
        var description = try settled()
        let offer =
            replacedText(SDPSamples.asteriskOffer, "107 8 0 101", "107 8") + "\nm=video 5000 RTP/AVP 99\na=inactive"
        let answer = text(try description.answer(SDPSamples.body(offer), contentType: nil))
        #expect(answer.contains("m=audio 20000 RTP/AVP 107\r\n") && !answer.contains("telephone-event"))
        #expect(answer.hasSuffix("m=video 0 RTP/AVP 99\r\n"))
        // What was left out comes back with the next offer that has it.
        let next = text(try description.answer(SDPSamples.body(SDPSamples.asteriskOffer), contentType: nil))
        #expect(next.contains("m=audio 20000 RTP/AVP 107 101\r\n") && next.contains("a=fmtp:101 0-16"))
    }

    @Test func theKeyStaysAndTheTagIsTheOffers() throws {
        var description = try settled(secure: true)
        let offer = replacedText(
            replacedText(SDPSamples.asteriskOffer, "RTP/AVP", "RTP/SAVP"), "a=ptime:20",
            "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:\(SDPSamples.metaKey)\na=ptime:20")
        let answer = text(try description.answer(SDPSamples.body(offer), contentType: nil))
        #expect(answer.contains("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:\(SDPSamples.ourKey)\r\n"))
    }

    static let refused: [(String, String, String, SDPRefusal)] = [
        ("Opus dropped", "107 8 0 101", "8 0 101", .noOpus),
        ("Opus renumbered", "107", "108", .changedPayloadTypes),
        ("SRTP now", "RTP/AVP", "RTP/SAVP", .unsupportedProfile("RTP/SAVP")),
        ("switched off", "m=audio 12004", "m=audio 0", .audioRejected),
        ("no audio", "m=audio", "m=image", .noAudio),
    ]

    @Test(arguments: refused) func whatLeavesTheAgreementIsRefused(_ row: (String, String, String, SDPRefusal)) throws {
        var description = try settled()
        let before = description
        let offer = SDPSamples.body(replacedText(SDPSamples.asteriskOffer, row.1, row.2))
        #expect(throws: row.3) { _ = try description.answer(offer, contentType: nil) }
        #expect(description == before)
    }

    @Test func whatIsNoAudioIsNoDescription() {
        #expect(LocalDescription([]) == nil)
        #expect(LocalDescription(Array("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n".utf8)) == nil)
    }
}
