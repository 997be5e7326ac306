import Testing

@testable import SIPCore

@Suite struct MessageInspectionTests {
    static let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"

    static func problems(_ inspection: MessageInspection) -> [String] {
        inspection.remarks.filter { $0.severity != .note }.map(\.code)
    }

    /// Nothing is wrong with the messages of meta-calling §12, apart from the two of other shape.
    @Test(arguments: MetaExamples.all)
    func examplesAreClean(_ example: Example) {
        let inspection = MessageInspection(example.octets)
        #expect(inspection.valid)
        #expect(inspection.way != nil)
        #expect(inspection.answer == nil || example.name == "authorized INVITE")
        #expect(Self.problems(inspection).isEmpty)
        #expect(!"\(inspection)".contains(Self.key))
        #expect(!"\(inspection)".contains("7e685eccfc755d7fb22d0b33ec2ef4d3"))
    }

    @Test func metasInviteIsRead() throws {
        let inspection = MessageInspection(MetaExamples.invite)
        #expect(inspection.kind == "request")
        #expect(inspection.method == "INVITE")
        #expect(inspection.requestURI == "sip:+15550100001@sip.example.com;transport=tls")
        #expect(inspection.way == .fromMeta)
        #expect(inspection.fields.count == 17)
        #expect(inspection.fields.first?.name == "Via")
        #expect(inspection.bodyType == "application/sdp")
        let stream = try #require(inspection.sdp?.streams.first)
        #expect(stream.address == "198.51.100.49")
        #expect(stream.port == 3480)
        #expect(stream.profile == "RTP/SAVP")
        #expect(stream.direction == "sendrecv")
        #expect(stream.codecs.map(\.encoding) == ["opus/48000/2", "telephone-event/8000"])
        #expect(stream.crypto == ["1 AES_CM_128_HMAC_SHA1_80"])
        #expect(stream.rtcpMux && stream.ptime == 20 && stream.fingerprints == 0 && !stream.ice)
        #expect(inspection.remarks.map(\.code) == ["call-id"])
    }

    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var message: [UInt8]
        var codes: [String]
        var status: Int?

