import SIPEdge
import Simulators
import Testing

extension TestEdge {
    static let metaAddress = "127.69.171.14"
    static let password = "EXAMPLE-sip-password"

    /// Runs the body with a simulator of Meta that takes connections and calls, and an edge whose trunk is that simulator.
    /// No rule of Meta's may be broken but those expected.
    static func withMeta(
        _ routing: RoutingTable = echo, expecting: Set<MetaRule> = [], behaviour: UserBehaviour = UserBehaviour(),
        settings change: (inout MetaSettings) -> Void = { _ in }, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (TestEdge, MetaSimulator) async throws -> Void
    ) async throws {
        var settings = MetaSettings(
            address: metaAddress,
            numbers: [MetaNumber(number, hostname: hostname, password: password)], timing: timing)
        change(&settings)
        let meta = try await MetaSimulator(settings, behaviour: behaviour)
        let trunk = MetaTrunkConfiguration(
            host: metaAddress, port: meta.port, trustRootsFile: meta.authorityFile)
        do {
            try await run(routing, meta: trunk) { test in try await body(test, meta) }
        } catch {
            await meta.shutdown()
            throw error
        }
        let violations = await meta.violations
        await meta.shutdown()
        #expect(
            violations.filter { !expecting.contains($0.rule) } == [], "the edge breaks rules of Meta's",
            sourceLocation: sourceLocation)
        #expect(expecting.isSubset(of: violations.map(\.rule)), sourceLocation: sourceLocation)
    }
}
