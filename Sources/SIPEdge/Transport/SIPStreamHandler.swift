import NIOCore
import NIOSSL
import NIOTLS
import SIPCore

/// One TCP or TLS connection that carries SIP: octets in, whole messages out, and bounds on what the peer may cost.
///
/// Everything here runs on the connection's event loop.
final class SIPStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum Ending: Hashable, Sendable {
        case closed
        case framingLost
        case handshakeFailed
        case handshakeTooSlow
        case messageTooSlow
        case idle
        /// The peer does not read what we send.
        case writerFull
        /// All connections together hold as many octets of unfinished messages as they may.
        case buffersFull
        /// Gave way to a newer connection while its handshake was not done.
        case evicted
        case shutdown
    }

    enum Event {
        case handshakeCompleted
        case message(Message)
        case malformed(MalformedMessage)
        case ended(Ending)
    }

    /// Unsent octets at which a peer that does not read is given up.
    private static let maximumPendingWrite = 1 << 20
    /// Unsent octets that a connection may have even while all together have too many.
    private static let modestPendingWrite = 1 << 16
    /// What a queued write costs besides its octets, about: else pongs of two octets would add up unseen.
    private static let writeOverhead = 512

    /// Octets of unfinished messages, or of those that wait to be sent, over all connections of the transport layer.
    final class Buffered {
        private let limit: Int
        private(set) var octets = 0

        init(limit: Int) { self.limit = limit }

        var isFull: Bool { octets > limit }

        func change(from old: Int, to new: Int) { octets += new - old }
    }

    let flow: Flow
    private let limits: EdgeLimits
    private let buffered: Buffered
    private let unsent: Buffered
    private let report: (SIPStreamHandler, Event) -> Void
    private var framer = StreamFramer()
    private var context: ChannelHandlerContext?
    /// Written in this turn of the loop, to leave at its end; and what it counts for in `pendingWrite` and `unsent`.
    private var outgoing = ByteBuffer()
    private var outgoingCost = 0
    private var pendingWrite = 0
    private var counted = 0
    private(set) var handshakeDone: Bool
    private var isReported = false
    private let openedAt: NIODeadline
    private var lastActivity: NIODeadline
    private var messageBegan: NIODeadline?
    private var ending: Ending?
    /// Calls that count on this connection: it is not closed for being idle.
    var users = 0

    init(
        flow: Flow, limits: EdgeLimits, buffered: Buffered, unsent: Buffered, handshakeDone: Bool, now: NIODeadline,
        report: @escaping (SIPStreamHandler, Event) -> Void
    ) {
        self.flow = flow
        self.limits = limits
        self.buffered = buffered
        self.unsent = unsent
        self.handshakeDone = handshakeDone
        self.openedAt = now
        self.lastActivity = now
        self.report = report
    }

    var localAddress: SocketAddress? { context?.channel.localAddress }

    var isOpen: Bool { context != nil && ending == nil }

    func send(_ octets: [UInt8]) {
        guard let context, ending == nil else { return }
        let count = octets.count + Self.writeOverhead
        guard pendingWrite + count <= Self.maximumPendingWrite else { return end(.writerFull) }
        if unsent.isFull, pendingWrite > Self.modestPendingWrite { return end(.writerFull) }
        pendingWrite += count
        unsent.change(from: 0, to: count)
        outgoingCost += count
        if outgoingCost == count {
            context.eventLoop.assumeIsolated().execute { self.flush() }
        }
        outgoing.writeBytes(octets)
    }

    /// What was sent in one turn of the loop leaves in one record and one system call.
    private func flush() {
        guard let context, outgoing.readableBytes > 0 else { return }
        let count = outgoingCost
        let unsent = self.unsent
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in
            self?.pendingWrite -= count
            unsent.change(from: count, to: 0)
        }
        let octets = outgoing
        outgoing = ByteBuffer()
        outgoingCost = 0
        context.writeAndFlush(wrapOutboundOut(octets), promise: promise)
    }

    func end(_ reason: Ending) {
        guard ending == nil else { return }
        flush()
        // The write may have found out by itself that the connection is gone.
        guard ending == nil else { return }
        ending = reason
        if let context {
            context.close(promise: nil)
        } else {
            reportEnd(reason)
        }
    }

    /// Once, however many ways a channel has of telling that it is over.
    private func reportEnd(_ reason: Ending) {
        guard !isReported else { return }
        isReported = true
        ending = reason
        framer = StreamFramer()
        outgoing = ByteBuffer()
        unsent.change(from: outgoingCost, to: 0)
        outgoingCost = 0
        count(0)
        report(self, .ended(reason))
    }

    private func count(_ octets: Int) {
        buffered.change(from: counted, to: octets)
        counted = octets
    }

    /// Called every second: what has taken too long is ended.
    func sweep(now: NIODeadline) {
        if !handshakeDone, now - openedAt > TimeAmount(limits.handshakeTimeout) {
            end(.handshakeTooSlow)
        } else if let messageBegan, now - messageBegan > TimeAmount(limits.messageTimeout) {
            end(.messageTooSlow)
        } else if users == 0, now - lastActivity > TimeAmount(limits.idleTimeout) {
            end(.idle)
        }
    }

    // MARK: ChannelInboundHandler

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    /// Also the end of a channel that never became active.
    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        reportEnd(ending ?? (handshakeDone ? .closed : .handshakeFailed))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        reportEnd(ending ?? (handshakeDone ? .closed : .handshakeFailed))
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            handshakeDone = true
            report(self, .handshakeCompleted)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(handshakeDone ? .closed : .handshakeFailed)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard ending == nil else { return }
        lastActivity = context.eventLoop.now
        let octets = unwrapInboundIn(data)
        framer.append(octets.readableBytesUInt8Span)
        do throws(MalformedMessage) {
            while ending == nil, let frame = try framer.next() {
                messageBegan = nil
                switch frame {
                case .message(let message): report(self, .message(message))
                case .malformed(let problem): report(self, .malformed(problem))
                case .keepAlive: send(Array("\r\n".utf8))  // RFC 5626 §4.4.1: pong
                }
            }
        } catch {
            report(self, .malformed(error))
            end(.framingLost)
            return
        }
        guard ending == nil else { return }
        count(framer.buffered)
        if buffered.isFull, counted > 0 { return end(.buffersFull) }
        if !framer.isMidMessage {
            messageBegan = nil
        } else if messageBegan == nil {
            messageBegan = lastActivity
        }
    }
}
