/// The messages of meta-calling §12, with plain line ends.
enum MetaExamples {
    static let offer = """
        v=0
        o=- 1790000000000 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE audio
        a=msid-semantic: WMS 00000000-0000-4000-8000-000000000001
        m=audio 3480 RTP/SAVP 111 126
        c=IN IP4 198.51.100.49
        a=rtcp:9 IN IP4 0.0.0.0
        a=mid:audio
        a=sendrecv
        a=msid:00000000-0000-4000-8000-000000000001 WhatsAppTrack1
        a=rtcp-mux
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd
        a=rtpmap:111 opus/48000/2
        a=fmtp:111 maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1
        a=rtpmap:126 telephone-event/8000
        a=maxptime:20
        a=ptime:20
        a=ssrc:1000000001 cname:WhatsAppAudioStream1

        """

    /// §12.1 (1); the length is that of this body, in Meta's spelling.
    static let inviteHead = """
        INVITE sip:+15550100001@sip.example.com;transport=tls SIP/2.0
        Via: SIP/2.0/TLS 198.51.100.20:5061;rport;branch=z9hG4bKPj0a1b2c3d4e5f60718293a4b5c6d7e8f9;alias
        Record-Route: <sip:wa.meta.vc;transport=tls;lr>
        Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>
        Via: SIP/2.0/TLS [2001:db8:6080::a]:5061;branch=z9hG4bKPj0a1b2c3d4e5f60718293a4b5c6d7e8f9
        Via: SIP/2.0/TLS [2001:db8:6080::b]:63057;rport=63057;received=2001:db8:6080::b;branch=z9hG4bKPj-ExAmPlE0123456789;alias
        Max-Forwards: 69
        From: "15550100199" <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-555555555555
        To: <sip:+15550100001@sip.example.com>
        Contact: <sip:+15550100199@wa.meta.vc;transport=tls;ob>;isfocus
        Call-ID: outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==
        CSeq: 9989 INVITE
        X-FB-External-Domain: wa.meta.vc
        x-wa-meta-wacid: wacid.RVhBTVBMRV9OT1RfUkVBTA==
        x-wa-meta-user-id: US.10000000000000000001
        Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS
        User-Agent: Facebook SipGateway
        Content-Type: application/sdp
        """

    static let invite = wire(inviteHead, body: offer)

    /// §12.1 (2).
    static let challenge = wire(
        """
        SIP/2.0 407 Proxy Authentication Required
        Via: SIP/2.0/TLS 198.51.100.20:5061;rport=62080;received=203.0.113.115;branch=z9hG4bKPj0a1b2c3d4e5f60718293a4b5c6d7e8f9;alias
        Via: SIP/2.0/TLS [2001:db8:6080::a]:5061;branch=z9hG4bKPj0a1b2c3d4e5f60718293a4b5c6d7e8f9
        Via: SIP/2.0/TLS [2001:db8:6080::b]:63057;rport=63057;received=2001:db8:6080::b;branch=z9hG4bKPj-ExAmPlE0123456789;alias
        From: "15550100199" <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-555555555555
        To: <sip:+15550100001@sip.example.com>;tag=b2b-407
        Call-ID: outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==
        CSeq: 9989 INVITE
        Proxy-Authenticate: Digest realm="sip.example.com",nonce="n0nce-example-0001",opaque="0paque01",algorithm=MD5,qop="auth"
        """)

    /// §12.1 (4), bodiless.
    static let authorizedInvite = wire(
        """
        INVITE sip:+15550100001@sip.example.com;transport=tls SIP/2.0
        Via: SIP/2.0/TLS 198.51.100.20:5061;rport;branch=z9hG4bKPj1b2c3d4e5f60718293a4b5c6d7e8f90a;alias
        Record-Route: <sip:wa.meta.vc;transport=tls;lr>
        Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>
        Max-Forwards: 69
        From: "15550100199" <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-555555555555
        To: <sip:+15550100001@sip.example.com>
        Contact: <sip:+15550100199@wa.meta.vc;transport=tls;ob>;isfocus
        Call-ID: outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==
        CSeq: 9990 INVITE
        Proxy-Authorization: Digest username="15550100001", realm="sip.example.com", nonce="n0nce-example-0001", uri="sip:+15550100001@sip.example.com", response="7e685eccfc755d7fb22d0b33ec2ef4d3", algorithm=MD5, cnonce="cn-example-01", opaque="0paque01", qop=auth, nc=00000001
        """)

    /// §12.1 (7).
    static let ack = wire(
        """
        ACK sip:+15550100001@sip.example.com:5061;transport=tls SIP/2.0
        Via: SIP/2.0/TLS 198.51.100.20:5061;rport;branch=z9hG4bKPj2c3d4e5f60718293a4b5c6d7e8f90a1b;alias
        Max-Forwards: 69
        From: "15550100199" <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-555555555555
        To: <sip:+15550100001@sip.example.com>;tag=b2b-0001
        Call-ID: outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==
        CSeq: 9990 ACK
        Content-Length:  0
        """)

