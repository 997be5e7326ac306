import ArgumentParser
import Media
import SIPEdge
import Simulators

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Places a call of a WhatsApp user, and one to a WhatsApp user, and shows what came of them.",
        discussion: """
            Calls the Ibis that listens on --to; where none does, it starts one of its own for the time of the call. \
            Says a 1 kHz tone and expects to hear the greeting and then itself. Then a PBX calls a WhatsApp user through \
            an Ibis of its own, over a simulated Meta that refuses what Meta refuses.
            """)

    @Option(help: "A running Ibis to call.")
    var to = "127.0.0.1:5061"

    @Option(help: "Business number to call.")
    var number = "+15550100001"

    @Option(help: "Seconds to talk.")
    var duration = 8.0

    func run() async throws {
        guard let address = HostPort(to, defaultPort: 5061) else {
            throw ValidationError("--to \(to) is no address: give host:port, for instance 127.0.0.1:5061")
        }
        guard duration >= 1, duration <= 600 else { throw ValidationError("--duration is from 1 to 600 seconds") }
        try await callNumber(address)
        try await callUser()
    }

    private func callNumber(_ address: HostPort) async throws {
        if TemporaryIbis.listens(at: address) {
            Output.line("Calling the Ibis that runs on \(to).\n")
            try await call(address)
        } else {
            Output.line("No Ibis listens on \(to): starting one for this call.")
            let own = try TemporaryIbis.start()
            Output.line("It is ready on \(own.address.host):\(own.address.port).\n")
            do {
                try await call(own.address)
                own.stop()
            } catch {
                own.stop()
                throw error
            }
        }
    }

    private func call(_ address: HostPort) async throws {
        let meta = try await MetaSimulator(MetaSettings(address: "127.0.0.1", port: nil))
        let report = try await meta.place(
            WhatsAppCall(
                // A demonstration on this machine: whatever certificate is there will do.
                target: Target(
                    transport: .tls, host: address.host, port: address.port, serverName: "localhost",
                    verifiesCertificate: false),
                number: number, hostname: "localhost", whatsApp: ["user-id": "US.10000000000000000001"],
                says: try Prompt.tone(hertz: 1_000, seconds: 10), talk: .seconds(duration), patience: .seconds(20),
                recordSeconds: Int(duration.rounded(.up)) + 2))
        await meta.shutdown()
        try show(CallSummary(report), near: "WhatsApp user")
    }

    /// Meta stands on an address of this machine, and so does the PBX.
    private func callUser() async throws {
        Output.line("\nNow a PBX calls a WhatsApp user, by an Ibis of its own and a simulated Meta.\n")
        let call = PBXCall(
            target: Target(transport: .tcp, host: "127.0.0.1", port: 0), user: "+15550100199", from: "+15550100001",
            says: try Prompt.tone(hertz: 1_000, seconds: 10), digits: "", talk: .seconds(3), patience: .seconds(20),
            recordSeconds: 5)
        try show(CallSummary(try await WhatsAppDial.simulated(call), other: "the user"), near: "PBX")
    }

    private func show(_ summary: CallSummary, near: String) throws {
        Output.line(summary.ladder(near: near, far: "Ibis"))
        Output.line("")
        Output.line(summary.text)
        if summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
    }
}
