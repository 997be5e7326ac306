import SIPEdge
import WabaBridge

/// What `ibis serve` says on standard output when it is ready: what listens, where calls go, how to try it.
struct Banner {
    var configuration: Configuration
    var configurationFile: String?
    var certificate: ServerCertificate
    var announced: AnnouncedAddress
    var snapshot: StoreSnapshot
    /// The store was made by this start.
    var isStoreNew: Bool
    /// Sentences that ask for attention.
    var warnings: [String]

    /// More numbers than this are counted only.
    private static let shownNumbers = 10

    var text: String {
        var sections = [IbisVersion.text + (configurationFile.map { ", configured by \($0)" } ?? ", not configured")]
        sections.append(section("Listening", listening))
        sections.append(section("Calls to", numbers))
        sections.append(section("Certificate", certificateLines))
        if !warnings.isEmpty { sections.append(section("Please look at", warnings)) }
        if let trial { sections.append(section("Try it", [trial])) }
        return sections.joined(separator: "\n\n")
    }

    private var listening: [String] {
        let (sip, media, console) = (configuration.sip, configuration.media, configuration.console)
        return Banner.table([
            (Banner.place(sip.tlsAddress, sip.tlsPort), "SIP over TLS, from Meta"),
            (Banner.place(sip.peerAddress, sip.peerPort), "SIP over UDP and TCP, from the PBX"),
            (
                "\(media.address) \(media.portLow)–\(media.portHigh)",
                "RTP over UDP; Meta is told to send to \(announced.address)"
            ),
            (Banner.place(console.address, console.port), "http, for now /health and /status"),
        ])
    }

    private var numbers: [String] {
        let hosts = Dictionary(snapshot.peers.map { ($0.name, $0.words) }) { first, _ in first }
        var lines = snapshot.numbers.prefix(Banner.shownNumbers).map { number in
            switch number.destination {
            case .peers:
                "\(number.number) go to \(number.destination.words) "
                    + "(\(number.peers.map { hosts[$0] ?? "not usable" }.joined(separator: "; ")))"
            case .application: "\(number.number) are answered here: greeting, then the caller hears himself"
            }
        }
        if snapshot.numbers.isEmpty {
            lines = ["no number yet: ibis number add +15550100001 --echo"]
        } else if snapshot.numbers.count > Banner.shownNumbers {
            lines.append("and \(snapshot.numbers.count - Banner.shownNumbers) more: ibis number list")
        }
        lines.append(
            "(store: \(configuration.storeFile)\(isStoreNew ? ", new, with a first number to try" : ""))")
        return lines
    }

    private var certificateLines: [String] {
        guard certificate.isSelfMade else {
            let end = certificate.expires.map { ", valid until \(CertificateCheck.day($0))" } ?? ""
            return ["\(certificate.certificateFile) for \(configuration.sip.hostname)\(end)"]
        }
        return [
            "SELF-MADE for \(configuration.sip.hostname): META WILL REFUSE IT. Good for trying things out only.",
            "For real calls set sip.hostname, sip.certificate and sip.key to those of a public authority.",
            "Until then connections from this machine are let in beside Meta's.",
        ].prefix(configuration.sip.trustedRanges == nil ? 3 : 2).map { $0 }
    }

    /// Only where the call would be let in.
    private var trial: String? {
        guard let number = snapshot.numbers.first?.number else { return nil }
        guard configuration.trustedRanges(isSelfMade: certificate.isSelfMade).contains(where: Banner.holdsLoopback)
        else { return nil }
        let sip = configuration.sip
        let host = ["0.0.0.0", "::"].contains(sip.tlsAddress) ? "127.0.0.1" : sip.tlsAddress
        let command = "ibis call \(number) --to \(Banner.place(host, sip.tlsPort))"
        let name = sip.hostname == "localhost" ? "" : " --hostname \(sip.hostname)"
        return command + name + (certificate.isSelfMade ? " --ca \(certificate.certificateFile)" : "")
    }

    private static func holdsLoopback(_ range: CIDR) -> Bool {
        ["127.0.0.0/8", "127.0.0.1/32", "0.0.0.0/0"].contains(range.description)
    }

    // MARK: Layout

    private func section(_ title: String, _ lines: [String]) -> String {
        ([title] + lines.map { "  \($0)" }).joined(separator: "\n")
    }

    private static func table(_ rows: [(String, String)]) -> [String] {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }
    }

    static func place(_ host: String, _ port: UInt16) -> String {
        HostSyntax.isIPv6(host) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
