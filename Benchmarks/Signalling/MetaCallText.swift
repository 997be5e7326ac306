/// The requests of one call as Meta's trunk sends them (meta-calling §12.1), written out as text: the generator is not to
/// cost more than what it measures.
struct MetaCallText {
    /// `127.69.171.10:5061`, as the Via says it.
    let sentBy: String
    /// `TLS` or `UDP`.
    let transport: String
    /// Where the call goes: `sip:+15550100002@127.61.0.10:15061;transport=tls`.
    let uri: String
    let number: String
    let host: String
    let mediaAddress: String
    let mediaPort: UInt16
    /// Tells this run's calls from another's.
    let run: String

    static let domain = "wa.meta.vc"
    static let ownRoutes = ["wa.meta.vc", "onevc-sip-proxy.fbinfra.net"]

    func callID(_ index: Int) -> String { "outgoing:wacid.BENCH\(run)N\(index)" }

    func invite(_ index: Int) -> String {
        let body =
            "v=0\r\no=- 1790000000000 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE audio\r\n"
            + "a=msid-semantic: WMS 00000000-0000-4000-8000-000000000001\r\n"
            + "m=audio \(mediaPort) RTP/SAVP 111 126\r\nc=IN IP4 \(mediaAddress)\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
            + "a=mid:audio\r\na=sendrecv\r\na=msid:00000000-0000-4000-8000-000000000001 WhatsAppTrack1\r\n"
            + "a=rtcp-mux\r\n"
            + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n"
            + "a=rtpmap:111 opus/48000/2\r\n"
            + "a=fmtp:111 maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;"
            + "sprop-maxcapturerate=16000;useinbandfec=1\r\n"
            + "a=rtpmap:126 telephone-event/8000\r\na=maxptime:20\r\na=ptime:20\r\n"
            + "a=ssrc:1000000001 cname:WhatsAppAudioStream1\r\n"
        return "INVITE \(uri) SIP/2.0\r\n\(via(index, "i"))"
            + "Record-Route: <sip:wa.meta.vc;transport=tls;lr>\r\n"
            + "Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>\r\n"
            + "Via: SIP/2.0/TLS [2001:db8:6080::a]:5061;branch=z9hG4bKPj0a1b2c3d4e5f60718293a4b5c6d7e8f9\r\n"
            + "Via: SIP/2.0/TLS [2001:db8:6080::b]:63057;rport=63057;received=2001:db8:6080::b;"
            + "branch=z9hG4bKPj-ExAmPlE0123456789;alias\r\n"
            + "Max-Forwards: 69\r\n\(from(index))To: <sip:\(number)@\(host)>\r\n"
            + "Contact: <sip:+15550100199@wa.meta.vc;transport=tls;ob>;isfocus\r\n"
            + "Call-ID: \(callID(index))\r\nCSeq: 9989 INVITE\r\nX-FB-External-Domain: wa.meta.vc\r\n"
            + "x-wa-meta-wacid: wacid.BENCH\(run)N\(index)\r\nx-wa-meta-user-id: US.10000000000000000001\r\n"
            + "Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS\r\nUser-Agent: Facebook SipGateway\r\n"
            + "Content-Type: application/sdp\r\nContent-Length:   \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// For a 2xx; `answer` names the far end's Contact, To and routes.
    func ack(_ index: Int, _ answer: RawResponse) -> String {
        "ACK \(answer.contact) SIP/2.0\r\n\(via(index, "a"))\(routes(answer))Max-Forwards: 69\r\n\(from(index))"
            + "To: \(answer.to)\r\nCall-ID: \(callID(index))\r\nCSeq: 9989 ACK\r\nContent-Length: 0\r\n\r\n"
    }

    /// For a refusal: of the INVITE's own transaction.
    func refusedACK(_ index: Int, _ answer: RawResponse) -> String {
        "ACK \(uri) SIP/2.0\r\n\(via(index, "i"))Max-Forwards: 69\r\n\(from(index))"
            + "To: \(answer.to)\r\nCall-ID: \(callID(index))\r\nCSeq: 9989 ACK\r\nContent-Length: 0\r\n\r\n"
    }

    func bye(_ index: Int, _ answer: RawResponse) -> String {
        "BYE \(answer.contact) SIP/2.0\r\n\(via(index, "b"))\(routes(answer))Max-Forwards: 69\r\n\(from(index))"
            + "To: \(answer.to)\r\nCall-ID: \(callID(index))\r\nCSeq: 9990 BYE\r\n"
            + "X-FB-External-Domain: wa.meta.vc\r\nx-wa-meta-wacid: wacid.BENCH\(run)N\(index)\r\n"
            + "x-wa-meta-call-duration: 1\r\nUser-Agent: Facebook SipGateway\r\nContent-Length: 0\r\n\r\n"
    }

    private func via(_ index: Int, _ letter: String) -> String {
        "Via: SIP/2.0/\(transport) \(sentBy);rport;branch=z9hG4bKPj\(run)\(letter)\(index);alias\r\n"
    }

    private func from(_ index: Int) -> String {
        "From: \"15550100199\" <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-\(run)\(index)\r\n"
    }

    /// What other proxies than Meta's own recorded, in the caller's order; Meta's are gone when a request gets here.
    private func routes(_ answer: RawResponse) -> String {
        answer.recordRoutes.reversed().filter { route in !Self.ownRoutes.contains { route.contains($0) } }
            .map { "Route: \($0)\r\n" }.joined()
    }
}
