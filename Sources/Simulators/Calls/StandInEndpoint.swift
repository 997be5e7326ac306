package import Logging
package import Media
package import NIOCore
import NIOPosix
import SIPCore
import SIPEdge

/// What a stand-in of a PBX has: a signalling loop, transactions, dialogs, and a media engine bound to its own address.
package final class StandInEndpoint: Sendable {
    package let address: String
    /// As it stands in a URI.
    package var host: String { address.contains(":") ? "[\(address)]" : address }
    package let engine: MediaEngine
    package let loop: any EventLoop
    let parts: NIOLoopBound<Parts>
    let logger: Logger

    /// What lives on the loop.
    final class Parts {
        let driver: TransactionDriver
        let dialogs = DialogTable()
        let timing: Timing

        init(driver: TransactionDriver) {
            self.driver = driver
            timing = driver.timing
            let dialogs = self.dialogs
            driver.onACK = { dialogs.routeACK($0, $1) }
            driver.onStray = { dialogs.routeStray($0, $1) }
            driver.onRequest = { incoming in
                guard !dialogs.route(incoming) else { return }
                incoming.transaction.respond(incoming.request.response(481))
            }
        }
    }

    /// `address`: the local address of signalling and media, an IP literal.
    package init(
        address: String, sipPort: UInt16 = 0, certificate: CertificateFiles? = nil,
        mediaPorts: ClosedRange<UInt16> = 40_000...49_999, workers: Int = 1,
        logger: Logger
    ) async throws {
        self.address = address
        self.logger = logger
        engine = try MediaEngine(MediaConfiguration(workers: workers, bindAddress: address, ports: mediaPorts))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        self.loop = loop
        parts = await loop.run {
            let configuration = EdgeConfiguration(
                tlsAddress: address, tlsPort: 0, peerAddress: address, peerPort: sipPort,
                certificateFile: certificate?.chainFile ?? "", privateKeyFile: certificate?.keyFile ?? "",
                trustedRanges: [])
            let transport = TransportLayer(
                configuration: configuration, counters: EdgeCounters(), loop: loop, logger: logger)
            let driver = TransactionDriver(transport: transport, counters: EdgeCounters())
            return NIOLoopBound(Parts(driver: driver), eventLoop: loop)
        }
    }

    package func shutdown() async {
        await loop.run { self.parts.value.driver.transport.shutdown() }
        engine.shutdown()
    }
}
