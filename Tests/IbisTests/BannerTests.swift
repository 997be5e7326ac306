import Foundation
import SIPEdge
import Testing
import WabaBridge

@testable import Ibis

struct BannerTests {
    private func banner(_ change: (inout Banner) -> Void = { _ in }) -> String {
        var banner = Banner(
            configuration: Configuration(), configurationFile: nil,
            certificate: ServerCertificate(
                certificateFile: "ibis-self-made-certificate.pem", keyFile: "ibis-self-made-key.pem", isSelfMade: true,
                isFresh: true, warnings: []),
            announced: AnnouncedAddress(address: "192.0.2.7", isConfigured: false),
            snapshot: StoreSnapshot(numbers: [NumberRecord.first]), isStoreNew: true, warnings: [])
        change(&banner)
        return banner.text
    }

    @Test func firstStart() {
        #expect(
            banner() == """
                Ibis \(IbisVersion.number), not configured

                Listening
                  0.0.0.0:5061         SIP over TLS, from Meta
                  0.0.0.0:5060         SIP over UDP and TCP, from the PBX
                  0.0.0.0 20000–29999  RTP over UDP; Meta is told to send to 192.0.2.7
                  127.0.0.1:8080       http, for now /health and /status

                Calls to
                  +15550100001 are answered here: greeting, then the caller hears himself
                  (store: ibis.sqlite, new, with a first number to try)

                Certificate
                  SELF-MADE for localhost: META WILL REFUSE IT. Good for trying things out only.
                  For real calls set sip.hostname, sip.certificate and sip.key to those of a public authority.
                  Until then connections from this machine are let in beside Meta's.

                Try it
                  ibis call +15550100001 --to 127.0.0.1:5061 --ca ibis-self-made-certificate.pem
                """)
    }

    @Test func realSetUp() {
        let text = banner {
            $0.configurationFile = "/etc/ibis/ibis.yaml"
            $0.configuration.sip.hostname = "sip.example.com"
            $0.certificate = ServerCertificate(
                certificateFile: "/etc/ibis/cert.pem", keyFile: "/etc/ibis/key.pem", isSelfMade: false, isFresh: false,
                expires: Date(timeIntervalSince1970: 1_770_000_000), warnings: [])
            $0.snapshot = StoreSnapshot(
                numbers: [NumberRecord(number: "+15550100001", destination: .peer("asterisk", extension: nil))],
                peers: [PeerRecord(name: "asterisk", host: "192.0.2.10")])
            $0.isStoreNew = false
            $0.warnings = ["The certificate expires in 3 days."]
        }
        #expect(text.hasPrefix("Ibis \(IbisVersion.number), configured by /etc/ibis/ibis.yaml"))
        #expect(text.contains("+15550100001 go to peer asterisk (192.0.2.10:5060 over UDP, plain RTP, rings 45 s)"))
        #expect(text.contains("  /etc/ibis/cert.pem for sip.example.com, valid until 2026-02-02"))
        #expect(text.hasSuffix("Please look at\n  The certificate expires in 3 days."))
        // Strangers' addresses: a call from this machine would be turned away.
        #expect(!text.contains("Try it"))
        #expect(!text.contains("SELF-MADE"))
    }

    @Test func trialFollowsAddressPortAndRanges() {
        let text = banner {
            $0.configuration.sip.tlsAddress = "127.0.0.2"
            $0.configuration.sip.tlsPort = 5071
            $0.configuration.sip.hostname = "sip.example.com"
            $0.configuration.sip.trustedRanges = ["127.0.0.0/8"].compactMap(CIDR.init)
            $0.certificate.isSelfMade = false
        }
        #expect(text.hasSuffix("  ibis call +15550100001 --to 127.0.0.2:5071 --hostname sip.example.com"))
        #expect(!text.contains("connections from this machine are let in"))
    }

    @Test func manyNumbersAreCounted() {
        let numbers = (10...25).map {
            NumberRecord(number: "+155501000\($0)", destination: .application("echo"))
        }
        let text = banner { $0.snapshot = StoreSnapshot(numbers: numbers) }
        #expect(text.contains("  and 6 more: ibis number list"))
        #expect(text.split(separator: "\n").count { $0.contains("answered here") } == 10)
    }

    @Test func noNumbers() {
        let text = banner { $0.snapshot = StoreSnapshot() }
        #expect(text.contains("no number yet: ibis number add +15550100001 --echo"))
        #expect(!text.contains("Try it"))
    }
}
