import Logging
import SIPEdge
import WabaBridge

extension Setting {
    /// Every key there is, in the order of docs/configuration.md.
    static let all: [Setting] = sip + meta + media + limits + hep + others

    private static let hep: [Setting] = [
        value(
            "hep.host", \.hep.host, "Capture server (Homer) that gets a copy of each SIP message, without keys.",
            expected: "a host name or an address", default: "none: nothing is exported"
        ) { HostSyntax.isName($0) || HostSyntax.isAddress($0) ? .some($0) : nil },
        port("hep.port", \.hep.port, "Its UDP port.", default: 9060),
        count(
            "hep.captureID", \.hep.captureID, "The number that tells this Ibis from other sources there.",
            0...4_294_967_295, default: 2001),
        value(
            "hep.password", \.hep.password, "The password that the server asks of its sources.",
            expected: "a text other than none", default: "none"
        ) { ["", "none"].contains($0) ? nil : .some($0) },
    ]

    private static let sip: [Setting] = [
        host(
            "sip.hostname", \.sip.hostname,
            "The host name that is entered at Meta for the numbers; the certificate must cover it.",
            default: "localhost"),
        address("sip.tlsAddress", \.sip.tlsAddress, "Where SIP over TLS listens, for Meta.", default: "0.0.0.0"),
        port("sip.tlsPort", \.sip.tlsPort, "Its TCP port.", default: 5061),
        address(
            "sip.peerAddress", \.sip.peerAddress, "Where SIP over UDP and TCP listens, for the PBX.", default: "0.0.0.0"
        ),
        port("sip.peerPort", \.sip.peerPort, "Its UDP and TCP port.", default: 5060),
        file(
            "sip.certificate", \.sip.certificate, "PEM file with the certificate and the rest of its chain.",
            default: "none: Ibis makes one itself, which Meta refuses"),
        file("sip.key", \.sip.key, "PEM file with the certificate's private key.", default: "none"),
        list(
            "sip.trustedRanges", \.sip.trustedRanges,
            "Address ranges whose TLS connections are taken for Meta's; all others are closed at once.",
            expected: "an address range, such as 192.0.2.0/24 or 2001:db8::/32",
            default: "Meta's published ranges; with a self-made certificate also this machine (127.0.0.0/8, ::1)",
            parse: CIDR.init),
    ]

    private static let meta: [Setting] = [
        value(
            "meta.domain", \.meta.domain, "Meta's SIP domain, the name that its certificate must have.",
            expected: "a host name, such as wa.meta.vc", default: "wa.meta.vc"
        ) { HostSyntax.isName($0) ? $0 : nil },
        value(
            "meta.host", \.meta.host, "Where connections to Meta really go, when a tunnel or a test stands in between.",
            expected: "a host name or an address", default: "the value of meta.domain"
        ) { HostSyntax.isName($0) || HostSyntax.isAddress($0) ? .some($0) : nil },
        port("meta.port", \.meta.port, "The TCP port there.", default: 5061),
        file(
            "meta.trustRoots", \.meta.trustRoots, "PEM file of the authorities that vouch for Meta's certificate.",
            default: "the system's"),
    ]

    private static let media: [Setting] = [
        address("media.address", \.media.address, "Where RTP sockets are bound.", default: "0.0.0.0"),
        optionalAddress(
            "media.publicAddress", \.media.publicAddress,
            "The address that Meta is told to send media to: the public one.",
            default: "media.address, or the address of this machine's default route"),
        optionalAddress(
            "media.peerAddress", \.media.peerAddress, "The address that the PBX is told to send media to.",
            default: "chosen by the route to the PBX"),
        rtpPort("media.portLow", \.media.portLow, "First UDP port for RTP.", default: 20_000),
        rtpPort("media.portHigh", \.media.portHigh, "Last UDP port for RTP.", default: 29_999),
        value(
            "media.workers", \.media.workers, "Media threads.", expected: "a whole number, 1 to 64",
            default: "one for each core"
        ) { text in Int(text).flatMap { (1...64).contains($0) ? .some($0) : nil } },
    ]