        init(_ name: String, _ message: [UInt8], _ codes: [String], status: Int? = nil) {
            testDescription = name
            self.message = message
            self.codes = codes
            self.status = status
        }
    }

    static func invite(_ changes: [(String, String)]) -> [UInt8] {
        var offer = MetaExamples.offer
        for (old, new) in changes { offer = offer.replacing(old, with: new) }
        return wire(MetaExamples.inviteHead, body: offer)
    }

    static func inviteHead(_ old: String, _ new: String) -> [UInt8] {
        wire(MetaExamples.inviteHead.replacing(old, with: new), body: MetaExamples.offer)
    }

    static let cryptoLine = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(key)\n"
    static let dtls = """
        a=ice-ufrag:EXAMPLEufrag0001
        a=ice-pwd:AAECAwQFBgcICQoLDA0ODw==
        a=fingerprint:sha-256 00:01:02:03

        """

    @Test(arguments: [
        Change(
            "Record-Route the other way round",
            inviteHead(
                "Record-Route: <sip:wa.meta.vc;transport=tls;lr>\nRecord-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>",
                "Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>, <sip:wa.meta.vc;transport=tls;lr>"
            ),
            ["route-order"]),
        Change(
            "Record-Route without lr",
            inviteHead("<sip:wa.meta.vc;transport=tls;lr>", "<sip:wa.meta.vc;transport=tls>"), ["route-altered"]),
        Change("no crypto", invite([(cryptoLine, "")]), ["no-crypto"], status: 488),
        Change(
            "suite that nobody has", invite([("AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM")]), ["no-usable-crypto"],
            status: 488),
        Change("plain RTP", invite([("RTP/SAVP", "RTP/AVP"), (cryptoLine, "")]), ["plain-rtp"], status: 488),
        Change(
            "DTLS", invite([("RTP/SAVP", "UDP/TLS/RTP/SAVPF"), (cryptoLine, dtls)]), ["dtls"], status: 488),
        Change(
            "DTLS, two fingerprints, no ICE",
            invite([
                ("RTP/SAVP", "UDP/TLS/RTP/SAVPF"),
                (cryptoLine, "a=fingerprint:sha-256 00:01\na=fingerprint:sha-1 02:03\n"),
            ]),
            ["dtls", "no-ice", "fingerprints"], status: 488),
        Change(
            "126 for something else", invite([("126 telephone-event/8000", "126 PCMU/8000")]), ["payload-126"]),
        Change("no Opus", invite([("opus/48000/2", "PCMA/8000")]), ["no-opus"], status: 488),
        Change(
            "several SSRCs", invite([("a=ptime:20\n", "a=ptime:40\na=ssrc:7 cname:x\n")]), ["ptime", "ssrc"]),
        Change("Require", inviteHead("Max-Forwards: 69", "Max-Forwards: 69\nRequire: 100rel"), [], status: 420),
        Change("no number", inviteHead("INVITE sip:+15550100001@", "INVITE sip:alice@"), [], status: 404),
        Change(
            "no body", wire(MetaExamples.inviteHead.replacing("Content-Type: application/sdp", with: "X-A: y")), [],
            status: 488),
        Change(
            "SDP that is none",
            wire(MetaExamples.inviteHead, body: "v=0\nwhatever\n"), [], status: 400),
    ])
    func invitesOfMeta(_ change: Change) {
        let inspection = MessageInspection(change.message)
        #expect(inspection.valid)
        #expect(inspection.way == .fromMeta)
        #expect(Self.problems(inspection) == change.codes)
        #expect(inspection.answer?.status == change.status)
        #expect(!"\(inspection)".contains(Self.key))
    }

    /// meta-calling §12.2 (1).
    static let ours = """
        INVITE sip:+15550100199@wa.meta.vc;transport=tls SIP/2.0
        Via: SIP/2.0/TLS sip.example.com:5061;rport;branch=z9hG4bK-b2b-1001;alias
        Max-Forwards: 70
        From: <sip:+15550100001@sip.example.com>;tag=bic-0001
        To: <sip:+15550100199@wa.meta.vc>
        Call-ID: 7f3a5c1e-0001@sip.example.com
        CSeq: 1 INVITE
        Contact: <sip:+15550100001@sip.example.com:5061;transport=tls>
        Content-Type: application/sdp
        """
    static let ourOffer = SDPSamples.ourAnswer + "\n"

    static func ours(_ old: String, _ new: String) -> [UInt8] {
        wire(ours.replacing(old, with: new), body: ourOffer.replacing("192.0.2.10", with: "203.0.113.10"))
    }

    static func ourOffer(_ old: String, _ new: String) -> [UInt8] {
        wire(ours, body: ourOffer.replacing(old, with: new))
    }

    @Test(arguments: [
        Change("clean", ours("", ""), []),
        Change("sips", ours("INVITE sip:", "INVITE sips:"), ["sips"]),
        Change(
            "IP in the Request-URI", ours("INVITE sip:+15550100199@wa.meta.vc", "INVITE sip:+15550100199@192.0.2.1"),
            ["ip-request-uri"]),
        Change("no + in the Request-URI", ours("INVITE sip:+", "INVITE sip:"), ["no-plus"]),
        Change("a user id", ours("INVITE sip:+15550100199@", "INVITE sip:US.10000000000000000001@"), []),
        Change("no transport", ours("wa.meta.vc;transport=tls SIP", "wa.meta.vc SIP"), ["no-tls"]),
        Change("no + in From", ours("From: <sip:+", "From: <sip:"), ["no-plus"]),
        Change(
            "IP in From", ours("From: <sip:+15550100001@sip.example.com>", "From: <sip:+15550100001@192.0.2.1>"),
            ["from-host"]),
        Change(
            "IP in Contact", ours("Contact: <sip:+15550100001@sip.example.com", "Contact: <sip:+15550100001@192.0.2.1"),
            ["ip-contact"]),
        Change("no Contact", ours("Contact:", "X-Contact:"), ["contact"]),
        Change("session timer", ours("Max-Forwards: 70", "Session-Expires: 1800\nSupported: timer"), ["session-timer"]),
        Change("100rel", ours("Max-Forwards: 70", "Require: 100rel"), ["100rel"]),
        Change("100rel supported", ours("Max-Forwards: 70", "k: 100rel"), []),
        Change("REGISTER", ours("INVITE", "REGISTER"), ["method"]),
        Change(
            "re-INVITE",
            ours(
                "To: <sip:+15550100199@wa.meta.vc>",
                "Route: <sip:wa.meta.vc;transport=tls;lr>, <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\nTo: <sip:+15550100199@wa.meta.vc>;tag=1"
            ), ["re-invite"]),
        Change(
            "no Route in the call",
            ours("To: <sip:+15550100199@wa.meta.vc>", "To: <sip:+15550100199@wa.meta.vc>;tag=1"),
            ["route-missing", "re-invite"]),
        Change(
            "username with +",
            ours(
                "Max-Forwards: 70",
                "Proxy-Authorization: Digest username=\"+15550100001\", realm=\"wa.meta.vc\", nonce=\"1\", uri=\"sip:+15550100199@wa.meta.vc;transport=tls\", response=\"deadbeef\""
            ), ["username"]),
        Change(
            "answer for another realm",
            ours(
                "Max-Forwards: 70",
                "Proxy-Authorization: Digest username=\"15550100001\", realm=\"evil.example.com\", nonce=\"1\", uri=\"sip:x@y\", response=\"deadbeef\""
            ), ["realm", "digest-uri"]),
        Change("private media", ourOffer("192.0.2.10", "192.168.1.10"), ["private-media"]),
        Change("host name for media", ourOffer("c=IN IP4 192.0.2.10", "c=IN IP4 media.example.com"), ["media-address"]),
        Change(
            "two fingerprints", ourOffer("a=rtcp-mux", "a=rtcp-mux\na=fingerprint:sha-256 00\na=fingerprint:sha-1 00"),
            ["fingerprints"]),
        Change("nothing sent", ourOffer("a=sendrecv", "a=inactive"), ["direction"]),
    ])
    func requestsToMeta(_ change: Change) {
        let inspection = MessageInspection(change.message)
        #expect(inspection.valid)
        #expect(inspection.way == .toMeta)
        #expect(Self.problems(inspection) == change.codes)
        #expect(inspection.answer == nil)
        #expect(!"\(inspection)".contains("deadbeef") && !"\(inspection)".contains(SDPSamples.ourKey))
    }

    @Test func answersToMeta() {
        let head = MetaExamples.challenge.text.replacing("\r\n", with: "\n")
            .replacing("407 Proxy Authentication Required", with: "200 OK").replacing("Proxy-Authenticate", with: "X-A")
            .replacing(
                "Content-Length: 0", with: "Contact: <sip:192.0.2.1;transport=tls>\nContent-Type: application/sdp")
        let inspection = MessageInspection(wire(head, body: SDPSamples.ourAnswer + "\n"))
        #expect(inspection.way == .toMeta)
        #expect(Self.problems(inspection) == ["route-missing", "ip-contact"])
        let early = MessageInspection(
            wire(head.replacing("200 OK", with: "183 Session Progress"), body: SDPSamples.ourAnswer + "\n"))
        #expect(Self.problems(early) == ["early-media"])
    }

    @Test func answersOfMeta() {
        let refusal = MessageInspection(MetaExamples.refusal)
        #expect(refusal.way == .fromMeta)
        #expect(refusal.remarks.map(\.code) == ["meaning"])
        let challenge = MessageInspection(MetaExamples.metaChallenge)
        #expect(challenge.remarks.map(\.text) == ["Challenges, in order: SHA-256, MD5"])
        let rogue = MetaExamples.metaChallenge.text.replacing(
            "realm=\"wa.meta.vc\"", with: "realm=\"evil.example.com\"")
        #expect(Self.problems(MessageInspection(Array(rogue.utf8))) == ["realm"])
        let reversed = MetaExamples.metaAnswer.text.replacing(
            "Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\r\n", with: ""
        ).replacing(
            "Call-ID:", with: "Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\r\nCall-ID:")
        #expect(Self.problems(MessageInspection(Array(reversed.utf8))) == ["route-order"])
    }

    @Test func othersAreOnlyRead() {
        let inspection = MessageInspection(
            wire(
                """
                INVITE sip:100@192.0.2.1 SIP/2.0
                Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1
                From: <sip:alice:secret@192.0.2.10>;tag=1
                To: <sip:100@192.0.2.1>
                Call-ID: a
                CSeq: 1 INVITE
                X-Api-Token: secret
                Authorization: Basic c2VjcmV0
                """))
        #expect(inspection.way == nil && inspection.answer == nil)
        #expect(inspection.remarks.map(\.code) == ["not-meta"])
        #expect(!"\(inspection)".contains("secret") && !"\(inspection)".contains("c2VjcmV0"))
        #expect(inspection.fields.first { $0.name == "From" }?.value == "<sip:alice:<hidden>@192.0.2.10>;tag=1")
    }

    // MARK: Malformed

    @Test(arguments: Torture.all)
    func tortureHasItsVerdict(_ torture: Torture) {
        let inspection = MessageInspection(torture.octets)
        switch torture.outcome {
        case .valid:
            #expect(inspection.valid && inspection.problem == nil)
        case .refused(let status), .refusedAndClosed(let status):
            #expect(!inspection.valid && inspection.answer?.status == status)
            #expect(inspection.problem != nil && !inspection.fields.isEmpty)
        case .dropped:
            #expect(!inspection.valid && inspection.answer == nil && inspection.problem != nil)
        }
    }

    @Test func faultsArePlaced() {
        let text = wire(MetaExamples.inviteHead, body: MetaExamples.offer).text
        func place(_ old: String, _ new: String) -> MessageInspection.Problem? {
            MessageInspection(Array(text.replacing(old, with: new).utf8)).problem
        }
        let cseq = place("CSeq: 9989 INVITE", "CSeq: 9989 BYE")
        #expect(cseq?.line == 12)
        #expect(
            cseq?.offset == text.split(separator: "CSeq:").first?.utf8.count)
        #expect(place("Max-Forwards: 69", "Max-Forwards: many")?.line == 7)
        #expect(place("Allow: INVITE", "To: <sip:b@example.com>\r\nAllow: INVITE")?.line == 16)
        #expect(place("User-Agent: Facebook SipGateway", "User-Agent Facebook SipGateway")?.line == 17)
        #expect(place("Content-Length: ", "Content-Length: 9")?.reason.contains("promises") == true)
        #expect(MessageInspection([]).problem?.reason == "This is not SIP")
        #expect(MessageInspection(Array("hello\n".utf8)).answer == nil)
    }

    // MARK: Line ends

    @Test func bareLineFeedsAreTaken() {
        let wired = MessageInspection(MetaExamples.invite)
        let plain = MetaExamples.invite.filter { $0 != 13 }
        var inspection = MessageInspection(plain)
        #expect(inspection.valid)
        #expect(inspection.remarks.map(\.code) == ["line-feeds", "call-id"])
        inspection.remarks = wired.remarks
        #expect(inspection == wired)
        // The last line end is what gets lost when text is copied.
        #expect(MessageInspection(Array(plain.dropLast())).valid)
        let bad = MessageInspection(
            Array(plain.text.replacing("CSeq: 9989 INVITE", with: "CSeq: x").utf8))
        #expect(bad.problem?.line == 12)
        #expect(bad.problem?.offset == (plain.text.split(separator: "CSeq:").first?.utf8.count ?? 0))
        #expect(bad.remarks.map(\.code) == ["line-feeds"])
    }

    @Test func streamsSeeMore() {
        let codes = MessageInspection(MetaExamples.bye + MetaExamples.bye).remarks.map(\.code)
        #expect(codes == ["octets-behind"])
        let lines = MetaExamples.invite.text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let noLength = lines.filter { !$0.hasPrefix("Content-Length") }.joined(separator: "\r\n")
        #expect(MessageInspection(Array(noLength.utf8)).remarks.first?.code == "no-framing")
    }

    /// Whatever comes in: no trap, and no key goes out.
    @Test func mutationsDoNotTrap() {
        var seed: UInt64 = 42
        func next(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        for _ in 0..<400 {
            var octets = MetaExamples.invite
            for _ in 0..<next(8) { octets[next(octets.count)] = UInt8(truncatingIfNeeded: next(256)) }
            octets.removeLast(next(octets.count))
            _ = MessageInspection(octets)
        }
    }
}
