import ArgumentParser
import Media
import SIPEdge
import Simulators

struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Calls a business number as a WhatsApp user would, or a WhatsApp user as a PBX would.",
        discussion: """
            ibis call +15550100001 --to sip.example.com:5061
            ibis call --to-whatsapp +15550100199 --from +15550100001

            Stands in for Meta: SIP over TLS, SDES-SRTP and Opus in the form of Meta's own messages. The edge must trust \
            the address that the call comes from (sip.trustedRanges). Exit status: 0 talked and heard something, \
            1 refused or not answered, 2 nothing was heard, 3 no connection.

            With --to-whatsapp it stands in for a PBX instead: over TCP, with plain RTP, from an address that the edge has \
            as a peer (ibis peer add). Where no edge listens it starts one for the call, with a simulated Meta. Such a call \
            to a real user costs money and needs his permission.
            """)

    @Argument(help: "Business number, E.164 with +; with --to-whatsapp the user's, or his BSUID.")
    var number: String

    @Flag(help: "Call a WhatsApp user through the edge, as a PBX does.")
    var toWhatsapp = false

    @Option(help: "Where the edge listens (127.0.0.1:5061; with --to-whatsapp for its peers, 127.0.0.1:5060).")
    var to: String?

    @Option(help: "Host name that is configured at Meta for the number (default: the host of --to).")
    var hostname: String?

    @Option(
        help: """
            Who calls: E.164 with +, or a BSUID such as US.10000000000000000001; with --to-whatsapp the business number \
            (+15550100001).
            """)
    var from: String?

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
        if toWhatsapp {
            let dial = try dial()
            return try finish(try await dial.run(), near: "PBX", other: "the user")
        }
        let call = try plan()
        let meta = try await MetaSimulator(MetaSettings(address: source, port: nil))
        let report = try await meta.place(call)
        await meta.shutdown()
        try finish(report, near: "WhatsApp user", other: "the business")
    }

    private func finish(_ report: WhatsAppCallReport, near: String, other: String) throws {
        let summary = CallSummary(report, other: other)
        if ladder { Output.line(summary.ladder(near: near, far: "edge")) }
        Output.line(summary.text)
        if let record, let heard = report.heard {
            try WAVWriter.write(heard.samples, sampleRate: 48_000, to: record)
            Output.line("written to \(record)")
        }
        if summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
    }

    private func dial() throws -> WhatsAppDial {
        let address = try address(defaultPort: 5060)
        guard let user = WhatsAppUser(number) else {
            throw ValidationError("\(number) is no WhatsApp user: give E.164, for instance +15550100199, or a BSUID")
        }
        let from = self.from ?? "+15550100001"
        guard let business = BusinessNumber.normalised(from) else {
            throw ValidationError("--from \(from) is no business number: give E.164, for instance +15550100001")
        }
        try checkTimes()
        return WhatsAppDial(
            call: PBXCall(
                target: Target(transport: .tcp, host: address.host, port: address.port), user: user.user,
                from: business,
                says: try says(), digits: digits, talk: .seconds(duration), patience: .seconds(patience),
                recordSeconds: Int(duration.rounded(.up)) + 2),
            source: source, address: address)
    }

    private func address(defaultPort: UInt16) throws -> HostPort {
        let text = to ?? "127.0.0.1:\(defaultPort)"
        guard let address = HostPort(text, defaultPort: defaultPort) else {
            throw ValidationError("--to \(text) is no address: give host:port, for instance 127.0.0.1:\(defaultPort)")
        }
        return address
    }

    private func checkTimes() throws {
        guard duration > 0, duration <= 3_600, patience > 0, patience <= 600 else {
            throw ValidationError("--duration is up to 3600 seconds and --patience up to 600")
        }
    }

    private func plan() throws -> WhatsAppCall {
        let address = try address(defaultPort: 5061)
        guard let business = BusinessNumber.normalised(number) else {
            throw ValidationError("\(number) is no business number: give E.164, for instance +15550100001")
        }
        try checkTimes()
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
            number: business, hostname: name, user: from ?? "+15550100199", whatsApp: values, says: try says(),
            digits: digits,
            talk: .seconds(duration), patience: .seconds(patience), password: password,
            recordSeconds: Int(duration.rounded(.up)) + 2)
    }

    private func says() throws -> Prompt? {
        if let play { return try Prompt.load(wav: play) }
        if let tone { return try Prompt.tone(hertz: tone, seconds: 10) }
        return nil
    }
}