    private static let limits: [Setting] = [
        count("limits.calls", \.limits.calls, "Calls at once.", 1...100_000, default: 1_000),
        count(
            "limits.callsPerSecond", \.limits.callsPerSecond, "New calls a second, all together; more get 503.",
            1...100_000, default: 2_000),
        count(
            "limits.callsPerSecondPerSource", \.limits.callsPerSecondPerSource,
            "New calls a second from one address (IPv6: from one /64).", 1...100_000, default: 1_000),
        seconds(
            "limits.maximumLag", \.limits.maximumLag,
            "New calls get 503 while the signalling comes later than this, or has no time left; 0s: never for that.",
            0...10, default: "100ms"),
        count(
            "limits.connections", \.limits.connections, "SIP connections at once.", 1...1_000_000, default: 4_096),
        count(
            "limits.handshakesPerAddress", \.limits.handshakesPerAddress,
            "TLS handshakes under way at once from one address.", 1...100_000, default: 256),
        seconds(
            "limits.handshakeTimeout", \.limits.handshakeTimeout, "A TLS handshake must end within this.", 1...60,
            default: "5s"),
        seconds(
            "limits.messageTimeout", \.limits.messageTimeout, "A SIP message that has begun must be whole within this.",
            1...120, default: "10s"),
        seconds(
            "limits.idleTimeout", \.limits.idleTimeout, "A silent connection without a call is closed after this.",
            30...86_400, default: "10m"),
        seconds(
            "limits.mediaTimeout", \.limits.mediaTimeout,
            "A call whose caller sends nothing at all for this long is hung up.", 10...3_600, default: "60s"),
        seconds(
            "limits.drainTime", \.drainTime, "A stop waits this long for calls to end before it hangs up.", 0...86_400,
            default: "20s"),
        size(
            "limits.bufferedOctets", \.limits.bufferedOctets, "What unfinished SIP messages may hold, all together.",
            1...4_096, default: "64MB"),
        count(
            "limits.transactions", \.limits.transactions, "INVITEs being worked on at once.", 10...1_000_000,
            default: 20_000),
        size(
            "limits.transactionOctets", \.limits.transactionOctets, "What their requests may hold, all together.",
            1...4_096, default: "128MB"),
    ]

    private static let others: [Setting] = [
        file(
            "apps.greeting", \.greeting, "WAV file that the echo application plays first.", default: "a built-in chime"),
        value(
            "store.file", \.storeFile, "The SQLite file with numbers and peers.", expected: "a path",
            default: "ibis.sqlite", isPath: true
        ) { $0.isEmpty ? nil : $0 },
        value(
            "store.keyFile", \.storeKeyFile, "The file with the key that seals passwords in the store.",
            expected: "a path", default: "the value of store.file and .key", isPath: true
        ) { $0.isEmpty ? nil : .some($0) },
        address(
            "console.address", \.console.address, "Where the console listens; it has no login yet.",
            default: "127.0.0.1"),
        port("console.port", \.console.port, "Its TCP port.", default: 8080),
        value(
            "log.level", \.log.level, "What is logged: this and everything graver.",
            expected: "one of: \(Logger.Level.allCases.map(\.rawValue).joined(separator: ", "))", default: "info"
        ) { Logger.Level(rawValue: $0.lowercased())?.rawValue },
        count(
            "log.calls", \.log.calls, "Calls whose messages are kept in memory for the console; 0: none.", 0...10_000,
            default: 200),
        choice("log.format", \.log.format, "How a log line is written.", default: .text),
    ]

    private static func host(
        _ key: String, _ path: any Path<String>, _ summary: String, default text: String
    ) -> Setting {
        value(key, path, summary, expected: "a host name, such as sip.example.com", default: text) { text in
            HostSyntax.isName(text) || HostSyntax.isAddress(text) ? text : nil
        }
    }

    /// Below 1024 the kernel refuses users other than root.
    private static func rtpPort(
        _ key: String, _ path: any Path<UInt16>, _ summary: String, default port: UInt16
    ) -> Setting {
        value(key, path, summary, expected: "a port, 1024 to 65535", default: "\(port)") { text in
            UInt16(text).flatMap { $0 >= 1024 ? $0 : nil }
        }
    }
}
