import SIPCore
import Testing

@Suite struct OfferAnswerTests {
    private func answerMeta(_ text: String) throws -> (text: String, negotiated: NegotiatedAudio) {
        let (answer, negotiated) = try OfferAnswer.answerMeta(
            offer: SDPSamples.body(text), contentType: "application/sdp", local: SDPSamples.local)
        return (String(decoding: answer, as: UTF8.self), negotiated)
    }

    @Test func metaGetsExactlyTheAnswerOfTheReference() throws {
        let (answer, negotiated) = try answerMeta(SDPSamples.metaOffer)
        #expect(answer == String(decoding: SDPSamples.body(SDPSamples.ourAnswer), as: UTF8.self))
        #expect(negotiated.remoteAddress == "198.51.100.49" && negotiated.remotePort == 3480)
        #expect(negotiated.audio.payloadType == 111 && negotiated.audio.channels == 2)
        #expect(negotiated.event?.payloadType == 126 && negotiated.event?.clockRate == 8_000)
        #expect(negotiated.receiveCrypto?.masterKeyAndSalt == Array(0..<30))
        #expect(negotiated.sendCrypto?.masterKeyAndSalt == SDPSamples.ourKeyAndSalt)
        #expect(negotiated.rtcpMux && negotiated.remoteDirection == .sendrecv && negotiated.ptime == 20)
    }

    struct Variant: CustomTestStringConvertible {
        var name: String
        /// Lines of Meta's offer, replaced.
        var change: (from: String, to: String)
        /// Lines of the answer of §12.1 (6), replaced.
        var expected: [(from: String, to: String)]
        var testDescription: String { name }
    }

    static let key = SDPSamples.metaKey
    static let variants: [Variant] = [
        .init(
            name: "other payload number",
            change: ("111", "96"), expected: [("111", "96")]),
        .init(name: "other event number", change: ("126", "101"), expected: [("126", "101")]),
        .init(name: "_32", change: ("SHA1_80", "SHA1_32"), expected: [("SHA1_80", "SHA1_32")]),
        .init(name: "other tag", change: ("crypto:1 ", "crypto:7 "), expected: [("crypto:1 ", "crypto:7 ")]),
        .init(
            name: "the first line we can use wins",
            change: (
                "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(key)",
                "a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:\(key)AAAA\n"
                    + "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:\(key)|2^20|1:4\n"
                    + "a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:\(key)\n"
                    + "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:\(key)"
            ), expected: [("crypto:1 AES_CM_128_HMAC_SHA1_80", "crypto:3 AES_CM_128_HMAC_SHA1_32")]),
        .init(name: "feedback profile", change: ("RTP/SAVP ", "RTP/SAVPF "), expected: [("RTP/SAVP ", "RTP/SAVPF ")]),
        .init(
            name: "no events offered, none answered", change: ("a=rtpmap:126 telephone-event/8000\n", ""),
            expected: [(" 111 126\r\n", " 111\r\n"), ("a=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-16\r\n", "")]),
        .init(
            name: "events of 48 kHz are not taken", change: ("telephone-event/8000", "telephone-event/48000"),
            expected: [(" 111 126\r\n", " 111\r\n"), ("a=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-16\r\n", "")]),
        .init(
            name: "no group, none echoed", change: ("a=group:BUNDLE audio\n", ""),
            expected: [("a=group:BUNDLE audio\r\n", "")]),
        .init(
            name: "a group without us is not echoed", change: ("BUNDLE audio", "BUNDLE other"),
            expected: [("a=group:BUNDLE audio\r\n", "")]),
        .init(
            name: "other mid", change: ("audio\na=sendrecv", "0\na=sendrecv"),
            expected: [("a=mid:audio", "a=mid:0"), ("a=group:BUNDLE audio\r\n", "")]),
        .init(name: "no rtcp-mux, none answered", change: ("a=rtcp-mux\n", ""), expected: [("a=rtcp-mux\r\n", "")]),
        .init(name: "sendonly", change: ("a=sendrecv", "a=sendonly"), expected: [("a=sendrecv", "a=recvonly")]),
        .init(name: "recvonly", change: ("a=sendrecv", "a=recvonly"), expected: [("a=sendrecv", "a=sendonly")]),
        .init(name: "inactive", change: ("a=sendrecv", "a=inactive"), expected: [("a=sendrecv", "a=inactive")]),
        .init(
            name: "session-level connection",
            change: ("t=0 0\n", "c=IN IP4 198.51.100.49\nt=0 0\n"), expected: []),
        .init(name: "G.711 beside Opus", change: ("SAVP 111 126", "SAVP 0 8 111 126"), expected: []),
        .init(
            name: "video beside audio", change: ("m=audio", "m=video 4000 RTP/SAVP 97 98\nm=audio"),
            expected: [("m=audio", "m=video 0 RTP/SAVP 97\r\nm=audio")]),
        .init(
            name: "a switched-off audio stream before", change: ("m=audio", "m=audio 0 RTP/AVP 0\nm=audio"),
            expected: [("m=audio", "m=audio 0 RTP/AVP 0\r\nm=audio")]),
        .init(
            name: "a plain audio stream before", change: ("m=audio", "m=audio 4000 RTP/AVP 0\nm=audio"),
            expected: [("m=audio", "m=audio 0 RTP/AVP 0\r\nm=audio")]),
    ]

