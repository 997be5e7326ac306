import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// What is asked of the generator.
struct LoadPlan: Sendable {
    enum Transport: Sendable { case tls, udp }

    var transport = Transport.tls
    var host: String
    var port: UInt16
    var number: String
    /// New calls a second, evenly spaced.
    var rate: Int
    var calls: Int
    /// Between ACK and BYE.
    var talk = TimeAmount.seconds(1)
    /// Where Meta's media would be.
    var mediaPort: UInt16

    static let patience = TimeAmount.seconds(12)
}

/// What became of the calls.
struct LoadReport: Sendable {
    /// INVITE written to 200 read, of the calls that came about, in nanoseconds, sorted.
    var setUps: [Int64] = []
    /// INVITE answered, ACK sent, BYE answered with 200.
    var good = 0
    /// 503.
    var refused = 0
    /// INVITE written to 503 read, sorted.
    var refusals: [Int64] = []
    /// Any other ending, and how often.
    var failed: [String: Int] = [:]
    /// From the first INVITE to the last answer.
    var lasted = 0.0

    var failures: Int { failed.values.reduce(0, +) }

    /// Milliseconds.
    func setUp(_ share: Double) -> Double { Self.quantile(setUps, share) }
    func refusal(_ share: Double) -> Double { Self.quantile(refusals, share) }
    var meanSetUp: Double { setUps.isEmpty ? .nan : Double(setUps.reduce(0, +)) / Double(setUps.count) / 1e6 }

    private static func quantile(_ sorted: [Int64], _ share: Double) -> Double {
        sorted.isEmpty ? .nan : Double(sorted[Int(Double(sorted.count - 1) * share)]) / 1e6
    }
}

/// Meta's side of many calls over one connection, at a given rate whatever the other side does about it.
enum CallGenerator {
    static let address = IbisUnderTest.caller
    /// A thread of its own.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    static func run(_ plan: LoadPlan) async throws -> LoadReport {
        let done = group.next().makePromise(of: LoadReport.self)
        let target = try SocketAddress(ipAddress: plan.host, port: Int(plan.port))
        let own = try SocketAddress(ipAddress: address, port: 0)
        let channel: any Channel
        switch plan.transport {
        case .tls:
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.certificateVerification = .none
            let context = try NIOSSLContext(configuration: configuration)
            channel = try await ClientBootstrap(group: group).bind(to: own)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let operations = channel.pipeline.syncOperations
                        try operations.addHandler(NIOSSLClientHandler(context: context, serverHostname: "localhost"))
                        try operations.addHandler(CallsHandler(plan: plan, done: done))
                    }
                }.connect(to: target).get()
        case .udp:
            channel = try await DatagramBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let operations = channel.pipeline.syncOperations
                        try operations.addHandler(EnvelopeHandler(remote: target))
                        try operations.addHandler(CallsHandler(plan: plan, done: done))
                    }
                }.bind(to: own).get()
        }
        let report = try await done.futureResult.get()
        try? await channel.close()
        return report
    }
}

/// Datagrams of one remote address as plain octets.
private final class EnvelopeHandler: ChannelDuplexHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>
    private let remote: SocketAddress

    init(remote: SocketAddress) { self.remote = remote }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.fireChannelRead(wrapInboundOut(unwrapInboundIn(data).data))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let envelope = AddressedEnvelope(remoteAddress: remote, data: unwrapOutboundIn(data))
        context.write(wrapOutboundOut(envelope), promise: promise)
    }
}

