import SIPCore

/// One INVITE of Meta's form, read and written again, and heads made to take long.
///
/// Of each figure the fastest of many short runs counts: on a busy machine the others measure the neighbours.
enum ParseBenchmark {
    static func run() {
        let invite = Array(SampleInvite.text.utf8)
        guard case .request(let request)? = try? Message(parsing: invite.span),
            let answer = try? OfferAnswer.answerMeta(
                offer: request.body, contentType: request.headers.contentType, local: local
            ).answer
        else { return print("parse: the sample is no INVITE with an offer") }
        let ok = request.response(
            200, toTag: "0a1b2c3d4e5f",
            headers: [
                HeaderField(.contact, "<sip:+15550100001@sip.example.com:5061;transport=tls>"),
                HeaderField(.allow, "INVITE, ACK, BYE, CANCEL, OPTIONS"), HeaderField(.contentType, "application/sdp"),
            ], body: answer)
        let head = fastest { (try? Message(parsing: invite.span))?.headers.count ?? 0 }
        let whole = fastest { read(invite) }
        let answering = fastest {
            let both = try? OfferAnswer.answerMeta(
                offer: request.body, contentType: request.headers.contentType, local: local)
            return both?.answer.count ?? 0
        }
        print(
            "INVITE of \(invite.count) octets: head read in \(microseconds(head)) us, with key, tags, Call-ID, CSeq and "
                + "session description in \(microseconds(whole)) us; its offer answered in \(microseconds(answering)) us; "
                + "the 200 of \(ok.encoded().count) octets written in \(microseconds(fastest { ok.encoded().count })) us"
        )
        hostile()
    }

    private static let local = LocalAudio(
        address: "192.0.2.1", port: 20_000, sessionID: 1_790_000_000, ssrc: 7, cname: "bench",
        masterKeyAndSalt: [UInt8](0..<30))

    /// All that an INVITE costs before a call is made of it.
    private static func read(_ octets: [UInt8]) -> Int {
        guard case .request(let request)? = try? Message(parsing: octets.span) else { return 0 }
        let headers = request.headers
        let key = TransactionKey(server: request)
        let stream = try? AudioStream(SessionDescription(parsing: request.body.span))
        return (headers.callID?.utf8.count ?? 0) &+ (headers.fromTag?.utf8.count ?? 0) &+ (headers.toTag == nil ? 1 : 0)
            &+ Int(headers.cseq?.number ?? 0) &+ (key == nil ? 0 : 1) &+ (stream?.codecs.count ?? 0)
    }

    /// The longest that a head of 64 kB takes, and what half of it takes: twice as long is linear time.
    private static func hostile() {
        var slowest = (name: "", whole: Duration.zero, half: Duration.zero)
        for head in HostileHead.allCases {
            let whole = fastest(rounds: 1, runs: 20) { read(head.octets(65_000)) }
            let half = fastest(rounds: 1, runs: 20) { read(head.octets(32_500)) }
            if whole > slowest.whole { slowest = (head.rawValue, whole, half) }
        }
        print(
            "heads of 64 kB made to take long: the worst of \(HostileHead.allCases.count), \(slowest.name), in "
                + "\(microseconds(slowest.whole)) us, half of it in \(microseconds(slowest.half)) us")
    }

    /// The time of one round.
    private static func fastest(rounds: Int = 100, runs: Int = 200, _ body: () -> Int) -> Duration {
        var sum = 0
        let clock = ContinuousClock()
        var fastest = Duration.seconds(1_000)
        for _ in 0..<runs {
            let time = clock.measure { for _ in 0..<rounds { sum &+= body() } }
            fastest = min(fastest, time / rounds)
        }
        // The results are used, so that nothing is left out.
        return sum == .min ? .zero : fastest
    }

    private static func microseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return Figure.text(Double(seconds) * 1e6 + Double(attoseconds) / 1e12)
    }
}

/// Heads whose fields invite a parser to look at the same octets again and again.
private enum HostileHead: String, CaseIterable {
    case commas = "values parted by commas"
    case quotes = "a quoted string of escapes"
    case openQuotes = "quotes that never end"
    case folds = "a folded line"
    case parameters = "parameters of a Via"
    case lines = "lines without a colon"
    case returns = "carriage returns"
    case brackets = "opening brackets"
    case lengths = "equal lengths"

    func octets(_ count: Int) -> [UInt8] {
        func filled(_ piece: String) -> String { String(repeating: piece, count: (count - 400) / piece.utf8.count) }
        var (via, from, more) = ("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa", "<sip:a@example.com>;tag=1", "")
        switch self {
        case .commas: more = "Contact: \(filled("<sip:a>,"))<sip:a>\r\n"
        case .quotes: from = "\"\(filled("\\\""))\" <sip:a@example.com>;tag=1"
        case .openQuotes: more = "Contact: \(filled("\","))\r\n"
        case .folds: more = "Subject: a\(filled("\r\n "))b\r\n"
        case .parameters: via += filled(";a")
        case .lines: more = filled("a\r\n")
        case .returns: more = "X: \(filled("\r"))\r\n"
        case .brackets: more = "Contact: \(filled("<"))\r\n"
        case .lengths: more = filled("l:0\r\n")
        }
        return Array(
            ("OPTIONS sip:b@example.com SIP/2.0\r\nVia: \(via)\r\nFrom: \(from)\r\nTo: <sip:b@example.com>\r\n"
                + "Call-ID: hostile\r\nCSeq: 1 OPTIONS\r\n\(more)\r\n").utf8)
    }
}

enum SampleInvite {
    static let body = [
        "v=0", "o=- 1790000000000 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE audio",
        "m=audio 3480 RTP/SAVP 111 126", "c=IN IP4 198.51.100.49", "a=rtcp:9 IN IP4 0.0.0.0", "a=mid:audio",
        "a=sendrecv", "a=rtcp-mux",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd",
        "a=rtpmap:111 opus/48000/2", "a=rtpmap:126 telephone-event/8000", "a=maxptime:20", "a=ptime:20", "",
    ].joined(separator: "\r\n")

    static let text = [
        "INVITE sip:+15550100001@sip.example.com;transport=tls SIP/2.0",
        "Via: SIP/2.0/TLS 198.51.100.20:5061;rport;branch=z9hG4bKPj0a1b2c3d4e5f60718293a4b5c6d7e8f9;alias",
        "Record-Route: <sip:wa.meta.vc;transport=tls;lr>",
        "Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>",
        "Via: SIP/2.0/TLS [2001:db8:6080::a]:5061;branch=z9hG4bKPj0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "Max-Forwards: 69",
        "From: \"15550100199\" <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-555555555555",
        "To: <sip:+15550100001@sip.example.com>",
        "Contact: <sip:+15550100199@wa.meta.vc;transport=tls;ob>;isfocus",
        "Call-ID: outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==", "CSeq: 9989 INVITE", "X-FB-External-Domain: wa.meta.vc",
        "x-wa-meta-wacid: wacid.RVhBTVBMRV9OT1RfUkVBTA==", "x-wa-meta-user-id: US.10000000000000000001",
        "Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS", "User-Agent: Facebook SipGateway",
        "Content-Type: application/sdp", "Content-Length: \(body.utf8.count)", "", body,
    ].joined(separator: "\r\n")
}
