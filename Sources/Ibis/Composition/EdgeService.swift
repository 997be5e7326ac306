import SIPEdge
import ServiceLifecycle

/// The edge as it stands in the service group: when its stop begins, `/health` says so.
struct EdgeService: Service {
    let edge: SIPEdge
    let state: ServerState

    func run() async throws {
        let (edge, state) = (edge, state)
        try await withGracefulShutdownHandler {
            try await edge.run()
        } onGracefulShutdown: {
            state.stop()
        }
    }
}
