import Foundation
import Media
import Testing

extension RealPeers {
    /// Calls that Ibis relays to the Asterisk of samples/asterisk/ibis-trunk.
    @Suite("Relay to Asterisk")
    struct Relay {
        struct Case: CustomTestStringConvertible {
            let testDescription: String
            let peer: IbisProcess.Peer

            static let all = [
                Case(testDescription: "UDP", peer: .init(transport: .udp)),
                Case(testDescription: "TCP", peer: .init(transport: .tcp)),
                Case(testDescription: "TLS", peer: .init(transport: .tls)),
                Case(testDescription: "TLS, SRTP", peer: .init(transport: .tls, secureMedia: true)),
            ]
        }

        @Test("A tone crosses both ways, and both sides' recordings have it", arguments: Case.all)
        func echo(_ row: Case) async throws {
            try await Self.call("monitor", row.peer) { ibis, asterisk, user in
                try await user.established()
                try await Task.sleep(for: .seconds(5))
                let media = try await ibis.status().media
                try await user.hangUp()
                expectTone(1000, in: try await user.heard(), asLoudAs: try await user.said(), seconds: 3)
                expectTone(
                    1000, in: try await asterisk.recording("heard.wav16"), asLoudAs: try await user.said(), seconds: 3)
                #expect(media["legs"] == 2)
                // baresip's first RTCP packet leaves before its keys are in place; Asterisk complains of it, too.
                #expect(
                    media["dropped_unauthenticated"] == 0 && media["dropped_malformed", default: 0] <= 1, "\(media)")
                try await asterisk.idle()
            }
        }

        @Test("The sample's own dialplan rings its phone, and the call is answered")
        func rings() async throws {
            try await Self.call(nil) { _, _, user in
                try await user.wait(for: "CALL_RINGING", within: .seconds(5))
                try await user.established()
                try await Task.sleep(for: .seconds(3))
                try await user.hangUp()
                expectTone(1000, in: try await user.heard(), asLoudAs: try await user.said())
            }
        }

        @Test("Neither side sees the other's address")
        func anchored() async throws {
            try await Self.with("echo") { _, asterisk in
                _ = try await asterisk.cli("pjsip set logger on")
                try await BaresipCall.with { user in
                    try user.dial(IbisProcess.uri())
                    try await user.established()
                    try await Task.sleep(for: .seconds(1))
                    try await user.hangUp()
                    try await asterisk.idle()
                    #expect(asterisk.console.contains("INVITE sip:echo@"))
                    #expect(!asterisk.console.contains(user.options.address), "Asterisk sees \(user.options.address)")
                    #expect(user.log.contains("receiving from \(IbisProcess.address)"))
                    #expect(!user.log.contains(asterisk.address), "baresip sees \(asterisk.address)")
                }
            }
        }

        @Test("What the caller presses arrives; what the PBX presses does, too")
        func digits() async throws {
            try await Self.call("digits") { _, asterisk, user in
                try await user.established()
                try await Task.sleep(for: .milliseconds(500))
                try await user.press("159#")
                try await asterisk.wait(for: "LAB digits 159", within: .seconds(10))
                _ = try await user.closed()
            }
            try await Self.call("press") { _, _, user in
                try await user.established()
                try await eventually(within: .seconds(8)) {
                    try user.pressed() == "159#" ? () : nil
                } orFail: {
                    user.failure("it did not hear the keys 159#")
                }
            }
        }

        @Test("A PBX that sends no media: the caller gets silence, and the call lives")
        func silent() async throws {
            try await Self.call("silent") { ibis, _, user in
                try await user.established()
                try await Task.sleep(for: .seconds(4))
                #expect(try await ibis.status().calls == 1)
                try await user.hangUp()
                let heard = try await user.heard()
                #expect(heard.seconds > 3)
                #expect(tone(of: heard).levelDBFS < -60)
            }
        }

        @Test("Meta's own INVITE: routes echoed, its facts and the hidden caller reach the PBX")
        func headers() async throws {
            try await Self.with("headers") { ibis, asterisk in
                let meta = try await RawCaller()
                try meta.invite(
                    from: "US.13491208655302741918",
                    headers: [
                        "x-wa-meta-user-id: US.13491208655302741918", "x-wa-meta-cta-payload: order=42; size=L",
                        "x-wa-meta-deeplink-payload: from-the-shop",
                    ])
                let answer = try await meta.response(200)
                let routes = RawCaller.recordRoutes.map { "\r\nRecord-Route: \($0)" }.joined()
                #expect(answer.contains(routes), "\(answer)")
                #expect(
                    answer.contains("\r\nContact: <sip:+15550100001@sip.example.com:5061;transport=tls>"), "\(answer)")
                #expect(answer.contains(/\r\nm=audio \d+ RTP\/SAVP 111 126\r\n/), "\(answer)")
                try meta.acknowledge()
                for line in [
                    "LAB from US.13491208655302741918", "pai ", "=\(meta.callID)", "=US.13491208655302741918",
                    "=order=42; size=L", "=from-the-shop",
                ] { try await asterisk.wait(for: line, within: .seconds(3)) }
                #expect(asterisk.console.contains(/(?i)LAB header X-WA-Call-ID=wacid/), "\(asterisk.console)")
                try await asterisk.answered()
                try meta.bye()
                _ = try await meta.response(200)
                try await asterisk.idle()
                try await ibis.idle()
            }
        }

        /// Ibis and Asterisk, where calls to the number reach the extension; nil: what the sample's dialplan does.
        static func with(
            _ extension: String?, _ peer: IbisProcess.Peer = .init(),
            _ body: (IbisProcess, Asterisk) async throws -> Void
        ) async throws {
            try await Asterisk.with(.ibisTrunk, peer.sampleSettings) { asterisk in
                try await IbisProcess.with(.asterisk(peer, extension: `extension`)) { ibis in
                    try await body(ibis, asterisk)
                }
            }
        }

        /// The same, and a user who has just dialled; nothing of the call may be left when he is done.
        static func call(
            _ extension: String?, _ peer: IbisProcess.Peer = .init(),
            _ body: (IbisProcess, Asterisk, BaresipCall) async throws -> Void
        ) async throws {
            try await with(`extension`, peer) { ibis, asterisk in
                try await BaresipCall.with { user in
                    try user.dial(IbisProcess.uri())
                    try await body(ibis, asterisk, user)
                }
                try await ibis.idle()
            }
        }
    }
}
