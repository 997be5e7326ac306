import Foundation

/// Meta's messages, written by hand into OpenSSL's TLS client: for what baresip would never send. No media.
final class RawCaller {
    private let program: Program
    /// Where it calls from, and where its offer wants media.
    let address: String
    private let tag = UUID().uuidString.lowercased()
    private let wacid = "wacid.\(Data(UUID().uuidString.utf8).base64EncodedString())"
    private var contact = ""
    private var to = ""
    private var read = 0

    /// From a published sample: every part that other stacks stumble over (meta-calling §7.1).
    private var vias: String {
        """
        Via: SIP/2.0/TLS 198.51.100.20:5061;rport;branch=z9hG4bKPj\(UUID().uuidString);alias
        Via: SIP/2.0/TLS [2001:db8:6080::a]:5061;branch=z9hG4bKPj0a1b2c3d4e5f60718293a4b5c6d7e8f9
        Via: SIP/2.0/TLS [2001:db8:6080::b]:63057;rport=63057;received=2001:db8:6080::b;branch=z9hG4bKPj-ExAmPlE;alias
        """
    }

    static let recordRoutes = [
        "<sip:wa.meta.vc;transport=tls;lr>", "<sip:onevc-sip-proxy.fbinfra.net:8191;transport=tls;lr>",
    ]

    /// Connects, with certificate and name of Ibis checked as Meta checks them.
    init() async throws {
        address = Place.metaAddress()
        program = try Program(
            "openssl",
            [
                "s_client", "-quiet", "-connect", "\(IbisProcess.address):\(IbisProcess.tlsPort)", "-bind",
                "\(address):0",
                "-servername", "sip.example.com", "-CAfile", try await Lab.certificate("ca.crt").path,
                "-verify_hostname", "sip.example.com", "-verify_return_error",
            ], in: try Place.folder("openssl"), limit: .seconds(60))
    }

    deinit { program.terminate() }

    /// A call to the business number; `headers` are lines of their own.
    func invite(from user: String, headers: [String]) throws {
        let body = """
            v=0
            o=- 1790000000000 2 IN IP4 127.0.0.1
            s=-
            t=0 0
            a=group:BUNDLE audio
            a=msid-semantic: WMS 00000000-0000-4000-8000-000000000001
            m=audio 3480 RTP/SAVP 111 126
            c=IN IP4 \(address)
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

            """.replacing("\n", with: "\r\n")
        let head = """
            INVITE sip:\(IbisProcess.number)@sip.example.com;transport=tls SIP/2.0
            \(vias)
            \(RawCaller.recordRoutes.map { "Record-Route: \($0)" }.joined(separator: "\n"))
            Max-Forwards: 69
            From: "\(user)" <sip:\(user)@wa.meta.vc>;tag=\(tag)
            To: <sip:\(IbisProcess.number)@sip.example.com>
            Contact: <sip:\(user)@wa.meta.vc;transport=tls;ob>;isfocus
            Call-ID: outgoing:\(wacid)
            CSeq: 9989 INVITE
            X-FB-External-Domain: wa.meta.vc
            x-wa-meta-wacid: \(wacid)
            \(headers.joined(separator: "\n"))
            Allow: INVITE, ACK, BYE, CANCEL, NOTIFY, OPTIONS
            User-Agent: Facebook SipGateway
            Content-Type: application/sdp
            Content-Length:   \(body.utf8.count)


            """.replacing("\n", with: "\r\n")
        try program.write(head + body)
    }

    /// WhatsApp's id of the call.
    var callID: String { wacid }

    /// ACK and BYE go to the Contact of the answer, without Route, as Meta's do.
    func acknowledge() throws { try request("ACK", sequence: 9989) }
    func bye() throws { try request("BYE", sequence: 9990, headers: "\nx-wa-meta-call-duration: 2") }

    private func request(_ method: String, sequence: Int, headers: String = "") throws {
        try program.write(
            """
            \(method) \(contact) SIP/2.0
            \(vias)
            Max-Forwards: 70
            From: <sip:+15550100199@wa.meta.vc>;tag=\(tag)
            To: \(to)
            Call-ID: outgoing:\(wacid)
            CSeq: \(sequence) \(method)\(headers)
            User-Agent: Facebook SipGateway
            Content-Length:  0


            """.replacing("\n", with: "\r\n"))
    }

    /// First lines of the requests that came.
    var requests: [String] {
        program.output.split(whereSeparator: \.isNewline).filter { $0.hasSuffix(" SIP/2.0") }.map(String.init)
    }

    /// Waits for a response with this status that was not read yet; gives its head and body.
    func response(_ status: Int, within limit: Duration = .seconds(10)) async throws -> String {
        try await eventually(within: limit) {
            let all = program.output
            let news = all.utf8.dropFirst(read)
            guard let start = String(news)?.range(of: "SIP/2.0 \(status) ") else {
                guard program.isRunning else { throw program.failure("the connection ended before \(status)") }
                return nil
            }
            let text = String(decoding: news, as: UTF8.self)[start.lowerBound...]
            guard let head = text.range(of: "\r\n\r\n") else { return nil }
            let length =
                text[..<head.lowerBound].firstMatch(of: /(?i)\r\nContent-Length: *(\d+)/).flatMap { Int($0.1) } ?? 0
            let size = text[..<head.upperBound].utf8.count + length
            guard text.utf8.count >= size else { return nil }
            read = all.utf8.count - text.utf8.count + size
            let message = String(decoding: text.utf8.prefix(size), as: UTF8.self)
            to = message.firstMatch(of: /(?i)\r\nTo: *([^\r]*)/).map { String($0.1) } ?? ""
            contact = message.firstMatch(of: /(?i)\r\nContact: *<([^>]*)>/).map { String($0.1) } ?? contact
            return message
        } orFail: {
            program.failure("no response \(status) within \(limit)")
        }
    }
}
