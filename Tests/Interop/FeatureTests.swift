import Foundation
import Media
import Testing

extension RealPeers {
    /// What a real Asterisk does in mid-call ends at Ibis: the WhatsApp side hears of none of it.
    @Suite("What Asterisk does in mid-call")
    struct Features {
        /// Meta's side written by hand, and its relay: the body runs while they talk. In the end nothing but responses
        /// to Meta's own requests may have come, and one stream without a break.
        private static func talking(
            to extension: String, _ settings: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation,
            _ body: (Asterisk, RelaySocket) async throws -> Void
        ) async throws {
            try await Asterisk.with(.features, settings) { asterisk in
                try await IbisProcess.with(.asterisk(.init(), extension: `extension`)) { ibis in
                    _ = try await asterisk.cli("pjsip set logger on")
                    let meta = try await RawCaller()
                    let relay = try RelaySocket(meta.address)
                    defer { relay.stop() }
                    try meta.invite(from: "+15550100199", headers: ["x-wa-meta-user-id: US.10000000000000000001"])
                    _ = try await meta.response(200)
                    try meta.acknowledge()
                    try await body(asterisk, relay)
                    try meta.bye()
                    _ = try await meta.response(200)
                    #expect(relay.ssrcs.count == 1, sourceLocation: sourceLocation)
                    #expect(relay.breaks.isEmpty, "\(relay.breaks)", sourceLocation: sourceLocation)
                    #expect(relay.packets.count > 10, sourceLocation: sourceLocation)
                    #expect(meta.requests.isEmpty, "Meta was sent \(meta.requests)", sourceLocation: sourceLocation)
                    try await asterisk.idle()
                    try await ibis.idle()
                }
            }
        }

        @Test("Connected line, hold and resume, and the session timer")
        func hold() async throws {
            try await Self.talking(to: "features") { asterisk, relay in
                try await asterisk.wait(for: "LAB talks again", within: .seconds(12))
                let before = relay.packets.count
                try await Task.sleep(for: .seconds(1))
                #expect(relay.packets.count > before + 2)
                let console = asterisk.console
                // Asterisk agreed on a session timer.
                #expect(console.contains(/Session-Expires: \d+/))
                // It told us of the other party, and it held.
                #expect(console.contains("a=sendonly") || console.contains("a=inactive"), "\(console)")
                #expect(console.contains("a=recvonly") || console.contains("a=inactive"))
                #expect(console.contains("UPDATE sip:\(IbisProcess.number)@"), "\(console)")
            }
        }

        @Test("Provisional responses that must be acknowledged")
        func reliable() async throws {
            try await Self.talking(to: "desk", ["RELIABLE": "required"]) { asterisk, _ in
                try await Task.sleep(for: .seconds(2))
                let console = asterisk.console
                #expect(console.contains(/RSeq: \d+/), "\(console)")
                #expect(console.contains(/PRACK sip:/))
                #expect(console.contains(/RAck: \d+ 1 INVITE/))
            }
        }

        @Test("A transfer by REFER: the target is called, and the caller hears it")
        func transfer() async throws {
            try await Self.talking(to: "refer") { asterisk, relay in
                try await asterisk.wait(for: "LAB transfer SUCCESS", within: .seconds(10))
                try await Task.sleep(for: .seconds(1))
                let console = asterisk.console
                #expect(console.contains(/INVITE sip:tone@/))
                #expect(console.contains("SIP/2.0 100 Trying"))
                #expect(relay.packets.count > 20)
            }
        }

        @Test("A transfer to an extension that is not there: the call goes on")
        func mistake() async throws {
            try await Self.talking(to: "mistake") { asterisk, relay in
                try await asterisk.wait(for: "LAB transfer FAILURE", within: .seconds(10))
                let before = relay.packets.count
                try await Task.sleep(for: .seconds(1))
                #expect(relay.packets.count > before + 2)
            }
        }

        @Test("Digits by INFO are pressed in the media")
        func info() async throws {
            try await Self.talking(to: "press", ["DTMF_MODE": "info"]) { asterisk, relay in
                try await eventually(within: .seconds(8)) {
                    relay.packets.contains { $0.payloadType == 126 } ? () : nil
                } orFail: {
                    InteropFailure("no digit reached Meta's side", log: asterisk.console)
                }
                #expect(asterisk.console.contains("application/dtmf-relay"))
            }
        }
    }
}
