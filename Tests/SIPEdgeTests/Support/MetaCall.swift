import SIPCore
import SIPEdge

/// The messages of one call as Meta writes them (meta-calling §12.1), each part to be changed.
struct MetaCall {
    var number = TestEdge.number
    var uri = "sip:+15550100001@sip.example.com;transport=tls"
    var user = "+15550100199"
    var wacid: String
    var tag: String
    var branch: String
    var cseq = 9_989
    var media = "127.69.171.11"
    var mediaPort: UInt16 = 3_480
    /// Lines of their own, without the line end.
    var headers: [String] = []
    var contentType: String? = "application/sdp"
    var body: String?
    /// To of the dialog, and where its requests go, once answered.
    var to = "<sip:+15550100001@sip.example.com>"
    var remoteTarget = ""

    static let recordRoutes = [
        "<sip:wa.meta.vc;transport=tls;lr>", "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>",
    ]
    static let lowerVias = [
        "SIP/2.0/TLS [2001:db8:6080::a]:5061;branch=z9hG4bKPj0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "SIP/2.0/TLS [2001:db8:6080::b]:63057;rport=63057;received=2001:db8:6080::b;branch=z9hG4bKPj-ExAmPlE0123456789;alias",
    ]
    static let crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"

    init(_ name: String = "call") {
        let unique = IDSource.random.next()
        wacid = "wacid.\(name)\(unique)=="
        tag = "11111111-2222-4333-8444-\(unique)"
        branch = "z9hG4bKPj\(unique)"
    }

    var sdp: String {
        Self.lines([
            "v=0", "o=- 1790000000000 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE audio",
            "a=msid-semantic: WMS 00000000-0000-4000-8000-000000000001", "m=audio \(mediaPort) RTP/SAVP 111 126",
            "c=IN IP4 \(media)", "a=rtcp:9 IN IP4 0.0.0.0", "a=mid:audio", "a=sendrecv",
            "a=msid:00000000-0000-4000-8000-000000000001 WhatsAppTrack1", "a=rtcp-mux", Self.crypto,
            "a=rtpmap:111 opus/48000/2",
            "a=fmtp:111 maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1",
            "a=rtpmap:126 telephone-event/8000", "a=maxptime:20", "a=ptime:20",
            "a=ssrc:1000000001 cname:WhatsAppAudioStream1",
        ])
    }

    var topVia: String { "SIP/2.0/TLS 198.51.100.20:5061;rport;branch=\(branch);alias" }
    var from: String { "\"\(user.drop { $0 == "+" })\" <sip:\(user)@wa.meta.vc>;tag=\(tag)" }
    var callID: String { "outgoing:\(wacid)" }

    var invite: String {
        let body = self.body ?? sdp
        let type = contentType.map { ["Content-Type: \($0)"] } ?? []
        return Self.lines(
            [
                "INVITE \(uri) SIP/2.0", "Via: \(topVia)", "Record-Route: \(Self.recordRoutes[0])",
                "Record-Route: \(Self.recordRoutes[1])", "Via: \(Self.lowerVias[0])", "Via: \(Self.lowerVias[1])",
                "Max-Forwards: 69", "From: \(from)", "To: \(to)",
                "Contact: <sip:\(user)@wa.meta.vc;transport=tls;ob>;isfocus", "Call-ID: \(callID)",
                "CSeq: \(cseq) INVITE", "X-FB-External-Domain: wa.meta.vc", "x-wa-meta-wacid: \(wacid)",
                "x-wa-meta-user-id: US.10000000000000000001",
            ] + headers + ["Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS", "User-Agent: Facebook SipGateway"] + type
                + ["Content-Length:   \(body.utf8.count)", ""]) + body
    }

    var cancel: String { request("CANCEL", uri: uri, branch: branch, sequence: cseq) }

    /// To a refusal: the INVITE's branch, the answer's To.
    func ack(_ response: Response) -> String {
        var copy = self
        copy.to = response.headers.value("To") ?? to
        return copy.request("ACK", uri: uri, branch: branch, sequence: cseq)
    }

    /// Takes the dialog from the 200.
    mutating func answered(_ response: Response) {
        to = response.headers.value("To") ?? to
        remoteTarget = response.headers.contact?.uri.description ?? uri
    }

    var ack: String { request("ACK", sequence: cseq) }

    func bye(headers: [String] = ["x-wa-meta-call-duration: 2"]) -> String {
        request("BYE", sequence: cseq + 1, headers: headers)
    }

    func request(
        _ method: String, uri: String? = nil, branch: String? = nil, sequence: Int, headers: [String] = [],
        body: String = ""
    ) -> String {
        Self.lines(
            [
                "\(method) \(uri ?? remoteTarget) SIP/2.0",
                "Via: SIP/2.0/TLS 198.51.100.20:5061;rport;branch=\(branch ?? "z9hG4bKPj\(IDSource.random.next())");alias",
                "Max-Forwards: 69", "From: \(from)", "To: \(to)", "Call-ID: \(callID)", "CSeq: \(sequence) \(method)",
            ] + headers + ["User-Agent: Facebook SipGateway"] + (body.isEmpty ? [] : ["Content-Type: application/sdp"])
                + ["Content-Length:  \(body.utf8.count)", ""]) + body
    }

    static func lines(_ lines: [String]) -> String { lines.map { $0 + "\r\n" }.joined() }
}