    @Test(arguments: variants) func answerFollowsTheOffer(_ row: Variant) throws {
        var expected = SDPSamples.body(SDPSamples.ourAnswer)
        for (from, to) in row.expected { expected = replaced(expected, from, to) }
        let (answer, _) = try answerMeta(replacedText(SDPSamples.metaOffer, row.change.from, row.change.to))
        #expect(answer == String(decoding: expected, as: UTF8.self))
    }

    struct Refused: CustomTestStringConvertible {
        var name: String
        var body: [UInt8]
        var type: String? = "application/sdp"
        var refusal: SDPRefusal
        var status = 488
        var code: Int
        var testDescription: String { name }
    }

    static func offer(_ from: String, _ to: String) -> [UInt8] {
        SDPSamples.body(replacedText(SDPSamples.metaOffer, from, to))
    }

    static let cryptoLine = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(key)\n"
    static let refused: [Refused] = [
        .init(name: "no body", body: [], refusal: .missingBody, code: 399),
        .init(
            name: "JSON", body: Array("{}".utf8), type: "Application/JSON; x=1",
            refusal: .wrongContentType("application/json"), status: 415, code: 399),
        .init(
            name: "multipart", body: SDPSamples.body(SDPSamples.metaOffer), type: "multipart/mixed",
            refusal: .wrongContentType("multipart/mixed"), status: 415, code: 399),
        .init(
            name: "garbage", body: Array("hello".utf8),
            refusal: .malformed(SDPError.malformedLine(type: nil, number: 1).description), status: 400, code: 399),
        .init(
            name: "no m= line", body: SDPSamples.body("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-"), refusal: .noAudio,
            code: 304),
        .init(name: "video only", body: offer("m=audio", "m=video"), refusal: .noAudio, code: 304),
        .init(name: "port 0", body: offer("m=audio 3480", "m=audio 0"), refusal: .audioRejected, code: 304),
        .init(name: "no crypto", body: offer(cryptoLine, ""), refusal: .noCrypto, code: 399),
        .init(
            name: "no crypto but a fingerprint",
            body: offer(cryptoLine, "a=fingerprint:sha-256 00:01\n"), refusal: .dtlsOnly, code: 302),
        .init(
            name: "suite we do not have", body: offer("AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"),
            refusal: .noSupportedCrypto, code: 306),
        .init(name: "broken key", body: offer("inline:AAEC", "inline:AAE"), refusal: .noSupportedCrypto, code: 306),
        .init(name: "MKI", body: offer(key, key + "|1:4"), refusal: .noSupportedCrypto, code: 306),
        .init(name: "DTLS", body: SDPSamples.body(SDPSamples.metaDTLSOffer), refusal: .dtlsOnly, code: 302),
        .init(
            name: "DTLS, older shape", body: SDPSamples.body(SDPSamples.metaOlderOffer), refusal: .dtlsOnly, code: 302),
        .init(name: "plain RTP", body: SDPSamples.body(SDPSamples.asteriskOffer), refusal: .plainRTP, code: 302),
        .init(name: "plain profile with keys", body: offer("RTP/SAVP", "RTP/AVP"), refusal: .plainRTP, code: 302),
        .init(
            name: "plain profile with a fingerprint",
            body: offer("RTP/SAVP 111 126", "RTP/AVP 111 126\na=fingerprint:sha-256 00"), refusal: .dtlsOnly, code: 302),
        .init(
            name: "unknown profile", body: offer("RTP/SAVP", "TCP/RTP/SAVP"),
            refusal: .unsupportedProfile("TCP/RTP/SAVP"), code: 302),
        .init(name: "G.711 only", body: offer("SAVP 111 126", "SAVP 0 8 126"), refusal: .noOpus, code: 305),
        .init(name: "Opus without rtpmap", body: offer("a=rtpmap:111 opus/48000/2\n", ""), refusal: .noOpus, code: 305),
        .init(
            name: "payload number above 127", body: offer("SAVP 111 126", "SAVP 300 126"), refusal: .noOpus, code: 305),
        .init(name: "no connection line", body: offer("c=IN IP4 198.51.100.49\n", ""), refusal: .badAddress, code: 301),
        .init(name: "host name", body: offer("198.51.100.49", "media.example.com"), refusal: .badAddress, code: 301),
        .init(name: "0.0.0.0", body: offer("198.51.100.49", "0.0.0.0"), refusal: .badAddress, code: 301),
        .init(name: "multicast", body: offer("198.51.100.49", "224.2.1.1/127"), refusal: .badAddress, code: 301),
        .init(name: "broadcast", body: offer("198.51.100.49", "255.255.255.255"), refusal: .badAddress, code: 301),
    ]

