import ArgumentParser
import Logging
import Media
import SIPCore
import SIPEdge
import Simulators

/// `ibis call --to-whatsapp`: stands in for a PBX that dials a WhatsApp user through Ibis.
struct WhatsAppDial {
    /// With the target of a running Ibis.
    let call: PBXCall
    /// Local address of the PBX; a running Ibis must have it as a peer.
    let source: String
    /// Where Ibis is looked for; where none listens, one is started, and a Meta is simulated whose user says a tone.
    let address: HostPort

    func run() async throws -> WhatsAppCallReport {
        guard !TemporaryIbis.listens(at: address) else { return try await Self.place(call, from: source) }
        Output.line(
            "No Ibis listens on \(address.host):\(address.port): starting one for this call, with a simulated Meta.\n")
        return try await Self.simulated(call)
    }

    /// By an Ibis of our own, to a user of a simulated Meta.
    static func simulated(_ call: PBXCall) async throws -> WhatsAppCallReport {
        let trunk = try await SimulatedTrunk.start(
            number: call.from,
            user: UserBehaviour(.answer(after: .seconds(1)), says: try Prompt.tone(hertz: 700, seconds: 10)))
        var call = call
        call.target.host = trunk.ibis.peers.host
        call.target.port = trunk.ibis.peers.port
        do {
            let report = try await place(call, from: "127.0.0.1")
            if case .talked = report.outcome, let taken = await trunk.meta.nextTakenCall() {
                Output.line(words(taken))
            }
            await trunk.stop()
            return report
        } catch {
            await trunk.stop()
            throw error
        }
    }

    private static func place(_ call: PBXCall, from source: String) async throws -> WhatsAppCallReport {
        let logger = Logger(label: "ibis.call") { _ in SwiftLogNoOpLogHandler() }
        let endpoint: StandInEndpoint
        do {
            endpoint = try await StandInEndpoint(address: source, logger: logger)
        } catch {
            Output.error("cannot call from \(source): \(error)")
            throw ExitCode(3)
        }
        let report = try await endpoint.place(call)
        await endpoint.shutdown()
        return report
    }

    /// What the simulated Meta saw.
    private static func words(_ taken: BusinessCallReport) -> String {
        let rules =
            taken.violations.isEmpty
            ? "no rule of Meta's was broken" : "broken: " + taken.violations.map { "\($0)" }.joined(separator: "; ")
        let first = taken.firstMedia.map { ", first packet \(CallSummary.milliseconds($0)) after the ACK" } ?? ""
        return "Meta      saw the password proved by \(taken.algorithm ?? "nothing")\(first); \(rules)"
    }
}