    /// §12.1 (8a).
    static let bye = wire(
        """
        BYE sip:+15550100001@sip.example.com:5061;transport=tls SIP/2.0
        Via: SIP/2.0/TLS [2001:db8:6080::c]:56843;rport;branch=z9hG4bKPj3d4e5f60718293a4b5c6d7e8f90a1b2c;alias
        Record-Route: <sip:wa.meta.vc;transport=tls;lr>
        Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>
        Max-Forwards: 69
        From: <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-555555555555
        To: <sip:+15550100001@sip.example.com>;tag=b2b-0001
        Call-ID: outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==
        CSeq: 9991 BYE
        x-wa-meta-wacid: wacid.RVhBTVBMRV9OT1RfUkVBTA==
        x-wa-meta-call-duration: 42
        x-wa-meta-user-id: US.10000000000000000001
        X-FB-External-Domain: wa.meta.vc
        Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS
        User-Agent: Facebook SipGateway
        Content-Length:  0
        """)

    /// §12.1 (8b).
    static let ourBye = wire(
        """
        BYE sip:+15550100199@wa.meta.vc;transport=tls;ob SIP/2.0
        Via: SIP/2.0/TLS sip.example.com:5061;rport;branch=z9hG4bK-b2b-77;alias
        Route: <sip:wa.meta.vc;transport=tls;lr>
        Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>
        Max-Forwards: 70
        From: <sip:+15550100001@sip.example.com>;tag=b2b-0001
        To: "15550100199" <sip:+15550100199@wa.meta.vc>;tag=11111111-2222-4333-8444-555555555555
        Call-ID: outgoing:wacid.RVhBTVBMRV9OT1RfUkVBTA==
        CSeq: 1 BYE
        Reason: Q.850;cause=16;text="Normal call clearing"
        """)

    /// §12.2 (2), without a Content-Length as Meta sends it.
    static let metaChallenge: [UInt8] = {
        let text = """
            SIP/2.0 407 Proxy Authentication Required
            Via: SIP/2.0/TLS sip.example.com:5061;rport=40000;received=192.0.2.10;branch=z9hG4bK-b2b-1001;alias
            Call-ID: 7f3a5c1e-0001@sip.example.com
            From: <sip:+15550100001@sip.example.com>;tag=bic-0001
            To: <sip:+15550100199@wa.meta.vc>;tag=z9hG4bK-b2b-1001
            CSeq: 1 INVITE
            Proxy-Authenticate: Digest realm="wa.meta.vc",nonce="aaaabbbbccccdddd",opaque="0123456789abcdef",algorithm=SHA-256,qop="auth"
            Proxy-Authenticate: Digest realm="wa.meta.vc",nonce="1111222233334444",opaque="fedcba9876543210",algorithm=MD5,qop="auth"


            """
        return Array(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n").utf8)
    }()

    /// §12.2 (6).
    static let metaAnswer = wire(
        """
        SIP/2.0 200 OK
        Via: SIP/2.0/TLS sip.example.com:5061;rport=40000;received=192.0.2.10;branch=z9hG4bK-b2b-1002;alias
        Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>
        Record-Route: <sip:wa.meta.vc;transport=tls;lr>
        Call-ID: 7f3a5c1e-0001@sip.example.com
        From: <sip:+15550100001@sip.example.com>;tag=bic-0001
        To: <sip:+15550100199@wa.meta.vc>;tag=66666666-7777-4888-8999-aaaaaaaaaaaa
        CSeq: 2 INVITE
        Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS
        Supported: timer
        X-FB-External-Domain: wa.meta.vc
        Contact: <sip:+15550100199@wa.meta.vc;transport=tls;ob;X-FB-Sip-Smc-Tier=collaboration.sip_gateway.sip.prod>;isfocus
        x-wa-meta-user-id: US.10000000000000000001
        Content-Type: application/sdp
        """, body: offer)

    /// §12.2 (8).
    static let refusal = wire(
        """
        SIP/2.0 403 SIP server other.example.com from INVITE does not match any SIP server configured for phone number id 100000000000002
        Via: SIP/2.0/TLS sip.example.com:5061;rport=40000;received=192.0.2.10;branch=z9hG4bK-b2b-1002;alias
        Record-Route: <sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>
        Record-Route: <sip:wa.meta.vc;transport=tls;lr>
        Call-ID: 7f3a5c1e-0001@sip.example.com
        From: <sip:+15550100001@other.example.com>;tag=bic-0001
        To: <sip:+15550100199@wa.meta.vc>;tag=77777777-8888-4999-8aaa-bbbbbbbbbbbb
        CSeq: 2 INVITE
        Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS
        X-FB-External-Domain: wa.meta.vc
        Warning: 399 wa.meta.vc "SIP server other.example.com from INVITE does not match any SIP server configured for phone number id 100000000000002"
        """)

    static let all = [
        Example("INVITE", invite), Example("407 from us", challenge), Example("authorized INVITE", authorizedInvite),
        Example("ACK", ack), Example("BYE", bye), Example("BYE from us", ourBye),
        Example("407 without length", metaChallenge), Example("200", metaAnswer), Example("403", refusal),
    ]
}
