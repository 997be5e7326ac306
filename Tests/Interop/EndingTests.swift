import Foundation
import Testing

extension RealPeers {
    /// How relayed calls end, and what the caller hears of it.
    @Suite("Endings")
    struct Endings {
        struct Refusal: CustomTestStringConvertible {
            let `extension`: String
            let status: String

            var testDescription: String { "\(`extension`): \(status)" }

            static let all = [
                Refusal(extension: "busy", status: "486"), Refusal(extension: "congestion", status: "503"),
                Refusal(extension: "unknown", status: "404"), Refusal(extension: "early", status: "486"),
                Refusal(extension: "no-such-extension", status: "404"),
            ]
        }

        @Test("What the PBX refuses reaches the caller", arguments: Refusal.all)
        func refused(_ row: Refusal) async throws {
            try await Relay.call(row.extension) { ibis, asterisk, user in
                let reason = try await user.closed(within: .seconds(15))
                #expect(reason.hasPrefix(row.status), "the call ended with “\(reason)”")
                // No early media towards WhatsApp: it takes the first packet for the answer.
                #expect(!user.log.contains("183"))
                try await asterisk.idle()
                #expect(try await ibis.status().counters["calls_answered"] == 0)
            }
        }

        @Test("A PBX that rings too long is given up: 480, and its phone stops")
        func noAnswer() async throws {
            try await Relay.call("ring", .init(ringSeconds: 5)) { _, asterisk, user in
                try await user.wait(for: "CALL_RINGING", within: .seconds(3))
                #expect(try await asterisk.channels() == 1)
                let reason = try await user.closed(within: .seconds(8))
                #expect(reason.hasPrefix("480"), "the call ended with “\(reason)”")
                try await asterisk.idle()
            }
        }

        @Test("A PBX that is not there: the caller is told within seconds")
        func noPeer() async throws {
            for transport in [IbisProcess.Peer.Transport.udp, .tcp] {
                try await IbisProcess.with(.asterisk(.init(transport: transport))) { ibis in
                    try await BaresipCall.with { user in
                        try user.dial(IbisProcess.uri())
                        let reason = try await user.closed(within: .seconds(40))
                        #expect(reason.hasPrefix("480") || reason.hasPrefix("503"), "the call ended with “\(reason)”")
                    }
                    try await ibis.idle()
                }
            }
        }

        @Test("The PBX answers after some ringing, and hangs up")
        func hangUpByPBX() async throws {
            try await Relay.call("brief") { _, asterisk, user in
                try await user.wait(for: "CALL_RINGING", within: .seconds(3))
                try await user.established()
                let answered = ContinuousClock.now
                _ = try await user.closed()
                let talked = answered.duration(to: .now)
                #expect(talked > .seconds(1) && talked < .seconds(4), "hung up after \(talked)")
                try await asterisk.idle()
            }
        }

        @Test("The caller hangs up")
        func hangUpByUser() async throws {
            try await Relay.call("echo") { _, asterisk, user in
                try await user.established()
                #expect(try await asterisk.channels() == 1)
                try await user.hangUp()
                try await asterisk.idle(within: .seconds(2))
            }
        }

        @Test("The caller gives up while it rings (CANCEL)")
        func cancel() async throws {
            try await Relay.call("ring") { ibis, asterisk, user in
                try await user.wait(for: "CALL_RINGING", within: .seconds(3))
                #expect(try await asterisk.channels() == 1)
                try await user.hangUp()
                try await asterisk.idle(within: .seconds(2))
                #expect(try await ibis.status().counters["calls_answered"] == 0)
            }
        }

        @Test("At SIGTERM a call may go on for a while; then both sides get BYE, and Ibis ends")
        func shutdown() async throws {
            try await Relay.with("echo") { ibis, asterisk in
                try await BaresipCall.with { user in
                    try user.dial(IbisProcess.uri())
                    try await user.established()
                    ibis.terminate()
                    try await Task.sleep(for: .seconds(3))
                    #expect(try await asterisk.channels() == 1)
                    _ = try await user.closed(within: .seconds(25))
                    try await asterisk.idle(within: .seconds(1))
                }
            }
        }
    }
}
