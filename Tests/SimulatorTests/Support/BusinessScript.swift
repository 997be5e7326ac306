import SIPCore
import SIPEdge

/// The messages of one call of a business to a WhatsApp user (meta-calling §12.2), each part to be got wrong.
struct BusinessScript: Sendable {
    var uri = "sip:\(Example.user)@wa.meta.vc;transport=tls"
    var from = "<sip:\(Example.number)@\(Example.hostname)>"
    var to = "<sip:\(Example.user)@wa.meta.vc>"
    var contact: String? = "<sip:\(Example.number)@\(Example.hostname):5061;transport=tls>"
    var maxForwards: String? = "70"
    var callID = "\(IDSource.random.next())@\(Example.hostname)"
    var tag = IDSource.random.next()
    var branch = "z9hG4bK-\(IDSource.random.next())"
    var cseq = 1
    var headers: [String] = []
    var contentType: String? = "application/sdp"
    var mediaPort: UInt16 = 20_002
    var key = BusinessScript.freshKey()
    /// Changes lines of the SDP.
    var sdpChange: @Sendable (inout [String]) -> Void = { _ in }
    /// Method of the first request; its CSeq says the same.
    var method = "INVITE"
    // Of the dialog, once answered.
    var remoteTo = ""
    var target = ""
    var routes: [String] = []

    static func freshKey() -> [UInt8] { (0..<30).map { _ in .random(in: .min ... .max) } }

    var crypto: CryptoAttribute { CryptoAttribute(tag: 1, suite: .aesCM128HmacSHA1_80, masterKeyAndSalt: key) }

    var sdp: String {
        var lines = [
            "v=0", "o=- 1 1 IN IP4 \(Example.businessAddress)", "s=-", "c=IN IP4 \(Example.businessAddress)", "t=0 0",
            "m=audio \(mediaPort) RTP/SAVP 111 126", "a=rtcp-mux", "a=crypto:\(crypto.wireValue)",
            "a=rtpmap:111 opus/48000/2",
            "a=fmtp:111 maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=20000;useinbandfec=1",
            "a=rtpmap:126 telephone-event/8000", "a=fmtp:126 0-16", "a=ptime:20", "a=maxptime:20", "a=sendrecv",
        ]
        sdpChange(&lines)
        return Self.lines(lines)
    }

    var invite: String {
        let body = method == "INVITE" ? sdp : ""
        return Self.lines(
            ["\(method) \(uri) SIP/2.0", "Via: \(via(branch))"]
                + (maxForwards.map { ["Max-Forwards: \($0)"] } ?? [])
                + ["From: \(from);tag=\(tag)", "To: \(to)", "Call-ID: \(callID)", "CSeq: \(cseq) \(method)"]
                + (contact.map { ["Contact: \($0)"] } ?? []) + headers
                + (body.isEmpty ? [] : contentType.map { ["Content-Type: \($0)"] } ?? [])
                + ["Content-Length: \(body.utf8.count)", ""]) + body
    }

    func via(_ branch: String) -> String { "SIP/2.0/TLS \(Example.hostname):5061;rport;branch=\(branch);alias" }

    /// For a refusal, or a challenge.
    func ack(refusal: Response) -> String {
        Self.lines([
            "ACK \(uri) SIP/2.0", "Via: \(via(branch))", "Max-Forwards: 70", "From: \(from);tag=\(tag)",
            "To: \(refusal.headers[first: .to] ?? to)", "Call-ID: \(callID)", "CSeq: \(cseq) ACK", "Content-Length: 0",
            "",
        ])
    }

    /// The INVITE again with the answer to one of the challenges.
    mutating func authorize(
        _ challenge: Response, algorithm: DigestAlgorithm = .sha256, password: String = Example.password,
        username: String = "15550100001", uri digestURI: String? = nil, nc: UInt32 = 1,
        change: (inout DigestAnswer) -> Void = { _ in }
    ) throws {
        let challenges = challenge.digestChallenges
        guard
            let chosen = challenges.first(where: { $0.algorithm == algorithm }) ?? challenges.first,
            var answer = DigestAnswer(
                to: chosen, credentials: DigestCredentials(username: username, password: password), method: .invite,
                uri: digestURI ?? uri, cnonce: "c0ffee01", nc: nc)
        else { throw Wire.Ended() }
        change(&answer)
        let name = challenge.status == 401 ? "Authorization" : "Proxy-Authorization"
        headers.removeAll { $0.hasPrefix("Proxy-Auth") || $0.hasPrefix("Authorization") }
        headers.append("\(name): \(answer.headerValue)")
        cseq += 1
        branch = "z9hG4bK-\(IDSource.random.next())"
    }

    /// Takes the dialog from the 200.
    mutating func answered(_ response: Response) {
        remoteTo = response.headers[first: .to] ?? ""
        target = response.headers.contact?.uri.description ?? ""
        routes = response.headers.recordRoutes.reversed()
    }

    func request(
        _ method: String, cseq: Int, branch: String? = nil, headers: [String] = [], body: String = ""
    ) -> String {
        Self.lines(
            [
                "\(method) \(target) SIP/2.0",
                "Via: \(via(branch ?? "z9hG4bK-\(IDSource.random.next())"))",
            ] + routes.map { "Route: \($0)" } + [
                "Max-Forwards: 70", "From: \(from);tag=\(tag)", "To: \(remoteTo)", "Call-ID: \(callID)",
                "CSeq: \(cseq) \(method)",
            ] + headers + (body.isEmpty ? [] : ["Content-Type: application/sdp"])
                + ["Content-Length: \(body.utf8.count)", ""]) + body
    }

    var ack: String { request("ACK", cseq: cseq) }

    var cancel: String {
        Self.lines([
            "CANCEL \(uri) SIP/2.0", "Via: \(via(branch))", "Max-Forwards: 70", "From: \(from);tag=\(tag)", "To: \(to)",
            "Call-ID: \(callID)", "CSeq: \(cseq) CANCEL", "Content-Length: 0", "",
        ])
    }

    static func lines(_ lines: [String]) -> String { lines.map { $0 + "\r\n" }.joined() }
}
