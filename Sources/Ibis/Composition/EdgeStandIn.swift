import Logging
import Media
import SIPEdge
import ServiceLifecycle

/// Holds the place of the edge until it lands.
final class SIPEdge: Service, Sendable {
    let counters = EdgeCounters()

    init(
        configuration: EdgeConfiguration, routing: RoutingTable, media: MediaEngine, greeting: Prompt, logger: Logger
    ) async {}

    func bind() async throws(EdgeError) {}
    func run() async throws { try? await gracefulShutdown() }
    func update(routing: RoutingTable) {}
    var activeCalls: Int { get async { 0 } }
}
