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

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a peer, or changes it.",
            discussion: """
                ibis peer add asterisk --host 192.0.2.10
                ibis peer add asterisk --host pbx.example.com --transport tls --secure-media --replace
                """)

        @OptionGroup var store: StoreOptions
        @Argument(help: "What numbers refer to it by.")
        var name: String
        @Option(help: "Its address or host name.")
        var host: String
        @Option(help: "Its SIP port; 5060, over TLS 5061.")
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
        @Flag(help: "Change the peer when it is there already.")
        var replace = false

        func run() async throws {
            let record = PeerRecord(
                name: name, host: host, port: port, transport: transport, secureMedia: secureMedia,
                ringTimeout: .seconds(ringTimeout), tlsName: tlsName,
                // The server may run in another directory.
                tlsAuthority: tlsAuthority.map { URL(fileURLWithPath: $0).standardizedFileURL.path })
            try await store.openOrMake().put(record, replacing: replace)
            Output.line("\(name): \(record.words). \(Words.takenUp)")
            Output.line("Send a number there: ibis number add +15550100001 --peer \(name)")
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
    /// For people: `192.0.2.10:5060 over UDP, plain RTP, rings 45 s`.
    var words: String {
        let place = HostSyntax.isIPv6(host) ? "[\(host)]:\(port)" : "\(host):\(port)"
        let media = secureMedia ? "SRTP" : "plain RTP"
        let named = tlsName.map { " as \($0)" } ?? ""
        let transport = transport.rawValue.uppercased()
        return "\(place) over \(transport)\(named), \(media), rings \(ringTimeout.components.seconds) s"
    }
}
