package import NIOCore
import NIOPosix
import SIPCore

/// The UDP socket for the PBX peers.
extension TransportLayer {
    /// Binds UDP and TCP for the PBX peers alone. Port 0: the kernel's choice, the same for both.
    package func bindPeers() -> EventLoopFuture<Void> {
        let local = NIOLoopBound(self, eventLoop: loop)
        // What the kernel chose for UDP may be somebody's for TCP; another choice is free.
        return bindPeers(tries: configuration.peerPort == 0 ? 16 : 1).map { local.value.startSweeping() }
    }

    func bindPeers(tries: Int) -> EventLoopFuture<Void> {
        let local = NIOLoopBound(self, eventLoop: loop)
        let address = configuration.peerAddress
        return DatagramBootstrap(group: loop)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_535))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramHandler { local.value.received($0) })
                }
            }
            .bind(host: address, port: Int(configuration.peerPort))
            .flatMapErrorThrowing { [configuration] error in
                throw EdgeError.binding(
                    "SIP over UDP on \(address):\(configuration.peerPort)", key: "sip.peerPort", error)
            }
            .flatMap { channel in
                local.value.udp = channel
                return local.value.listen(.tcp, on: address, local.value.peerPort, key: "sip.peerPort")
                    .flatMapError { error in
                        guard tries > 1, (error as? EdgeError)?.code == .addressInUse else {
                            return channel.eventLoop.makeFailedFuture(error)
                        }
                        return channel.close().flatMap { local.value.bindPeers(tries: tries - 1) }
                    }
            }
    }

    func received(_ datagram: AddressedEnvelope<ByteBuffer>) {
        let flow = Flow(transport: .udp, connection: 0, remote: datagram.remoteAddress)
        guard side(of: flow.remote) == .peer else { return counters.count(.datagramsRefusedSource) }
        let octets = datagram.data.readableBytesUInt8Span
        guard octets.count > 4 else { return }  // keep-alive
        do throws(MalformedMessage) {
            received(try Message(parsing: octets), flow: flow, side: .peer)
        } catch {
            counters.count(.messagesMalformed)
            onMalformed(error, flow)
        }
    }
}

private final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    private let received: (AddressedEnvelope<ByteBuffer>) -> Void

    init(received: @escaping (AddressedEnvelope<ByteBuffer>) -> Void) { self.received = received }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { received(unwrapInboundIn(data)) }

    /// A peer's port that is closed (ICMP) is no reason to close ours.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
