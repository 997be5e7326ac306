import ArgumentParser
import Media
import SIPEdge
import Simulators

struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Calls a business number as a WhatsApp user would.",
        discussion: """
            Stands in for Meta: SIP over TLS, SDES-SRTP and Opus in the form of Meta's own messages. The edge must trust \
            the address that the call comes from (sip.trustedRanges). Exit status: 0 talked and heard something, \
            1 refused or not answered, 2 nothing was heard, 3 no connection.
            """)

    @Argument(help: "Business number, E.164 with +.")
    var number: String

    @Option(help: "Where the edge listens.")
    var to = "127.0.0.1:5061"

    @Option(help: "Host name that is configured at Meta for the number (default: the host of --to).")
    var hostname: String?

    @Option(help: "Who calls: E.164 with +, or a BSUID such as US.10000000000000000001.")
    var from = "+15550100199"

    @Option(help: "Local address to call from.")
    var source = "127.0.0.1"

    @Option(help: "WAV file to say; repeated until the call ends.")
    var play: String?

    @Option(help: "Tone to say instead, in Hz.")
    var tone: Double?

    @Option(help: "WAV file to write what is heard to (48 kHz mono).")
    var record: String?

    @Option(help: "Keys to press, one second after the answer.")
    var digits = ""

    @Option(help: "Seconds to talk before hanging up.")
    var duration = 5.0

    @Option(help: "Seconds to let it ring.")
    var patience = 45.0

    @Option(help: "sip_user_password of the number, to answer a digest challenge.")
    var password: String?

    @Option(help: "PEM file of the authority that signed the edge's certificate.")
    var ca: String?

    @Flag(help: "Take any certificate. Meta does not.")
    var insecure = false

    @Option(help: "Further x-wa-meta-NAME header fields, as NAME=VALUE.")
    var meta: [String] = []

    @Flag(help: "Show the messages.")
    var ladder = false

    func run() async throws {
        let call = try plan()
        let meta = try await MetaSimulator(MetaSettings(address: source, port: nil))
        let report = try await meta.place(call)
        await meta.shutdown()
        let summary = CallSummary(report)
        if ladder { Output.line(summary.ladder(far: "edge")) }
        Output.line(summary.text)
        if let record, let heard = report.heard {
            try WAVWriter.write(heard.samples, sampleRate: 48_000, to: record)
            Output.line("written to \(record)")
        }
        if summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
    }

    private func plan() throws -> WhatsAppCall {
        guard let address = HostPort(to, defaultPort: 5061) else {
            throw ValidationError("--to \(to) is no address: give host:port, for instance 127.0.0.1:5061")
        }
        guard let business = BusinessNumber.normalised(number) else {
            throw ValidationError("\(number) is no business number: give E.164, for instance +15550100001")
        }
        guard duration > 0, duration <= 3_600, patience > 0, patience <= 600 else {
            throw ValidationError("--duration is up to 3600 seconds and --patience up to 600")
        }
        var values: [String: String] = [:]
        for pair in meta {
            guard let equals = pair.firstIndex(of: "=") else {
                throw ValidationError("--meta \(pair): give NAME=VALUE")
            }
            values[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
        }
        let name = hostname ?? (address.isLiteral ? "localhost" : address.host)
        return WhatsAppCall(
            target: Target(
                transport: .tls, host: address.host, port: address.port, serverName: name, trustRootsFile: ca,
                verifiesCertificate: !insecure),
            number: business, hostname: name, user: from, whatsApp: values, says: try says(), digits: digits,
            talk: .seconds(duration), patience: .seconds(patience), password: password,
            recordSeconds: Int(duration.rounded(.up)) + 2)
    }

    private func says() throws -> Prompt? {
        if let play { return try Prompt.load(wav: play) }
        if let tone { return try Prompt.tone(hertz: tone, seconds: 10) }
        return nil
    }
}
