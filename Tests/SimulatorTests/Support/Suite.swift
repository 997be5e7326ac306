import Logging
import SIPCore
import Simulators
import Testing

/// All tests with sockets, one after the other: they share addresses and this machine's few processors.
@Suite("The simulator of Meta", .serialized, .timeLimit(.minutes(2))) struct SimulatorSuite {}

enum Example {
    static let number = "+15550100001"
    static let user = "+15550100199"
    static let hostname = "sip.example.com"
    static let password = "EXAMPLE-sip-password"
    static let metaAddress = "127.69.171.40"
    static let businessAddress = "127.61.0.40"
    /// T1 of 25 ms: 64·T1 is 1.6 s.
    static let timing = Timing(t1: .milliseconds(25), t2: .milliseconds(200), t4: .milliseconds(250))
    static let account = MetaNumber(number, hostname: hostname, password: password)

    static func settings(_ change: (inout MetaSettings) -> Void = { _ in }) -> MetaSettings {
        var settings = MetaSettings(address: metaAddress, numbers: [account], timing: timing)
        change(&settings)
        return settings
    }
}

extension MetaSimulator {
    /// Runs the body with a simulator of its own.
    static func run(
        _ change: (inout MetaSettings) -> Void = { _ in }, behaviour: UserBehaviour = UserBehaviour(),
        _ body: (MetaSimulator) async throws -> Void
    ) async throws {
        let meta = try await MetaSimulator(Example.settings(change), behaviour: behaviour)
        do {
            try await body(meta)
        } catch {
            await meta.shutdown()
            throw error
        }
        await meta.shutdown()
    }

    var rules: Set<MetaRule> { get async { Set(await violations.map(\.rule)) } }
}

/// Waits for what has no event to wait for.
func eventually(_ condition: () async -> Bool) async throws {
    while await !condition() { try await Task.sleep(for: .milliseconds(10)) }
}
