import ArgumentParser
import Foundation
import WabaBridge

struct PeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "The PBXes that calls are relayed to.",
        subcommands: [Add.self, List.self, Remove.self], defaultSubcommand: List.self)

    @Sendable static func transport(_ text: String) throws -> PeerRecord.Transport {
        guard let transport = PeerRecord.Transport(rawValue: text.lowercased()) else {
            throw ValidationError("--transport is udp, tcp or tls")
        }
        return transport
    }

    @Sendable static func identification(_ text: String) throws -> PeerRecord.Identification {
        guard let identification = PeerRecord.Identification(rawValue: text.lowercased()) else {
            throw ValidationError("--identify is address or digest")
        }
        return identification
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a peer, or changes it.",
            discussion: """
                ibis peer add asterisk --host 192.0.2.10
                ibis peer add asterisk --host pbx.example.com --transport tls --secure-media --replace
                ibis peer add cellar --host 192.0.2.11 --max-calls 30 --max-calls-per-second 5
                ibis peer add branch --host branch.example.com --from 0.0.0.0/0 --user branch --password-stdin < password.txt

                A host name without a port is looked up by its SRV records first, then by its addresses, and again when \
                their time to live is over. The password answers the challenges of this PBX, and calls that come from it \
                must prove that they know it, unless --identify address is given. It is sealed in the store and never shown \
                again. --replace keeps user, password, realm and identification unless they are given.
                """)

        @OptionGroup var store: StoreOptions
        @Argument(help: "What numbers refer to it by.")
        var name: String
        @Option(help: "Its address or host name.")
        var host: String
        @Option(help: "Its SIP port; without it, what SRV records of its host name say, else 5060, over TLS 5061.")
        var port: Int?
        @Option(help: "udp, tcp or tls.", transform: PeerCommand.transport)
        var transport: PeerRecord.Transport = .udp
        @Flag(help: "SRTP towards it instead of plain RTP.")
        var secureMedia = false
        @Option(help: ArgumentHelp("How long it may ring, 5 to 300.", valueName: "seconds"))
        var ringTimeout = 45
        @Option(
            help: ArgumentHelp("Over TLS: the name in its certificate, when that is not the host.", valueName: "name"))
        var tlsName: String?
        @Option(
            help: ArgumentHelp(
                "Over TLS: PEM file with the authority of its certificate, when that is its own.", valueName: "file"))
        var tlsAuthority: String?
        @Option(
            help: ArgumentHelp("Between two OPTIONS that see whether it is there, 5 to 3600.", valueName: "seconds"))
        var qualifyInterval = 30
        @Flag(help: "Send it no OPTIONS: it counts as up.")
        var noQualify = false
        @Option(help: ArgumentHelp("Calls at once, both ways.", valueName: "number"))
        var maxCalls: Int?
        @Option(help: ArgumentHelp("New calls to it in a second.", valueName: "number"))
        var maxCallsPerSecond: Int?
        @Option(
            help: ArgumentHelp(
                "Where its calls may come from besides its own addresses, such as 10.0.0.0/24; repeat it for more.",
                valueName: "range"))
        var from: [String] = []
        @Option(help: ArgumentHelp("User for digest authentication, both ways.", valueName: "name"))
        var user: String?
        @OptionGroup var password: PasswordOptions
        @Option(help: ArgumentHelp("The realm that the PBX challenges with; asterisk.", valueName: "realm"))
        var realm: String?
        @Option(
            help: ArgumentHelp("How its calls are known: address, or digest when it has a password.", valueName: "how"),
            transform: PeerCommand.identification)
        var identify: PeerRecord.Identification?
        @Flag(help: "Change the peer when it is there already.")
        var replace = false

        func run() async throws {
            var record = PeerRecord(
                name: name, host: host, port: port, transport: transport, secureMedia: secureMedia,
                ringTimeout: .seconds(ringTimeout), tlsName: tlsName,
                // The server may run in another directory.
                tlsAuthority: tlsAuthority.map { URL(fileURLWithPath: $0).standardizedFileURL.path },
                qualifyInterval: noQualify ? nil : .seconds(qualifyInterval), maxCalls: maxCalls,
                maxCallsPerSecond: maxCallsPerSecond, sources: from)
            let store = try await store.openOrMake()
            if replace, let old = try await store.snapshot().peers.first(where: { $0.name == name }) {
                (record.user, record.password, record.realm) = (old.user, old.password, old.realm)
                record.identifyBy = old.identifyBy
            }
            try authenticate(&record)
            try await store.put(record, replacing: replace)
            Output.line("\(name): \(record.words). \(Words.takenUp)")
            Output.line("Send a number there: ibis number add +15550100001 --peer \(name)")
        }

        private func authenticate(_ record: inout PeerRecord) throws {
            if password.noPassword {
                (record.user, record.password, record.identifyBy) = (nil, nil, .address)
            }
            if let user { record.user = user }
            if let realm { record.realm = realm }
            if let secret = try password.read() {
                record.password = try store.secrets(making: true).seal(secret, for: .peer(name))
                record.identifyBy = .digest
            }
            if let identify { record.identifyBy = identify }
            guard (record.user == nil) == (record.password == nil) else {
                throw CommandFailure("give --user together with --password-stdin or --password-file")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the peers.")

        @OptionGroup var store: StoreOptions

        func run() async throws {
            let peers = try await store.read().peers
            guard !peers.isEmpty else {
                Output.line("No peers yet: ibis peer add asterisk --host 192.0.2.10 adds one.")
                return
            }
            for peer in peers { Output.line("\(peer.name): \(peer.words)") }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Removes a peer that no number goes to.")

        @OptionGroup var store: StoreOptions
        @Argument var name: String

        func run() async throws {
            try await store.open().removePeer(name)
            Output.line("The peer \(name) is removed. \(Words.takenUp)")
        }
    }
}

extension PeerRecord {
    /// For people: `192.0.2.10:5060 over UDP, plain RTP, rings 45 s`; never the password.
    var words: String {
        let usual = HostSyntax.isAddress(host) ? PeerRecord.usualPort(transport) : nil
        let shown = HostSyntax.isIPv6(host) ? "[\(host)]" : host
        let place = (port ?? usual).map { "\(shown):\($0)" } ?? shown
        let media = secureMedia ? "SRTP" : "plain RTP"
        let named = tlsName.map { " as \($0)" } ?? ""
        var words = "\(place) over \(transport.rawValue.uppercased())\(named), \(media)"
        words += ", rings \(ringTimeout.components.seconds) s"
        if let maxCalls { words += ", \(maxCalls) calls at most" }
        if let maxCallsPerSecond { words += ", \(maxCallsPerSecond) a second" }
        if qualifyInterval == nil { words += ", no OPTIONS" }
        if !sources.isEmpty { words += ", also from \(sources.joined(separator: " "))" }
        if user != nil { words += identifyBy == .digest ? ", calls need its password" : ", password set" }
        return words
    }
}
