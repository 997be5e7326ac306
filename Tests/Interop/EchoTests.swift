import Foundation
import Media
import Testing

extension RealPeers {
    /// Calls that Ibis answers itself, with greeting and echo.
    @Suite("Ibis' own echo")
    struct Echo {
        @Test("After the greeting the caller hears himself: same pitch, same level")
        func echo() async throws {
            try await IbisProcess.with(.echo) { ibis in
                try await BaresipCall.with { user in
                    try user.dial(IbisProcess.uri())
                    try await user.established()
                    try await Task.sleep(for: .seconds(7))
                    try await user.hangUp()
                    let heard = try await user.heard()
                    expectTone(1000, in: heard, asLoudAs: try await user.said())
                    // The greeting speaks in the first three seconds, and is not what the caller said.
                    let greeting = tone(of: heard, from: 0.5, to: 2.5)
                    #expect(greeting.levelDBFS > -50, "heard \(greeting)")
                    #expect(abs(greeting.peakHz - 1000) > 5, "heard \(greeting)")
                }
                try await ibis.idle()
                let media = try await ibis.status().media
                #expect(media["dropped_unauthenticated"] == 0 && media["dropped_stranger"] == 0, "\(media)")
            }
        }

        @Test("Several callers at once hear themselves, and nobody else")
        func several() async throws {
            try await IbisProcess.with(.echo) { ibis in
                try await Self.call(tones: [600, 1000, 1700]) { try await ibis.status().calls }
                try await ibis.idle()
            }
        }

        /// Calls with the first tone, and while that call is up with the others.
        private static func call(tones: [Int], _ calls: () async throws -> Int, up: Int = 0) async throws {
            guard let hertz = tones.first else {
                #expect(try await calls() == up)
                return try await Task.sleep(for: .seconds(6))
            }
            var options = BaresipCall.Options()
            options.toneHz = hertz
            try await BaresipCall.with(options) { user in
                try user.dial(IbisProcess.uri())
                try await user.established()
                try await call(tones: Array(tones.dropFirst()), calls, up: up + 1)
                try await user.hangUp()
                expectTone(Double(hertz), in: try await user.heard(), asLoudAs: try await user.said())
            }
        }
    }

    /// Calls that get no further, and each caller learns why.
    @Suite("Refused by Ibis")
    struct Refused {
        @Test("A number without a route gets 404")
        func unknownNumber() async throws {
            try await refuse("+15550100099", with: "404")
        }

        @Test("Media without encryption gets 488")
        func plainMedia() async throws {
            try await refuse(with: "488") { $0.encryption = nil }
        }

        @Test("G.711 alone gets 488")
        func withoutOpus() async throws {
            try await refuse(with: "488") { $0.codec = "PCMU/8000/1" }
        }

        private func refuse(
            _ number: String = IbisProcess.number, with status: String,
            sourceLocation: SourceLocation = #_sourceLocation,
            _ change: (inout BaresipCall.Options) -> Void = { _ in }
        ) async throws {
            var options = BaresipCall.Options()
            change(&options)
            try await IbisProcess.with(.echo) { ibis in
                try await BaresipCall.with(options) { user in
                    try user.dial(IbisProcess.uri(number))
                    let reason = try await user.closed()
                    #expect(reason.hasPrefix(status), "the call ended with “\(reason)”", sourceLocation: sourceLocation)
                }
                try await ibis.idle()
                #expect(try await ibis.status().counters["calls_answered"] == 0, sourceLocation: sourceLocation)
            }
        }

        @Test("A stranger's connection is closed before TLS, and counted")
        func stranger() async throws {
            try await IbisProcess.with(.echo) { ibis in
                // The beginning of a ClientHello: whoever speaks TLS answers it, if only with an alert.
                let hello: [UInt8] = [0x16, 0x03, 0x01, 0x00, 0x02, 0x01, 0x00]
                let address = Place.strangerAddress()
                let socket = LoopbackSocket(to: IbisProcess.address, port: IbisProcess.tlsPort, from: address)
                let stranger = try #require(socket)
                stranger.send(hello)
                try await eventually(within: .seconds(2)) {
                    stranger.receive()
                    return stranger.isClosed ? () : nil
                } orFail: {
                    ibis.failure("a connection from \(address) stays open")
                }
                #expect(stranger.received.isEmpty)
                #expect(try await ibis.status().counters["connections_refused_source"] == 1)

                var options = BaresipCall.Options()
                options.address = Place.strangerAddress()
                try await BaresipCall.with(options) { user in
                    try user.dial(IbisProcess.uri())
                    _ = try await user.closed()
                }
                #expect(try await ibis.status().counters["calls_started"] == 0)
            }
        }
    }
}
