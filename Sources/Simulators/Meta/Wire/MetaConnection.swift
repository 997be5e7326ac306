import Glibc
import NIOCore
import NIOSSL
import NIOTLS
import SIPCore

/// One connection of Meta's side, made or taken, that carries SIP.
///
/// The simulator has its own transport and transactions on purpose: a fault in those of the edge must not meet itself
/// here and pass unseen.
final class MetaConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Event {
        /// TLS is up, or TCP where no TLS is meant.
        case ready
        case message(Message)
        case malformed(MalformedMessage)
        /// A handshake that failed leaves its error.
        case closed((any Error)?)
    }

    let isAccepted: Bool
    let remote: SocketAddress?
    private(set) var isReady = false
    /// Its ClientHello was refused, so that the handshake's failure says nothing new.
    var isRefused = false
    private let usesTLS: Bool
    private var framer = StreamFramer()
    private var context: ChannelHandlerContext?
    private var failure: (any Error)?
    private var isClosed = false
    var onEvent: (MetaConnection, Event) -> Void = { _, _ in }

    init(isAccepted: Bool, usesTLS: Bool, remote: SocketAddress?) {
        self.isAccepted = isAccepted
        self.usesTLS = usesTLS
        self.remote = remote
    }

    var isOpen: Bool { context != nil && isReady && !isClosed }
    var remoteHost: String { remote?.ipAddress ?? "?" }
    var remotePort: UInt16 { UInt16(clamping: remote?.port ?? 0) }

    /// What the other side has shown in the handshake.
    var peerCertificate: NIOSSLCertificate? {
        guard let context else { return nil }
        return try? context.pipeline.syncOperations.nioSSL_peerCertificate()
    }

    func send(_ octets: [UInt8]) {
        context?.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: octets)), promise: nil)
    }

    func send(_ request: Request) { send(request.encoded()) }
    func send(_ response: Response) { send(response.encoded()) }

    func close() { context?.close(promise: nil) }

    /// TCP RST in the middle of whatever goes on, without TLS's farewell.
    func reset() {
        guard let channel = context?.channel else { return }
        (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        // Past the TLS handler, which would say goodbye first.
        (try? channel.pipeline.syncOperations.context(handlerType: TransportEnd.self))?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive, !usesTLS { ready() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        closed()
    }

    func channelActive(context: ChannelHandlerContext) {
        if !usesTLS { ready() }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event { ready() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? error
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let octets = unwrapInboundIn(data)
        framer.append(octets.readableBytesUInt8Span)
        do throws(MalformedMessage) {
            while !isClosed, let frame = try framer.next() {
                switch frame {
                case .message(let message): onEvent(self, .message(message))
                case .malformed(let problem): onEvent(self, .malformed(problem))
                case .keepAlive: send(Array("\r\n".utf8))
                }
            }
        } catch {
            onEvent(self, .malformed(error))
            context.close(promise: nil)
        }
    }

    private func ready() {
        guard !isReady else { return }
        isReady = true
        onEvent(self, .ready)
    }

    private func closed() {
        guard !isClosed else { return }
        isClosed = true
        onEvent(self, .closed(failure))
    }
}

/// The handler nearest to the socket: a close that begins here does not pass TLS.
final class TransportEnd: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
}
