import Foundation
import Media

/// baresip as a WhatsApp user behind Meta: SIP over TLS, SRTP with keys in the SDP, Opus. It says a tone and records
/// what it says and what it hears.
final class BaresipCall {
    struct Options {
        /// The address that it calls from, by default one of Meta's range.
        var address = Place.metaAddress()
        var number = "+15550100199"
        /// What it says.
        var toneHz = 1000
        var codec = "opus/48000/1"
        /// As baresip names it; nil for plain RTP.
        var encryption: String? = "srtp-mand"
    }

    static let controlPort: UInt16 = 4444

    let options: Options
    private let folder: URL
    private let program: Program
    private let control: ControlConnection
    private let names: NameServer
    private var seen = 0

    private init(
        options: Options, folder: URL, program: Program, control: ControlConnection, names: NameServer
    ) {
        self.options = options
        self.folder = folder
        self.program = program
        self.control = control
        self.names = names
    }

    /// Runs `body` while baresip does.
    static func with(_ options: Options = Options(), _ body: (BaresipCall) async throws -> Void) async throws {
        let call = try await start(options)
        do {
            try await body(call)
            try call.control.send("quit")
            _ = try await call.program.ended(within: .seconds(10))
        } catch {
            call.program.terminate()
            throw error
        }
    }

    private static func start(_ options: Options) async throws -> BaresipCall {
        let folder = try Place.folder("baresip")
        let shim = folder.appending(path: "bindsource.so")
        try await Program.run(
            "cc", ["-shared", "-fPIC", "-o", shim.path, Place.labFiles.appending(path: "bindsource.c").path], in: folder
        )
        try await writeConfiguration(options, to: folder)
        let names = try NameServer(address: options.address, answer: Place.ibisAddress)
        let program = try Program(
            "baresip", ["-v", "-f", folder.path],
            environment: ["LD_PRELOAD": shim.path, "BIND_SOURCE": options.address], in: folder, limit: .seconds(110))
        try await program.wait(for: "baresip is ready", within: .seconds(10))
        let control = try await eventually(within: .seconds(5)) {
            LoopbackSocket(to: options.address, port: controlPort)
        } orFail: {
            program.failure("nothing listens on its control port \(options.address):\(controlPort)")
        }
        return BaresipCall(
            options: options, folder: folder, program: program, control: ControlConnection(control),
            names: names)
    }

    // MARK: What the user does

    func dial(_ target: String) throws { try control.send("dial", target) }

    func hangUp() async throws {
        try control.send("hangup")
        _ = try await closed()
    }

    /// Presses keys one after another, 160 ms each.
    func press(_ keys: String) async throws {
        for key in keys {
            try control.send("sndcode", String(key))
            try await Task.sleep(for: .milliseconds(160))
            try control.send("sndcode", "\u{04}")
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    // MARK: What happens to him

    /// Waits for an event of the call that was not waited for yet, and gives its parameter.
    @discardableResult
    func wait(for type: String, within limit: Duration) async throws -> String {
        try await eventually(within: limit) {
            try control.receive()
            guard let index = control.events.indices.dropFirst(seen).first(where: { control.events[$0].type == type })
            else {
                if type != "CALL_CLOSED",
                    let end = control.events.dropFirst(seen).first(where: { $0.type == "CALL_CLOSED" })
                {
                    throw program.failure("the call ended with “\(end.param ?? "")” before \(type)")
                }
                return nil
            }
            seen = index + 1
            return control.events[index].param ?? ""
        } orFail: {
            program.failure("no \(type) within \(limit)")
        }
    }

    func established(within limit: Duration = .seconds(10)) async throws {
        try await wait(for: "CALL_ESTABLISHED", within: limit)
    }

    /// The keys that the other side has pressed so far.
    func pressed() throws -> String {
        try control.receive()
        return control.events.filter { $0.type == "CALL_DTMF_START" }.compactMap(\.param).joined()
    }

    /// The reason of the end, such as `486 Busy Here`.
    func closed(within limit: Duration = .seconds(10)) async throws -> String {
        try await wait(for: "CALL_CLOSED", within: limit)
    }

    /// Everything that baresip reported so far.
    var log: String { program.output }

    func failure(_ what: String) -> InteropFailure { program.failure(what) }

    // MARK: Recordings, complete once the call has ended

    func said() async throws -> WAVReader { try await recording("enc") }
    func heard() async throws -> WAVReader { try await recording("dec") }

    private func recording(_ direction: String) async throws -> WAVReader {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        guard let name = files.filter({ $0.hasSuffix("-\(direction).wav") }).sorted().last else {
            throw program.failure("it recorded no \(direction)")
        }
        return try await finishedRecording(folder.appending(path: name))
    }

    // MARK: Configuration

    private static func writeConfiguration(_ options: Options, to folder: URL) async throws {
        let certificate = try await Lab.certificate("wa.meta.vc.crt")
        let pair = try ["wa.meta.vc.crt", "wa.meta.vc.key"].map {
            try Data(contentsOf: certificate.deletingLastPathComponent().appending(path: $0))
        }
        try (pair[0] + pair[1]).write(to: folder.appending(path: "pair.pem"))
        let listing = try await Program.run("dpkg", ["-L", "baresip-core"], in: folder)
        guard let opus = listing.split(separator: "\n").first(where: { $0.hasSuffix("/opus.so") }) else {
            throw InteropFailure("the package baresip-core has no module opus.so")
        }
        let modules = URL(filePath: String(opus)).deletingLastPathComponent().path
        // It listens for TLS on the port after sip_listen; ausine knows stereo alone; Meta muxes RTCP.
        let configuration = """
            poll_method epoll
            module_path \(modules)
            module opus.so
            module g711.so
            module ausine.so
            module sndfile.so
            module srtp.so
            module_tmp uuid.so
            module_tmp account.so
            module_app menu.so
            module_app ctrl_tcp.so
            ctrl_tcp_listen \(options.address):\(controlPort)
            net_interface \(options.address)
            dns_server \(options.address):\(NameServer.port)
            sip_listen \(options.address):5060
            sip_certificate \(folder.path)/pair.pem
            sip_cafile \(certificate.deletingLastPathComponent().path)/ca.crt
            statmode_default off
            rtp_ports 34000-35998
            rtcp_mux yes
            rtp_stats yes
            audio_source ausine,\(options.toneHz)
            audio_player none
            audio_alert none
            ausrc_srate 48000
            ausrc_channels 2
            auplay_srate 48000
            auplay_channels 2
            opus_bitrate 20000
            opus_stereo no
            opus_sprop_stereo no
            opus_inbandfec yes
            opus_application voip
            snd_path \(folder.path)

            """
        let encryption = options.encryption.map { ";mediaenc=\($0)" } ?? ""
        let account =
            "<sip:\(options.number)@wa.meta.vc;transport=tls>;regint=0;audio_codecs=\(options.codec)\(encryption)\n"
        for (name, text) in [("config", configuration), ("accounts", account), ("contacts", "")] {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
    }
}