    @Test(arguments: refused) func refusesWithAReason(_ row: Refused) {
        #expect(throws: row.refusal) {
            _ = try OfferAnswer.answerMeta(offer: row.body, contentType: row.type, local: SDPSamples.local)
        }
        #expect(row.refusal.status == row.status)
        #expect(row.refusal.warningCode == row.code)
        #expect(row.refusal.warningText.count > 20)
    }

    @Test func dtlsRefusalNamesTheSetting() {
        #expect(SDPRefusal.dtlsOnly.warningText.contains("srtp_key_exchange_protocol"))
    }

    @Test func aBodyWithoutTypeIsTakenForSDP() throws {
        _ = try OfferAnswer.answerMeta(
            offer: SDPSamples.body(SDPSamples.metaOffer), contentType: nil, local: SDPSamples.local)
        _ = try OfferAnswer.answerMeta(
            offer: SDPSamples.body(SDPSamples.metaOffer), contentType: " Application/SDP ; charset=utf-8",
            local: SDPSamples.local)
    }

    // MARK: Other peers

    @Test func ipv6AndSeveralStreams() throws {
        var local = SDPSamples.local
        local.address = "2001:db8::10"
        let (answer, negotiated) = try OfferAnswer.answerPeer(
            offer: SDPSamples.body(SDPSamples.softphoneOffer), contentType: "application/sdp", local: local,
            secure: true)
        let text = String(decoding: answer, as: UTF8.self)
        #expect(text.contains("o=- 1 1 IN IP6 2001:db8::10\r\n") && text.contains("c=IN IP6 2001:db8::10\r\n"))
        #expect(
            text.contains(
                "m=video 0 RTP/AVP 31\r\nm=audio 20000 RTP/SAVPF 96 101\r\n")
                && text.hasSuffix("a=sendrecv\r\nm=application 0 UDP/BFCP *\r\n"))
        #expect(text.contains("a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:\(SDPSamples.ourKey)\r\n"))
        #expect(negotiated.remoteAddress == "2001:db8::5" && negotiated.remotePort == 10_014)
        #expect(negotiated.receiveCrypto?.suite == .aesCM128HmacSHA1_32)
    }

    @Test func plainRTPIsAnsweredInKindUnlessSecurityIsAsked() throws {
        let offer = SDPSamples.body(SDPSamples.asteriskOffer)
        let (answer, negotiated) = try OfferAnswer.answerPeer(
            offer: offer, contentType: "application/sdp", local: SDPSamples.local, secure: false)
        let text = String(decoding: answer, as: UTF8.self)
        #expect(text.contains("m=audio 20000 RTP/AVP 107 101\r\n") && !text.contains("crypto"))
        #expect(negotiated.sendCrypto == nil && negotiated.receiveCrypto == nil && !negotiated.rtcpMux)
        #expect(throws: SDPRefusal.plainRTP) {
            _ = try OfferAnswer.answerPeer(offer: offer, contentType: nil, local: SDPSamples.local, secure: true)
        }
    }

    @Test(arguments: [
        ("1.2.3", false), ("1.2.3.4", true), ("1.2.3.256", false), ("1.2.3.4.5", false), ("+1.2.3.4", false),
        ("::1", true), ("2001:db8::1", true), ("2001:db8:1:2:3:4:5:6", true), ("2001:db8:1:2:3:4:5", false),
        ("1::2::3", false), (":1:2:3:4:5:6:7", false), ("1:2:3:4:5:6:7:", false), ("::ffff:192.0.2.1", true),
        ("64:ff9b::192.0.2.1", true), ("ff02::1", false), ("fe80::1%eth0", false), ("12345::", false), (":", false),
        (":::", false), ("1:2:3:4:5:6:7:8:9", false), ("g::", false), ("+1::", false), ("1:2:3:4:5:6:7::", true),
    ]) func connectionAddressesAreLiterals(_ address: String, _ valid: Bool) {
        let body = SDPSamples.body(replacedText(SDPSamples.metaOffer, "198.51.100.49", address))
        let negotiated = try? OfferAnswer.answerMeta(offer: body, contentType: nil, local: SDPSamples.local).negotiated
        #expect((negotiated?.remoteAddress == address) == valid)
    }

    // MARK: Offers

    @Test func ourOfferToMetaIsTheReferences() throws {
        var local = SDPSamples.local
        local.port = 20_002
        let pending = OfferAnswer.offerMeta(local: local)
        let text = String(decoding: pending.description, as: UTF8.self)
        #expect(
            text.hasPrefix(
                "v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
                    + "m=audio 20002 RTP/SAVP 111 126\r\na=rtcp-mux\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"))
        let negotiated = try pending.accept(
            answer: SDPSamples.body(SDPSamples.metaOffer), contentType: "application/sdp")
        #expect(negotiated.remotePort == 3480 && negotiated.rtcpMux && negotiated.event?.payloadType == 126)
        #expect(negotiated.sendCrypto?.masterKeyAndSalt == SDPSamples.ourKeyAndSalt)
        #expect(negotiated.receiveCrypto?.masterKeyAndSalt == Array(0..<30))
    }

    @Test func ourStandInForAWhatsAppUserOffersAsMetaDoes() throws {
        let local = LocalAudio(
            address: "198.51.100.49", port: 3480, sessionID: 1_790_000_000_000, ssrc: 1_000_000_001,
            cname: "WhatsAppAudioStream1", masterKeyAndSalt: Array(0..<30))
        let pending = OfferAnswer.offerMeta(local: local, shape: .whatsApp)
        #expect(
            String(decoding: pending.description, as: UTF8.self)
                == String(decoding: SDPSamples.body(SDPSamples.metaOffer), as: UTF8.self))
    }

    @Test func bothSidesAgree() throws {
        let whatsApp = LocalAudio(
            address: "198.51.100.49", port: 3480, sessionID: 5, ssrc: 7, cname: "w", masterKeyAndSalt: Array(0..<30))
        let pending = OfferAnswer.offerMeta(local: whatsApp, shape: .whatsApp)
        let (answer, ours) = try OfferAnswer.answerMeta(
            offer: pending.description, contentType: "application/sdp", local: SDPSamples.local)
        let theirs = try pending.accept(answer: answer, contentType: "application/sdp")
        #expect(theirs.remoteAddress == "192.0.2.10" && theirs.remotePort == 20_000)
        #expect(theirs.sendCrypto == ours.receiveCrypto && theirs.receiveCrypto == ours.sendCrypto)
        #expect(theirs.audio.payloadType == ours.audio.payloadType && theirs.rtcpMux)
    }

    @Test(arguments: [false, true]) func aPeerAnswersOurOffer(secure: Bool) throws {
        let pending = OfferAnswer.offerPeer(
            local: SDPSamples.local, opusPayloadType: 107, eventPayloadType: 101, secure: secure)
        let peer = LocalAudio(
            address: "192.0.2.20", port: 12_004, sessionID: 9, ssrc: 9, cname: "p", masterKeyAndSalt: Array(0..<30))
        let (answer, theirs) = try OfferAnswer.answerPeer(
            offer: pending.description, contentType: "application/sdp", local: peer, secure: secure)
        let ours = try pending.accept(answer: answer, contentType: "application/sdp")
        #expect(ours.remoteAddress == "192.0.2.20" && ours.remotePort == 12_004 && !ours.rtcpMux)
        #expect(ours.audio.payloadType == 107 && ours.event?.payloadType == 101)
        #expect(ours.sendCrypto == theirs.receiveCrypto && (ours.sendCrypto != nil) == secure)
    }

    struct BadAnswer: CustomTestStringConvertible {
        var name: String
        var body: [UInt8]
        var refusal: SDPRefusal
        var testDescription: String { name }
    }

    static let badAnswers: [BadAnswer] = [
        .init(name: "none", body: [], refusal: .missingBody),
        .init(name: "refused stream", body: offer("m=audio 3480", "m=audio 0"), refusal: .audioRejected),
        .init(name: "no key", body: offer(cryptoLine, ""), refusal: .noCrypto),
        .init(name: "other tag", body: offer("crypto:1", "crypto:2"), refusal: .noSupportedCrypto),
        .init(name: "other suite", body: offer("SHA1_80", "SHA1_32"), refusal: .noSupportedCrypto),
        .init(name: "plain", body: offer("RTP/SAVP", "RTP/AVP"), refusal: .plainRTP),
        .init(name: "DTLS", body: SDPSamples.body(SDPSamples.metaDTLSOffer), refusal: .dtlsOnly),
        .init(name: "no Opus", body: offer("SAVP 111", "SAVP 0"), refusal: .noCommonCodec),
        .init(name: "nowhere to send", body: offer("198.51.100.49", "0.0.0.0"), refusal: .badAddress),
    ]

    @Test(arguments: badAnswers) func answersThatCannotBeUsed(_ row: BadAnswer) {
        #expect(throws: row.refusal) {
            _ = try OfferAnswer.offerMeta(local: SDPSamples.local).accept(answer: row.body, contentType: nil)
        }
    }

    @Test func srtpInAnswerToPlainRTPIsRefused() {
        #expect(throws: SDPRefusal.unsupportedProfile("RTP/SAVP")) {
            _ = try OfferAnswer.offerPeer(local: SDPSamples.local, eventPayloadType: nil)
                .accept(answer: SDPSamples.body(SDPSamples.metaOffer), contentType: nil)
        }
    }

    @Test func oldHoldReadsAsOneWay() throws {
        let held = replacedText(SDPSamples.asteriskOffer, "c=IN IP4 192.0.2.20", "c=IN IP4 0.0.0.0")
        let stream = try AudioStream(SessionDescription(parsing: SDPSamples.body(held).span))
        #expect(stream.direction == .sendonly)
    }
}

/// Every occurrence of `from` in `text`; the row of a table must change something.
func replacedText(_ text: String, _ from: String, _ to: String) -> String {
    String(decoding: replaced(Array(text.utf8), from, to), as: UTF8.self)
}

func replaced(_ text: [UInt8], _ from: String, _ to: String) -> [UInt8] {
    let from = Array(from.utf8)
    var output: [UInt8] = []
    var index = 0
    while index < text.count {
        if text[index...].starts(with: from) {
            output += Array(to.utf8)
            index += from.count
        } else {
            output.append(text[index])
            index += 1
        }
    }
    precondition(output != text, "\(String(decoding: from, as: UTF8.self)) does not occur")
    return output
}
