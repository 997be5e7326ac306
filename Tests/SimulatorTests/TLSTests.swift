import SIPCore
import Simulators
import Testing

extension SimulatorSuite {
    @Suite("TLS to Meta") struct TLSTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            var serverName: String? = "wa.meta.vc"
            var protocols: [String] = []
            var rule: MetaRule?
            /// What the client's TLS says about it.
            var alert = ""
        }

        static let cases = [
            Case(testDescription: "as Meta wants it"),
            Case(
                testDescription: "ALPN sip", protocols: ["sip"], rule: .tlsALPN, alert: "NO_APPLICATION_PROTOCOL"),
            Case(testDescription: "ALPN h2", protocols: ["h2"], rule: .tlsALPN, alert: "NO_APPLICATION_PROTOCOL"),
            Case(testDescription: "no SNI", serverName: nil, rule: .tlsServerName, alert: "UNRECOGNIZED_NAME"),
            Case(
                testDescription: "SNI of another", serverName: "example.com", rule: .tlsServerName,
                alert: "UNRECOGNIZED_NAME"),
        ]

        @Test("server name and ALPN", arguments: cases)
        func hello(_ example: Case) async throws {
            try await MetaSimulator.run { meta in
                let wire = try await Wire.connect(
                    to: Example.metaAddress, meta.port,
                    tls: Wire.TLS(
                        serverName: example.serverName, protocols: example.protocols, trust: meta.authorityFile ?? ""))
                if let rule = example.rule {
                    let failure = try #require(await wire.ended())
                    #expect(failure.contains(example.alert))
                    #expect(await meta.rules == [rule])
                } else {
                    try await wire.send(BusinessScript().invite)
                    #expect(try await wire.response().status == 407)
                    #expect(await meta.rules.isEmpty)
                }
                await wire.close()
            }
        }

        @Test("plain TCP")
        func plain() async throws {
            try await MetaSimulator.run { meta in
                let wire = try await Wire.connect(to: Example.metaAddress, meta.port, tls: nil)
                try await wire.send(BusinessScript().invite)
                _ = await wire.ended()
                #expect(await meta.rules == [.tlsHandshake])
            }
        }

        @Test("a client that does not trust the authority ends the handshake")
        func distrust() async throws {
            try await MetaSimulator.run { meta in
                let other = try ThrowAwayAuthority()
                let wire = try await Wire.connect(
                    to: Example.metaAddress, meta.port, tls: Wire.TLS(trust: other.certificateFile))
                #expect(await wire.ended()?.contains("CERTIFICATE_VERIFY_FAILED") == true)
                other.remove()
            }
        }
    }
}
