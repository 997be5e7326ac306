import SIPCore

/// Session descriptions of the reference and from the field, numbers and keys replaced.
enum SDPSamples {
    static func body(_ lines: String) -> [UInt8] {
        Array((lines.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n") + "\r\n").utf8)
    }

    static let metaKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
    static let ourKeyAndSalt = [UInt8](30..<60)
    static let ourKey = "Hh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7"

    static var local: LocalAudio {
        LocalAudio(
            address: "192.0.2.10", port: 20_000, sessionID: 1, ssrc: 2_000_000_001, cname: "b2bua",
            masterKeyAndSalt: ourKeyAndSalt)
    }

    /// meta-calling §12.1 (1).
    static let metaOffer = """
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

    /// meta-calling §12.1 (6).
    static let ourAnswer = """
        v=0
        o=- 1 1 IN IP4 192.0.2.10
        s=-
        c=IN IP4 192.0.2.10
        t=0 0
        a=group:BUNDLE audio
        m=audio 20000 RTP/SAVP 111 126
        a=mid:audio
        a=rtcp-mux
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:Hh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7
        a=rtpmap:111 opus/48000/2
        a=fmtp:111 maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=20000;useinbandfec=1
        a=rtpmap:126 telephone-event/8000
        a=fmtp:126 0-16
        a=ptime:20
        a=maxptime:20
        a=ssrc:2000000001 cname:b2bua
        a=sendrecv
        """

    /// meta-calling §12.4: what a number on DTLS offers.
    static let metaDTLSOffer = """
        v=0
        o=- 1790000000000 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE audio
        a=msid-semantic: WMS 00000000-0000-4000-8000-000000000002
        a=ice-lite
        m=audio 3480 UDP/TLS/RTP/SAVPF 111 126
        c=IN IP4 198.51.100.49
        a=rtcp:9 IN IP4 0.0.0.0
        a=candidate:1000000001 1 udp 2122260223 198.51.100.49 3480 typ host generation 0 network-cost 50
        a=candidate:1000000002 1 udp 2122262783 2001:db8:2880::699c 3480 typ host generation 0 network-cost 50
        a=ice-ufrag:EXAMPLEufrag0001
        a=ice-pwd:AAECAwQFBgcICQoLDA0ODw==
        a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
        a=setup:actpass
        a=mid:audio
        a=sendrecv
        a=rtcp-mux
        a=rtpmap:111 opus/48000/2
        a=rtcp-fb:111 transport-cc
        a=fmtp:111 maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;sprop-maxcapturerate=16000;useinbandfec=1
        a=rtpmap:126 telephone-event/8000
        a=maxptime:20
        a=ptime:20
        a=ssrc:1000000003 cname:WhatsAppAudioStream1
        """

    /// The older shape of meta-calling §11.1's last paragraph: extmap, trickle, G.722, events of 48 kHz.
    static let metaOlderOffer = """
        v=0
        o=- 5555555555555555555 2 IN IP4 127.0.0.1
        s=-
        t=0 0
        a=group:BUNDLE 0
        a=extmap-allow-mixed
        a=msid-semantic: WMS stream
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
        c=IN IP4 0.0.0.0
        a=rtcp:9 IN IP4 0.0.0.0
        a=ice-ufrag:abcd
        a=ice-pwd:0123456789abcdefghijklmn
        a=ice-options:trickle
        a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F
        a=setup:active
        a=mid:0
        a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
        a=extmap:2/sendonly http://www.example.com/abs-send-time
        a=sendrecv
        a=rtcp-mux
        a=rtcp-rsize
        a=rtpmap:111 opus/48000/2
        a=rtcp-fb:111 transport-cc
        a=fmtp:111 minptime=10;useinbandfec=1
        a=rtpmap:63 red/48000/2
        a=fmtp:63 111/111
        a=rtpmap:9 G722/8000
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=rtpmap:13 CN/8000
        a=rtpmap:110 telephone-event/48000
        a=rtpmap:126 telephone-event/8000
        a=ssrc:1 cname:x
        """

    /// A PBX on plain RTP.
    static let asteriskOffer = """
        v=0
        o=- 1790000000 1790000002 IN IP4 192.0.2.20
        s=Asterisk
        c=IN IP4 192.0.2.20
        t=0 0
        m=audio 12004 RTP/AVP 107 8 0 101
        a=rtpmap:107 opus/48000/2
        a=fmtp:107 useinbandfec=1
        a=rtpmap:8 PCMA/8000
        a=rtpmap:0 PCMU/8000
        a=rtpmap:101 telephone-event/8000
        a=fmtp:101 0-16
        a=ptime:20
        a=maxptime:60
        a=sendrecv
        """

    /// A softphone with `RTP/SAVP`, several keys, IPv6 and a refused video stream.
    static let softphoneOffer = """
        v=0
        o=- 3 4 IN IP6 2001:db8::5
        s=-
        c=IN IP6 2001:db8::5
        b=AS:512
        t=0 0
        m=video 0 RTP/AVP 31
        m=audio 10014 RTP/SAVPF 96 0 101
        a=rtpmap:96 OPUS/48000/2
        a=fmtp:96 stereo=1;sprop-stereo=1
        a=rtpmap:0 PCMU/8000
        a=rtpmap:101 telephone-event/8000
        a=fmtp:101 0-15
        a=crypto:1 AEAD_AES_256_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdAAECAwQFBgcICQoLDA0=
        a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd|2^31
        a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd
        a=rtcp-mux
        m=application 9 UDP/BFCP *
        """
}

/// splitmix64, so that every run of a seeded test is the same.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
