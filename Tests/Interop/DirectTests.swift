import Media
import Testing

extension RealPeers {
    /// samples/asterisk/direct: Meta's calls straight into Asterisk. Ibis has no part in these: they show that the
    /// sample works, and what baresip and Asterisk make of each other.
    @Suite("Meta straight into Asterisk")
    struct Direct {
        @Test("A tone comes back from the echo, and both sides' recordings have it")
        func echo() async throws {
            try await Asterisk.with(.direct) { asterisk in
                try await BaresipCall.with { user in
                    try user.dial("sip:monitor@\(asterisk.address):5061;transport=tls")
                    try await user.established()
                    try await Task.sleep(for: .seconds(4))
                    try await user.hangUp()
                    expectTone(1000, in: try await user.heard(), asLoudAs: try await user.said())
                    let heard = try await asterisk.recording("heard.wav16")
                    expectTone(1000, in: heard, asLoudAs: try await user.said())
                }
            }
        }

        @Test("A call to the number rings the phone of the sample's dialplan")
        func rings() async throws {
            try await Asterisk.with(.direct) { asterisk in
                try await BaresipCall.with { user in
                    try user.dial("sip:+15550100001@\(asterisk.address):5061;transport=tls")
                    try await user.wait(for: "CALL_RINGING", within: .seconds(5))
                    try await user.established()
                    try await Task.sleep(for: .seconds(3))
                    try await user.hangUp()
                    expectTone(1000, in: try await user.heard(), asLoudAs: try await user.said())
                }
            }
        }

        @Test("A stranger is refused")
        func stranger() async throws {
            try await Asterisk.with(.direct) { asterisk in
                var options = BaresipCall.Options()
                options.address = Place.strangerAddress()
                try await BaresipCall.with(options) { user in
                    try user.dial("sip:echo@\(asterisk.address):5061;transport=tls")
                    let reason = try await user.closed()
                    #expect(reason.contains("401") || reason.contains("Authentication"), "ended with \(reason)")
                }
            }
        }

        @Test("Media without encryption is refused")
        func plainMedia() async throws {
            try await Asterisk.with(.direct) { asterisk in
                var options = BaresipCall.Options()
                options.encryption = nil
                try await BaresipCall.with(options) { user in
                    try user.dial("sip:echo@\(asterisk.address):5061;transport=tls")
                    #expect(try await user.closed().hasPrefix("488"))
                }
            }
        }
    }
}
