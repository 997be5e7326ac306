/// The messages of a call through two proxies and of a registration, after the flows of RFC 3261 §24.
enum RFC3261Examples {
    /// §24.2 F4: as the second proxy hands it on.
    static let invite = wire(
        """
        INVITE sip:bob@192.0.2.4 SIP/2.0
        Via: SIP/2.0/UDP server10.biloxi.example.com;branch=z9hG4bK4b43c2ff8.1
        Via: SIP/2.0/UDP bigbox3.site3.atlanta.example.com;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.2
        Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKnashds8;received=192.0.2.1
        Record-Route: <sip:server10.biloxi.example.com;lr>, <sip:bigbox3.site3.atlanta.example.com;lr>
        Max-Forwards: 68
        To: Bob <sip:bob@biloxi.example.com>
        From: Alice <sip:alice@atlanta.example.com>;tag=1928301774
        Call-ID: a84b4c76e66710
        CSeq: 314159 INVITE
        Contact: <sip:alice@pc33.atlanta.example.com>
        Content-Type: application/sdp
        """,
        body: "v=0\no=alice 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 49172 RTP/AVP 0\n")

    /// §24.2 F6.
    static let ringing = wire(
        """
        SIP/2.0 180 Ringing
        Via: SIP/2.0/UDP server10.biloxi.example.com;branch=z9hG4bK4b43c2ff8.1;received=192.0.2.3
        Via: SIP/2.0/UDP bigbox3.site3.atlanta.example.com;branch=z9hG4bK77ef4c2312983.1;received=192.0.2.2
        Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKnashds8;received=192.0.2.1
        Record-Route: <sip:server10.biloxi.example.com;lr>, <sip:bigbox3.site3.atlanta.example.com;lr>
        To: Bob <sip:bob@biloxi.example.com>;tag=a6c85cf
        From: Alice <sip:alice@atlanta.example.com>;tag=1928301774
        Call-ID: a84b4c76e66710
        Contact: <sip:bob@192.0.2.4>
        CSeq: 314159 INVITE
        """)

    /// §24.2 F12.
    static let ack = wire(
        """
        ACK sip:bob@192.0.2.4 SIP/2.0
        Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKnashds9
        Route: <sip:bigbox3.site3.atlanta.example.com;lr>,<sip:server10.biloxi.example.com;lr>
        Max-Forwards: 70
        To: Bob <sip:bob@biloxi.example.com>;tag=a6c85cf
        From: Alice <sip:alice@atlanta.example.com>;tag=1928301774
        Call-ID: a84b4c76e66710
        CSeq: 314159 ACK
        """)

    /// §24.2 F13.
    static let bye = wire(
        """
        BYE sip:alice@pc33.atlanta.example.com SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.4;branch=z9hG4bKnashds10
        Max-Forwards: 70
        From: Bob <sip:bob@biloxi.example.com>;tag=a6c85cf
        To: Alice <sip:alice@atlanta.example.com>;tag=1928301774
        Call-ID: a84b4c76e66710
        CSeq: 231 BYE
        """)

    /// §24.1 F2.
    static let registered = wire(
        """
        SIP/2.0 200 OK
        Via: SIP/2.0/UDP bobspc.biloxi.example.com:5060;branch=z9hG4bKnashds7;received=192.0.2.4
        To: Bob <sip:bob@biloxi.example.com>;tag=2493k59kd
        From: Bob <sip:bob@biloxi.example.com>;tag=456248
        Call-ID: 843817637684230@998sdasdh09
        CSeq: 1826 REGISTER
        Contact: <sip:bob@192.0.2.4>;expires=7200, "Bob, home" <sips:bob@[2001:db8::4]>;q=0.5
        Expires: 7200
        """)

    /// §11.2: an answer to OPTIONS.
    static let capabilities = wire(
        """
        SIP/2.0 200 OK
        Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKhjhs8ass877;received=192.0.2.4
        To: <sip:carol@chicago.example.com>;tag=93810874
        From: Alice <sip:alice@atlanta.example.com>;tag=1928301774
        Call-ID: a84b4c76e66710
        CSeq: 63104 OPTIONS
        Contact: <mailto:carol@chicago.example.com>
        Allow: INVITE, ACK, CANCEL, OPTIONS, BYE
        Accept: application/sdp
        Accept-Encoding: gzip
        Accept-Language: en
        Supported: foo
        """)

    static let all = [
        Example("INVITE through proxies", invite), Example("180 through proxies", ringing), Example("ACK", ack),
        Example("BYE of the callee", bye), Example("200 to REGISTER", registered),
        Example("200 to OPTIONS", capabilities),
    ]
}
