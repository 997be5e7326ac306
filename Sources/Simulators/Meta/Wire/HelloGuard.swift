import NIOCore

/// Stands before the TLS handler of Meta's listener and refuses what Meta's front refuses, in the way it does: by a fatal
/// alert. meta-calling §5.2.
final class HelloGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// RFC 8446 §6.
    private enum Alert: UInt8 {
        case unrecognizedName = 112
        case noApplicationProtocol = 120
    }

    private let domain: String
    private let report: (Violation) -> Void
    private var held: [UInt8] = []
    private var isOver = false

    /// - Parameter report: a hello that was refused.
    init(domain: String, report: @escaping (Violation) -> Void) {
        self.domain = domain
        self.report = report
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return context.fireChannelRead(data) }
        held += unwrapInboundIn(data).readableBytesView
        switch ClientHello.read(held) {
        case .incomplete: break
        case .notTLS: refuse(context, Violation(.tlsHandshake, "octets that are no TLS"), nil)
        case .hello(let hello):
            if let protocols = hello.protocols {
                refuse(context, Violation(.tlsALPN, protocols.joined(separator: ", ")), .noApplicationProtocol)
            } else if hello.serverName?.lowercased() != domain {
                refuse(context, Violation(.tlsServerName, hello.serverName ?? "none"), .unrecognizedName)
            } else {
                isOver = true
                context.fireChannelRead(wrapOutboundOut(ByteBuffer(bytes: held)))
                held = []
                context.pipeline.syncOperations.removeHandler(self, promise: nil)
            }
        }
    }

    private func refuse(_ context: ChannelHandlerContext, _ violation: Violation, _ alert: Alert?) {
        isOver = true
        report(violation)
        if let alert {
            let record: [UInt8] = [0x15, 3, 3, 0, 2, 2, alert.rawValue]
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: record)), promise: nil)
        }
        context.close(promise: nil)
    }
}
