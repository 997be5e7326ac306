import NIOCore
import NIOPosix
import NIOSSL
import SIPCore
import SIPEdge
import Simulators

/// A business's edge that a test plays over TLS: every part of its answers can be got wrong.
final class EdgeStandIn: Sendable {
    let port: UInt16
    private let channel: any Channel
    private let accepted: Inbox<Wire>

    init(certificate: CertificateFiles) async throws {
        let accepted = Inbox<Wire>()
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.chainFile).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem)))
        let context = try NIOSSLContext(configuration: configuration)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let inbox = Inbox<Message>()
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLServerHandler(context: context), WireHandler(inbox),
                    ])
                    accepted.push(Wire(channel: channel, inbox: inbox))
                }
            }
            .bind(host: Example.businessAddress, port: 0).get()
        self.accepted = accepted
        port = UInt16(clamping: channel.localAddress?.port ?? 0)
    }

    func next() async throws -> Wire {
        guard let wire = await accepted.next() else { throw Wire.Ended() }
        return wire
    }

    func close() async { try? await channel.close() }
}

/// What a good edge answers to one INVITE of Meta (meta-calling §12.1 (5) and (6)).
struct EdgeScript: Sendable {
    var tag = IDSource.random.next()
    var mediaPort: UInt16 = 20_000
    var key = BusinessScript.freshKey()
    var cryptoTag = 1
    var suite = SIPCore.SRTPSuite.aesCM128HmacSHA1_80
    /// Changes lines of the SDP.
    var sdpChange: @Sendable (inout [String]) -> Void = { _ in }
    var contact: String?
    var contentType = "application/sdp"

    var sdp: [UInt8] {
        let crypto = CryptoAttribute(tag: cryptoTag, suite: suite, masterKeyAndSalt: key)
        var lines = [
            "v=0", "o=- 1 1 IN IP4 \(Example.businessAddress)", "s=-", "c=IN IP4 \(Example.businessAddress)", "t=0 0",
            "a=group:BUNDLE audio", "m=audio \(mediaPort) RTP/SAVP 111 126", "a=mid:audio", "a=rtcp-mux",
            "a=crypto:\(crypto.wireValue)", "a=rtpmap:111 opus/48000/2", "a=rtpmap:126 telephone-event/8000",
            "a=fmtp:126 0-16", "a=ptime:20", "a=ssrc:7 cname:edge", "a=sendrecv",
        ]
        sdpChange(&lines)
        return Array(BusinessScript.lines(lines).utf8)
    }

    /// The INVITE as the edge must see it: with received and rport.
    func answer(
        _ invite: Request, _ status: Int, reason: String? = nil, headers: [HeaderField] = [], sdp: [UInt8]? = nil
    ) -> Response {
        var fields = headers
        if status == 200 {
            let value = contact ?? "<sip:\(Example.number)@\(Example.hostname):5061;transport=tls>"
            if !value.isEmpty { fields.append(HeaderField(name: .contact, value: value)) }
        }
        if let sdp, !sdp.isEmpty { fields.append(HeaderField(name: .contentType, value: contentType)) }
        return invite.response(
            status, reason: reason, toTag: status > 100 ? tag : nil, headers: fields, body: sdp ?? [])
    }

    func ok(_ invite: Request) -> Response { answer(invite, 200, sdp: sdp) }
}

extension Wire {
    func send(_ response: Response) async throws {
        try await send(String(decoding: response.encoded(), as: UTF8.self))
    }

    func send(_ request: Request) async throws { try await send(String(decoding: request.encoded(), as: UTF8.self)) }

    /// The next INVITE, its top Via stamped with where it came from.
    func invite() async throws -> Request {
        var invite = try await request(.invite)
        invite.stampTopVia(
            received: channel.remoteAddress?.ipAddress ?? "?", port: UInt16(clamping: channel.remoteAddress?.port ?? 0))
        return invite
    }
}
