import NIOCore
import NIOPosix
import NIOSSL
import SIPCore

/// A connection on which a test writes octets as it likes and reads SIP messages.
final class Wire: Sendable {
    struct Ended: Error {}

    let channel: any Channel
    private let inbox: Inbox<Message>

    fileprivate init(channel: any Channel, inbox: Inbox<Message>) {
        self.channel = channel
        self.inbox = inbox
    }

    /// TLS when a server name is given, else TCP.
    static func connect(
        to address: String, _ port: UInt16, from source: String, serverName: String? = nil, trust: String? = nil,
        reads: Bool = true
    ) async throws -> Wire {
        var tls: NIOSSLContext?
        if serverName != nil {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .file(trust ?? "")
            tls = try NIOSSLContext(configuration: configuration)
        }
        return try await connect(to: address, port, from: source, context: tls, serverName: serverName, reads: reads)
    }

    static func connect(
        to address: String, _ port: UInt16, from source: String, context: NIOSSLContext?, serverName: String?,
        reads: Bool = true
    ) async throws -> Wire {
        let inbox = Inbox<Message>()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: SocketAddress(ipAddress: source, port: 0))
            .channelOption(.autoRead, value: reads)
            // Whoever does not read should be seen not to after few octets.
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 1 << 18 : 1 << 12)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: serverName))
                    }
                    try channel.pipeline.syncOperations.addHandler(WireHandler(inbox))
                }
            }
            .connect(host: address, port: Int(port)).get()
        return Wire(channel: channel, inbox: inbox)
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ octets: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: octets))
    }

    /// For octets that the other side may not live to take.
    func sendLoosely(_ octets: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: octets), promise: nil) }

    /// The next message; throws when the connection has ended.
    func next() async throws -> Message {
        guard let message = await inbox.next() else { throw Ended() }
        return message
    }

    /// The next response that is final, or has this status.
    func response(_ status: Int? = nil) async throws -> Response {
        while true {
            guard case .response(let response) = try await next() else { continue }
            if response.status == status || status == nil && response.status >= 200 { return response }
        }
    }

    func request(_ method: SIPCore.Method) async throws -> Request {
        while true {
            if case .request(let request) = try await next(), request.method == method { return request }
        }
    }

    /// Waits until the other side has closed.
    func ended() async { while await inbox.next() != nil {} }

    func close() async { try? await channel.close() }
}

/// A TLS server whose connections a test plays.
final class WireServer: Sendable {
    let port: UInt16
    private let channel: any Channel
    private let accepted: Inbox<Wire>

    init(address: String, certificate: TestCertificates.Pair) async throws {
        let accepted = Inbox<Wire>()
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.key, format: .pem)))
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
            .bind(host: address, port: 0).get()
        self.accepted = accepted
        port = UInt16(channel.localAddress?.port ?? 0)
    }

    func next() async throws -> Wire {
        guard let wire = await accepted.next() else { throw Wire.Ended() }
        return wire
    }

    func close() async { try? await channel.close() }
}

private final class WireHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let inbox: Inbox<Message>
    private var framer = StreamFramer()

    init(_ inbox: Inbox<Message>) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let octets = unwrapInboundIn(data)
        framer.append(octets.readableBytesUInt8Span)
        while let frame = try? framer.next() {
            if case .message(let message) = frame { inbox.push(message) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) { inbox.finish() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// A UDP socket of a test: datagrams as they come, sent as it likes.
final class Datagrams: Sendable {
    let port: UInt16
    private let channel: any Channel
    private let inbox = Inbox<[UInt8]>()

    init(address: String) async throws {
        let inbox = self.inbox
        channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramInbox(inbox))
                }
            }
            .bind(host: address, port: 0).get()
        port = UInt16(channel.localAddress?.port ?? 0)
    }

    func send(_ octets: [UInt8], to address: String, _ port: UInt16) async throws {
        try await channel.writeAndFlush(
            AddressedEnvelope(
                remoteAddress: SocketAddress(ipAddress: address, port: Int(port)), data: ByteBuffer(bytes: octets)))
    }

    func next() async throws -> [UInt8] {
        guard let octets = await inbox.next() else { throw Wire.Ended() }
        return octets
    }

    /// The next SIP request of this method.
    func request(_ method: SIPCore.Method) async throws -> Request {
        while true {
            let octets = try await next()
            if case .request(let request) = try Message(parsing: octets.span), request.method == method {
                return request
            }
        }
    }

    func close() async { try? await channel.close() }
}

private final class DatagramInbox: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let inbox: Inbox<[UInt8]>

    init(_ inbox: Inbox<[UInt8]>) { self.inbox = inbox }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inbox.push(Array(unwrapInboundIn(data).data.readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) { inbox.finish() }
}
