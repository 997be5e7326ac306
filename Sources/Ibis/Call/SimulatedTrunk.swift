import Foundation
import Simulators

/// An Ibis of our own between a PBX on 127.0.0.1 and a simulated Meta, for the length of one call.
final class SimulatedTrunk {
    /// In Meta's place; the PBX has 127.0.0.1.
    private static let metaAddress = "127.69.171.1"
    private static let password = "EXAMPLE-sip-password"

    let meta: MetaSimulator
    let ibis: TemporaryIbis

    private init(meta: MetaSimulator, ibis: TemporaryIbis) {
        self.meta = meta
        self.ibis = ibis
    }

    /// - Parameter number: business number that calls.
    static func start(number: String, user: UserBehaviour) async throws -> SimulatedTrunk {
        let meta = try await MetaSimulator(
            MetaSettings(
                address: metaAddress, numbers: [MetaNumber(number, hostname: "localhost", password: password)]),
            behaviour: user)
        do {
            guard let authority = meta.authorityFile else { throw DemoError(description: "Meta has no certificate") }
            let ibis = try TemporaryIbis.start(
                ["--meta-host", metaAddress, "--meta-port", "\(meta.port)", "--meta-trust-roots", authority]
            ) { store in
                try IbisProcess.run(["peer", "add", "pbx", "--host", "127.0.0.1", "--port", "9", "--store-file", store])
                let file = URL(fileURLWithPath: store).deletingLastPathComponent().appendingPathComponent("password")
                try Data(password.utf8).write(to: file)
                try IbisProcess.run([
                    "number", "add", number, "--peer", "pbx", "--password-file", file.path, "--store-file", store,
                ])
            }
            return SimulatedTrunk(meta: meta, ibis: ibis)
        } catch {
            await meta.shutdown()
            throw error
        }
    }

    func stop() async {
        ibis.stop()
        await meta.shutdown()
    }
}
