import SIPCore

/// One INVITE of Meta's form, read and written again.
enum ParseBenchmark {
    private static let rounds = 20_000

    static func run() {
        let invite = Array(SampleInvite.text.utf8)
        var octets = 0
        let clock = ContinuousClock()
        let reading = clock.measure {
            for _ in 0..<rounds {
                guard let message = try? Message(parsing: invite.span) else { continue }
                octets &+= message.headers.count
            }
        }
        guard let message = try? Message(parsing: invite.span) else {
            return print("parse: the sample is no SIP message")
        }
        let writing = clock.measure {
            for _ in 0..<rounds { octets &+= message.encoded().count }
        }
        print("INVITE of \(invite.count) octets: read \(each(reading)) us, written \(each(writing)) us")
    }

    private static func each(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let total = Double(seconds) * 1e6 + Double(attoseconds) / 1e12
        return Figure.text(total / Double(rounds))
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
