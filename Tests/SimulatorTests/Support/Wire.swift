import NIOCore
import NIOPosix
import NIOSSL
import SIPCore
import Synchronization

/// A connection on which a test writes octets as it likes and reads SIP messages.
final class Wire: Sendable {
    struct Ended: Error {}

    struct TLS: Sendable {
        var serverName: String? = "wa.meta.vc"
        var protocols: [String] = []
        var trust: String
        var verifies = true
    }

    let channel: any Channel
    private let inbox: Inbox<Message>
    let port: UInt16

    init(channel: any Channel, inbox: Inbox<Message>) {
        self.channel = channel
        self.inbox = inbox
        port = UInt16(clamping: channel.localAddress?.port ?? 0)
    }

    /// TCP without TLS where none is given.
    static func connect(
        to address: String, _ port: UInt16, from source: String = Example.businessAddress, tls: TLS?
    ) async throws -> Wire {
        let inbox = Inbox<Message>()
        var context: NIOSSLContext?
        if let tls {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .file(tls.trust)
            configuration.applicationProtocols = tls.protocols
            if !tls.verifies { configuration.certificateVerification = .none }
            if tls.serverName == nil { configuration.certificateVerification = .noHostnameVerification }
            context = try NIOSSLContext(configuration: configuration)
        }
        let made = context
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: SocketAddress(ipAddress: source, port: 0))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let made {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: made, serverHostname: tls?.serverName))
                    }
                    try channel.pipeline.syncOperations.addHandler(WireHandler(inbox))
                }
            }
            .connect(host: address, port: Int(port)).get()
        return Wire(channel: channel, inbox: inbox)
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

    /// The next message; throws when the connection has ended.
    func next() async throws -> Message {
        guard let message = await inbox.next() else { throw Ended() }
        return message
    }

    /// The next response that is final, or has this status.
    func response(_ status: Int? = nil, to method: SIPCore.Method? = nil) async throws -> Response {
        while true {
            guard case .response(let response) = try await next() else { continue }
            if let method, response.headers.cseq?.method != method { continue }
            if response.status == status || status == nil && response.status >= 200 { return response }
        }
    }

    func request(_ method: SIPCore.Method) async throws -> Request {
        while true {
            if case .request(let request) = try await next(), request.method == method { return request }
        }
    }

    /// Waits until the other side has closed; the error that it ended with, if any.
    func ended() async -> String? {
        while await inbox.next() != nil {}
        return inbox.failure
    }

    func close() async { try? await channel.close() }
}

/// Values that one side puts in and another waits for, in order.
final class Inbox<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var waiter: CheckedContinuation<Element?, Never>?
        var isFinished = false
        var failure: String?
    }
    private let state = Mutex(State())

    var failure: String? { state.withLock(\.failure) }

    func push(_ element: Element) {
        let waiter = state.withLock { state -> CheckedContinuation<Element?, Never>? in
            defer { state.waiter = nil }
            if state.waiter == nil { state.elements.append(element) }
            return state.waiter
        }
        waiter?.resume(returning: element)
    }

    func finish(_ failure: String? = nil) {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            state.isFinished = true
            state.failure = state.failure ?? failure
            return state.waiter
        }
        waiter?.resume(returning: nil)
    }

    /// Nil when it is finished and nothing is left, or the test's time is over.
    func next() async -> Element? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> Element?? in
                    if !state.elements.isEmpty { return .some(state.elements.removeFirst()) }
                    if state.isFinished { return .some(nil) }
                    state.waiter = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            finish()
        }
    }
}

final class WireHandler: ChannelInboundHandler {
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

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        inbox.finish("\(error)")
        context.close(promise: nil)
    }
}
