import Foundation
import Media
import SIPCore
import Simulators
import Testing

extension RealPeers {
    /// Calls that the Asterisk of samples/asterisk/ibis-trunk places to WhatsApp users; Meta is the simulator, which notes
    /// each rule of the trunk that is broken.
    @Suite("Asterisk calls WhatsApp users")
    struct ToWhatsApp {
        private static let password = "EXAMPLE-sip-password"
        private static let user = "+15550100199"

        @Test(
            "A tone crosses both ways",
            arguments: [
                Relay.Case(testDescription: "UDP", peer: .init(transport: .udp)),
                Relay.Case(testDescription: "TLS, SRTP", peer: .init(transport: .tls, secureMedia: true)),
            ])
        func tones(_ row: Relay.Case) async throws {
            let behaviour = UserBehaviour(
                .answer(after: .seconds(1)), says: try Prompt.tone(hertz: 1_000, seconds: 1, levelDBFS: -12),
                talk: .seconds(6), recordSeconds: 8)
            try await Self.with(behaviour, row.peer) { meta, ibis, asterisk in
                try await Self.dial(Self.user, "monitor", asterisk)
                let taken = try #require(await meta.nextTakenCall())
                #expect(taken.outcome == .talked(endedByUser: true))
                #expect(taken.violations.isEmpty, "\(taken.violations)")
                #expect(taken.invite.headers.from?.uri.description == "sip:\(IbisProcess.number)@sip.example.com")
                let text = String(decoding: taken.invite.encoded(), as: UTF8.self)
                for secret in [asterisk.address, "Asterisk", "PBX"] {
                    #expect(!text.contains(secret), "\(secret) reaches Meta")
                }
                // Asterisk's echo: what the user said has been there and back.
                let heard = try #require(taken.heard).samples
                let tone = ToneAnalysis.analyse(Array(heard.dropFirst(96_000).prefix(144_000)), rate: 48_000)
                #expect(abs(tone.peakHz - 1_000) <= 5, "heard \(tone)")
                #expect(abs(tone.levelDBFS + 12) <= 3, "heard \(tone)")
                expectTone(1_000, in: try await asterisk.recording("heard.wav16"), seconds: 3)
                try await asterisk.idle()
                try await ibis.idle()
            }
        }

        @Test("What Meta refuses is busy, unknown or failed for the dialplan")
        func refused() async throws {
            try await Self.with(UserBehaviour(.reject(486, after: .zero))) { meta, ibis, asterisk in
                try await Self.dial(Self.user, "echo", asterisk)
                try await asterisk.wait(for: "WhatsApp call: BUSY 17", within: .seconds(10))
                await meta.behave(UserBehaviour(.reject(480, after: .zero)))
                try await Self.dial(Self.user, "echo", asterisk)
                try await asterisk.wait(for: "WhatsApp call: NOANSWER", within: .seconds(10))
                try await asterisk.idle()
                try await ibis.idle()
            }
        }

        @Test("Asterisk gives up while it rings: Meta sees CANCEL")
        func givesUp() async throws {
            try await Self.with(UserBehaviour(.ring)) { meta, ibis, asterisk in
                try await Self.dial(Self.user, "echo", asterisk)
                _ = try #require(await meta.nextRinging())
                _ = try await asterisk.cli("channel request hangup all")
                let taken = try #require(await meta.nextTakenCall())
                #expect(taken.outcome == .cancelled)
                #expect(taken.violations.isEmpty, "\(taken.violations)")
                try await asterisk.idle()
                try await ibis.idle()
            }
        }

        /// The dialplan of the sample dials; when the user answers, the other half of the call is at the lab's extension.
        private static func dial(_ user: String, _ extension: String, _ asterisk: Asterisk) async throws {
            _ = try await asterisk.cli("channel originate Local/\(user)@to-whatsapp/n extension \(`extension`)@lab")
        }

        private static func with(
            _ behaviour: UserBehaviour, _ peer: IbisProcess.Peer = .init(),
            _ body: (MetaSimulator, IbisProcess, Asterisk) async throws -> Void
        ) async throws {
            let meta = try await MetaSimulator(
                MetaSettings(
                    address: Place.metaAddress(),
                    numbers: [MetaNumber(IbisProcess.number, hostname: "sip.example.com", password: password)]),
                behaviour: behaviour)
            let settings = [
                "meta-host": meta.settings.address, "meta-port": "\(meta.port)",
                "meta-trust-roots": try #require(meta.authorityFile),
            ]
            do {
                try await Asterisk.with(.ibisTrunk, peer.sampleSettings) { asterisk in
                    try await IbisProcess.with(.asterisk(peer), settings, password: password) { ibis in
                        try await body(meta, ibis, asterisk)
                    }
                }
            } catch {
                await meta.shutdown()
                throw error
            }
            await meta.shutdown()
        }
    }
}
