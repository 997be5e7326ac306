import Media
import NIOCore
import NIOPosix
import NIOSSL
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    @Suite("While it runs") struct OperationsTests {
        /// The certificate of the listener as a new connection sees it, with these versions of TLS; nil: no handshake.
        private func accepted(_ test: TestEdge, _ version: TLSVersion, trust: String) async -> Bool {
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.trustRoots = .file(trust)
            configuration.minimumTLSVersion = version
            configuration.maximumTLSVersion = version
            guard let context = try? NIOSSLContext(configuration: configuration) else { return false }
            let wire = try? await Wire.connect(
                to: TestEdge.address, test.tlsPort, from: "127.69.171.30", context: context,
                serverName: TestEdge.hostname)
            guard let wire else { return false }
            try? await wire.send(MetaCall().options)
            let answer = try? await wire.response()
            await wire.close()
            return answer?.status == 200
        }

        @Test("TLS 1.2 and 1.3 are spoken, 1.1 and 1.0 are not")
        func versions() async throws {
            try await TestEdge.run { test in
                let trust = TestCertificates.edge.certificate
                #expect(await accepted(test, .tlsv12, trust: trust))
                #expect(await accepted(test, .tlsv13, trust: trust))
                #expect(await !accepted(test, .tlsv11, trust: trust))
                #expect(await !accepted(test, .tlsv1, trust: trust))
                #expect(test.edge.counters[.handshakesFailed] == 2)
            }
        }

        @Test("another certificate: for new connections, while a call goes on by an old one")
        func reload() async throws {
            try await TestEdge.run { test in
                let (old, new) = (TestCertificates.edge, TestCertificates.renewed)
                let wire = try await test.wire()
                var call = MetaCall()
                try await wire.send(call.invite)
                call.answered(try await wire.response(200))
                try await wire.send(call.ack)
                try await test.edge.use(
                    certificate: try TestCertificates.octets(new.certificate),
                    privateKey: try TestCertificates.octets(new.key))
                #expect(await accepted(test, .tlsv13, trust: new.certificate))
                #expect(await accepted(test, .tlsv12, trust: new.certificate))
                #expect(await !accepted(test, .tlsv13, trust: old.certificate))
                // A key that is not the certificate's, and no certificate at all: what is in use stays.
                for (certificate, key) in [(old.certificate, new.key), (old.key, old.key)] {
                    await #expect(throws: EdgeError.self) {
                        try await test.edge.use(
                            certificate: try TestCertificates.octets(certificate),
                            privateKey: try TestCertificates.octets(key))
                    }
                }
                #expect(await accepted(test, .tlsv13, trust: new.certificate))
                #expect(await test.edge.activeCalls == 1)
                try await wire.send(call.bye())
                #expect(try await wire.response().status == 200)
                await wire.close()
            }
        }

        @Test("both legs of a call are kept for the console, without keys and numbers")
        func callLog() async throws {
            let pbx = try await RelayTests.pbx()
            let peer = await RelayTests.peer(pbx, .udp)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let caller = try await TestEdge.caller()
                let report = try await caller.place(test.call())
                #expect(report.isSuccess)
                await caller.shutdown()
                await test.edge.settle { $0.dialogs == 0 }
                let calls = await test.edge.recentCalls()
                #expect(calls.count == 1)
                #expect(calls.first?.status == 200)
                let trace = try #require(await test.edge.messages(ofCall: calls.first?.id ?? ""))
                let lines = trace.entries.map { "\($0.leg) \($0.isSent ? "sent" : "received") \($0.line.prefix(6))" }
                for line in [
                    "meta received INVITE", "meta sent 100 Tr", "peer sent INVITE", "peer received 200 OK",
                    "peer sent ACK si", "meta sent 200 OK", "meta received ACK si", "meta received BYE si",
                    "peer sent BYE si",
                ] {
                    #expect(lines.contains(line), "\(line) is not in \(lines)")
                }
                let text = trace.entries.map(\.text).joined()
                #expect(!text.contains("15550100"))
                #expect(text.contains("a=crypto:(removed)"))
                #expect(!text.contains("inline:"))
                #expect(await test.edge.messages(ofCall: "nothing") == nil)
            }
            await pbx.shutdown()
        }

        @Test("a capture server gets both legs under one id, without keys; without one nothing changes")
        func capture() async throws {
            let server = try await Datagrams(address: "127.61.0.30")
            let pbx = try await RelayTests.pbx()
            let peer = await RelayTests.peer(pbx, .udp)
            let hep = HEPConfiguration(host: "127.61.0.30", port: server.port, captureID: 7, password: "pw")
            try await TestEdge.run(TestEdge.relay(to: peer), hep: hep) { test in
                // The socket of the exporter is made beside the listeners.
                let probe = try await test.wire()
                while test.edge.counters[.hepSent] == 0 {
                    try await probe.send(MetaCall().options)
                    _ = try await probe.response()
                }
                await probe.close()
                let caller = try await TestEdge.caller()
                #expect(try await caller.place(test.call()).isSuccess)
                await caller.shutdown()
                await test.edge.settle { $0.dialogs == 0 }
                var byes = 0
                var legs: [String: Set<String>] = [:]
                while byes < 2 {
                    let octets = try await server.next()
                    let text = String(decoding: octets, as: UTF8.self)
                    #expect(text.hasPrefix("HEP3"))
                    #expect(!text.contains("inline:"))
                    if text.contains("BYE sip:") { byes += 1 }
                    guard text.contains("\r\nCSeq: ") || text.contains("\nCSeq:") else { continue }
                    // Chunk 17 comes before the payload.
                    let id = String(decoding: Self.chunk(17, of: octets), as: UTF8.self)
                    let own = text.split(separator: "\r\n").first { $0.hasPrefix("Call-ID:") } ?? ""
                    if !text.contains("OPTIONS") { legs[id, default: []].insert(String(own)) }
                }
                #expect(legs.count == 1, "one call")
                #expect(legs.values.first?.count == 2, "two legs")
            }
            await pbx.shutdown()
            await server.close()
        }

        private static func chunk(_ type: UInt8, of octets: [UInt8]) -> [UInt8] {
            var place = 6
            while place + 6 <= octets.count {
                let length = Int(octets[place + 4]) << 8 | Int(octets[place + 5])
                if octets[place + 3] == type { return Array(octets[(place + 6)..<(place + length)]) }
                place += max(length, 6)
            }
            return []
        }
    }
}
