import SIPCore
import Testing

@Suite struct SessionDescriptionTests {
    @Test func readsMetasOffer() throws {
        let description = try SessionDescription(parsing: SDPSamples.body(SDPSamples.metaOffer).span)
        #expect(description.origin.sessionID == "1790000000000")
        #expect(description.origin.version == "2")
        #expect(description.connection == nil)
        #expect(description.attribute("group") == "BUNDLE audio")
        #expect(description.attribute("msid-semantic") == " WMS 00000000-0000-4000-8000-000000000001")
        let media = try #require(description.media.first)
        #expect(media.kind == "audio" && media.port == 3480 && media.transport == "RTP/SAVP")
        #expect(media.formats == ["111", "126"])
        #expect(media.connection == .init(addressType: "IP4", address: "198.51.100.49"))
        #expect(media.rtpmap(for: "111") == "opus/48000/2")
        #expect(media.fmtp(for: "111")?.hasPrefix("maxaveragebitrate=20000") == true)
        #expect(media.fmtp(for: "126") == nil)
        #expect(media.direction == .sendrecv)
        #expect(media.cryptos.map(\.tag) == [1])
        #expect(media.attribute("rtcp-mux") == "")
    }

    @Test(arguments: [
        SDPSamples.metaOffer, SDPSamples.ourAnswer, SDPSamples.metaDTLSOffer, SDPSamples.metaOlderOffer,
        SDPSamples.asteriskOffer,
    ])
    func writingGivesBackWhatWasRead(_ text: String) throws {
        let body = SDPSamples.body(text)
        #expect(
            String(decoding: try SessionDescription(parsing: body.span).encoded(), as: UTF8.self)
                == String(decoding: body, as: UTF8.self))
    }

    @Test func lineFeedAloneAndMissingLastLineEndAreRead() throws {
        let crlf = try SessionDescription(parsing: SDPSamples.body(SDPSamples.metaOffer).span)
        #expect(try SessionDescription(parsing: Array(SDPSamples.metaOffer.utf8).span) == crlf)
        #expect(try SessionDescription(parsing: Array((SDPSamples.metaOffer + "\n\n\r\n").utf8).span) == crlf)
    }

    struct Bad: CustomTestStringConvertible {
        var name: String
        var text: String
        var error: SDPError
        var testDescription: String { name }
    }

    static let bad: [Bad] = [
        .init(name: "nothing", text: "", error: .empty),
        .init(name: "only line ends", text: "\r\n\n", error: .empty),
        .init(name: "another format", text: "{\"sdp\":1}", error: .malformedLine(type: nil, number: 1)),
        .init(name: "no version first", text: "o=- 1 1 IN IP4 192.0.2.1\n", error: .missingLine(type: "v")),
        .init(name: "version 1", text: "v=1\n", error: .unsupportedVersion),
        .init(name: "no origin", text: "v=0\ns=-\n", error: .missingLine(type: "o")),
        .init(name: "short origin", text: "v=0\no=- 1 1\n", error: .malformedLine(type: "o", number: 2)),
        .init(
            name: "no equals sign", text: "v=0\no=- 1 1 IN IP4 192.0.2.1\ns\n",
            error: .malformedLine(type: nil, number: 3)),
        .init(
            name: "port above 65535", text: "v=0\no=- 1 1 IN IP4 192.0.2.1\nm=audio 65536 RTP/AVP 0\n",
            error: .malformedLine(type: "m", number: 3)),
        .init(
            name: "negative port", text: "v=0\no=- 1 1 IN IP4 192.0.2.1\nm=audio -1 RTP/AVP 0\n",
            error: .malformedLine(type: "m", number: 3)),
        .init(
            name: "huge port", text: "v=0\nm=audio 99999999999999999999999999 RTP/AVP 0\n",
            error: .malformedLine(type: "m", number: 2)),
        .init(name: "short m=", text: "v=0\nm=audio 4\n", error: .malformedLine(type: "m", number: 2)),
        .init(name: "short c=", text: "v=0\nc=IN IP4\n", error: .malformedLine(type: "c", number: 2)),
        .init(name: "attribute without a name", text: "v=0\na=:x\n", error: .malformedLine(type: "a", number: 2)),
        .init(name: "bare CR inside", text: "v=0\na=x:1\ra=y\n", error: .malformedLine(type: "a", number: 2)),
        .init(name: "NUL inside", text: "v=0\ns=a\0b\n", error: .malformedLine(type: "s", number: 2)),
    ]

    @Test(arguments: bad) func whatIsWrongIsNamed(_ row: Bad) {
        #expect(throws: row.error) { _ = try SessionDescription(parsing: Array(row.text.utf8).span) }
        #expect(!row.error.description.isEmpty)
    }

    @Test func limitsHold() {
        let head = "v=0\no=- 1 1 IN IP4 192.0.2.1\n"
        #expect(throws: SDPError.tooLarge(limit: 65_536)) {
            _ = try SessionDescription(parsing: [UInt8](repeating: 0x61, count: 65_537).span)
        }
        #expect(throws: SDPError.tooManyLines(limit: 2_000)) {
            _ = try SessionDescription(parsing: Array((head + String(repeating: "a=x\n", count: 2_000)).utf8).span)
        }
        #expect(throws: SDPError.tooManyMedia(limit: 32)) {
            let media = String(repeating: "m=audio 4 RTP/AVP 0\n", count: 33)
            _ = try SessionDescription(parsing: Array((head + media).utf8).span)
        }
    }

    @Test func latin1SessionNameIsNoReasonToRefuse() throws {
        let body = Array("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=caf".utf8) + [0xE9, 0x0A]
        #expect(try SessionDescription(parsing: body.span).name == "caf\u{FFFD}")
    }

    @Test func noValueStartsALineOfItsOwn() throws {
        var description = try SessionDescription(parsing: SDPSamples.body(SDPSamples.ourAnswer).span)
        description.attributes.append(.init("tool", "x\r\na=evil:1\0"))
        let text = String(decoding: description.encoded(), as: UTF8.self)
        #expect(text.contains("a=tool:xa=evil:1\r\n"))
    }

    @Test func printingNeverShowsAKey() throws {
        let description = try SessionDescription(parsing: SDPSamples.body(SDPSamples.metaOffer).span)
        let stream = try AudioStream(description)
        let (_, negotiated) = try OfferAnswer.answerMeta(
            offer: SDPSamples.body(SDPSamples.metaOffer), contentType: "application/sdp", local: SDPSamples.local)
        var dumped = ""
        dump(description, to: &dumped)
        dump(stream, to: &dumped)
        dump(negotiated, to: &dumped)
        dump(SDPSamples.local, to: &dumped)
        for text in [
            "\(description)", "\(stream)", String(reflecting: stream), "\(negotiated)", "\(SDPSamples.local)", dumped,
            SDPRedaction.text(SDPSamples.body(SDPSamples.metaOffer)),
        ] {
            #expect(!text.contains("AAECAwQF") && !text.contains("Hh8gISIj"))
            #expect(!text.contains("[0, 1, 2, 3") && !text.contains("[30, 31, 32"))
        }
    }

    @Test func redactionKeepsTheRest() {
        let text = SDPRedaction.text(
            Array(
                "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:secret|2^31\r\nA=Crypto:secret\nk=clear:secret\na=ice-pwd:secret\na=ptime:20"
                    .utf8))
        #expect(
            text
                == "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:<hidden>\r\nA=crypto:<hidden>\nk=<hidden>\na=ice-pwd:<hidden>\na=ptime:20"
        )
    }

    /// Mutated descriptions are read or refused; nothing traps, and what is read can be written and negotiated.
    @Test(arguments: 0..<8) func mutationsNeverTrap(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        let bases = [
            SDPSamples.metaOffer, SDPSamples.metaDTLSOffer, SDPSamples.metaOlderOffer, SDPSamples.asteriskOffer,
            SDPSamples.softphoneOffer,
        ].map(SDPSamples.body)
        guard var settled = LocalDescription(SDPSamples.body(SDPSamples.ourAnswer)) else { return }
        let interesting: [UInt8] = [0, 9, 10, 13, 32, 45, 47, 58, 59, 61, 124, 0x2B, 0x7F, 0x80, 0xC3, 0xFF]
        for _ in 0..<700 {
            var body = bases[Int(generator.next() % UInt64(bases.count))]
            for _ in 0...(generator.next() % 6) {
                guard !body.isEmpty else { break }
                let at = Int(generator.next() % UInt64(body.count))
                switch generator.next() % 6 {
                case 0: body[at] = UInt8(truncatingIfNeeded: generator.next())
                case 1: body[at] = interesting[Int(generator.next() % UInt64(interesting.count))]
                case 2: body.remove(at: at)
                case 3: body.insert(interesting[Int(generator.next() % UInt64(interesting.count))], at: at)
                case 4: body.removeSubrange(at..<min(body.count, at + Int(generator.next() % 40)))
                default:
                    let piece = Array(body[at..<min(body.count, at + Int(generator.next() % 80))])
                    body.insert(contentsOf: piece, at: Int(generator.next() % UInt64(body.count)))
                }
            }
            if let description = try? SessionDescription(parsing: body.span) {
                let written = description.encoded()
                #expect(
                    (try? SessionDescription(parsing: written.span)) == description,
                    "\(SDPRedaction.text(body)) became \(SDPRedaction.text(written))")
            }
            _ = try? OfferAnswer.answerMeta(offer: body, contentType: nil, local: SDPSamples.local)
            _ = try? OfferAnswer.answerPeer(offer: body, contentType: nil, local: SDPSamples.local, secure: false)
            _ = try? OfferAnswer.offerMeta(local: SDPSamples.local).accept(answer: body, contentType: nil)
            _ = try? settled.answer(body, contentType: nil)
            #expect(!labelledKeySurvives(in: SDPRedaction.text(body)))
        }
    }

    /// Mutations can put a key anywhere; one that stands behind its own label must never be seen.
    private func labelledKeySurvives(in text: String) -> Bool {
        text.contains("inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd")
    }
}