/// All calls of one run. Lives on its loop.
private final class CallsHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case inviting(since: NIODeadline)
        case talking
        case ending
        case over
    }

    private let plan: LoadPlan
    private let done: EventLoopPromise<LoadReport>
    private var text: MetaCallText?
    private var calls: [State] = []
    private var open = 0
    private var framer = RawFramer()
    private var report = LoadReport()
    private var began = NIODeadline.now()
    private var isDone = false
    private var context: ChannelHandlerContext?

    init(plan: LoadPlan, done: EventLoopPromise<LoadReport>) {
        self.plan = plan
        self.done = done
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        if plan.transport == .udp { begin(context) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if plan.transport == .tls, "\(event)".hasPrefix("handshakeCompleted") { begin(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func begin(_ context: ChannelHandlerContext) {
        let local = context.localAddress
        let isTLS = plan.transport == .tls
        text = MetaCallText(
            sentBy: "\(CallGenerator.address):\(local?.port ?? 5061)", transport: isTLS ? "TLS" : "UDP",
            uri: "sip:\(plan.number)@\(plan.host):\(plan.port)\(isTLS ? ";transport=tls" : "")",
            number: plan.number, host: plan.host, mediaAddress: CallGenerator.address, mediaPort: plan.mediaPort,
            run: String(UInt32.random(in: .min ... .max), radix: 16))
        calls.reserveCapacity(plan.calls)
        report.setUps.reserveCapacity(plan.calls)
        began = .now()
        placeDue()
    }

    /// Places every call whose time has come; called once for each, and late calls are made up for at once.
    private func placeDue() {
        guard let context, let text, !isDone else { return }
        while calls.count < plan.calls {
            let due = began + .nanoseconds(Int64(calls.count) * 1_000_000_000 / Int64(plan.rate))
            let now = NIODeadline.now()
            guard due <= now else {
                context.eventLoop.assumeIsolated().scheduleTask(deadline: due) { self.placeDue() }
                return
            }
            let invite = text.invite(calls.count)
            calls.append(.inviting(since: .now()))
            open += 1
            send(invite)
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: plan.talk + LoadPlan.patience) { self.finish() }
    }

    private func send(_ text: String) {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let octets = unwrapInboundIn(data)
        framer.append(octets.readableBytesUInt8Span)
        framer.drain { received($0) }
        if calls.count == plan.calls, open == 0 { finish() }
    }

    private func received(_ message: RawResponse) {
        let index = message.index
        guard calls.indices.contains(index), let text else { return }
        switch calls[index] {
        case .inviting(let since):
            guard message.isInvite, message.status >= 200 else { return }
            let took = (NIODeadline.now() - since).nanoseconds
            if message.status < 300 {
                report.setUps.append(took)
                calls[index] = .talking
                send(text.ack(index, message))
                context?.eventLoop.assumeIsolated().scheduleTask(in: plan.talk) { self.hangUp(index, message) }
            } else {
                send(text.refusedACK(index, message))
                if message.status == 503 {
                    report.refused += 1
                    report.refusals.append(took)
                    end(index, nil)
                } else {
                    end(index, "answered \(message.status)")
                }
            }
        case .talking:
            if message.status == 0 { end(index, "hung up by the other side") }
        case .ending:
            guard !message.isInvite, message.status >= 200 else { return }
            if message.status == 200 { report.good += 1 }
            end(index, message.status == 200 ? nil : "BYE answered \(message.status)")
        case .over:
            break
        }
    }

    private func hangUp(_ index: Int, _ answer: RawResponse) {
        guard case .talking = calls[index], !isDone, let text else { return }
        calls[index] = .ending
        send(text.bye(index, answer))
    }

    private func end(_ index: Int, _ failure: String?) {
        calls[index] = .over
        open -= 1
        if let failure { report.failed[failure, default: 0] += 1 }
    }

    private func finish() {
        guard !isDone else { return }
        isDone = true
        for call in calls {
            switch call {
            case .inviting: report.failed["INVITE unanswered", default: 0] += 1
            case .talking, .ending: report.failed["BYE unanswered", default: 0] += 1
            case .over: break
            }
        }
        report.setUps.sort()
        report.refusals.sort()
        report.lasted = Double((NIODeadline.now() - began).nanoseconds) / 1e9
        done.succeed(report)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDone, open > 0 || calls.count < plan.calls {
            report.failed["connection closed", default: 0] += plan.calls - calls.count
        }
        finish()
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if calls.isEmpty {
            isDone = true
            done.fail(error)
        }
        context.close(promise: nil)
    }
}
