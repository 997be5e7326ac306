import Foundation
import Glibc
import Testing

extension RealPeers {
    /// A peer that has only a name: the system's own resolver asks a name server of the test.
    @Suite("Names of peers", .enabled(if: geteuid() == 0, "port 53 and a resolv.conf of its own need root"))
    struct PeerNames {
        private static let name = "pbx.example.com"

        private static func records(_ host: String, _ address: String, _ port: UInt16) -> [NameServer.Record] {
            [
                .service("_sip._udp.\(name)", priority: 10, weight: 5, port: port, target: "\(host).example.com"),
                .address("\(host).example.com", address),
                // Used by nobody: SRV records come first.
                .address(name, "127.62.255.254"),
            ]
        }

        @Test("SRV records are followed, looked up again in time, and kept when the name server is silent")
        func services() async throws {
            let first = try OptionsAnswerer(address: Place.other(21))
            let second = try OptionsAnswerer(address: Place.other(22))
            let names = try NameServer(
                address: Place.other(53), port: 53, records: Self.records("one", Place.other(21), first.port),
                secondsToLive: 5)
            try await IbisProcess.with(.peer(host: Self.name), nameServer: Place.other(53)) { ibis in
                try await Self.wait(for: "\(Place.other(21)):\(first.port)", ibis)
                #expect(second.answered == 0)

                names.replace(Self.records("two", Place.other(22), second.port))
                try await Self.wait(for: "\(Place.other(22)):\(second.port)", ibis)
                let before = second.answered

                names.replace(nil)
                try await eventually(within: .seconds(20)) {
                    ibis.log.contains("is not answered, its addresses stay") && second.answered > before ? () : nil
                } orFail: {
                    ibis.failure("did not go on with the addresses it had")
                }
                let peer = try #require(try await ibis.status().peerStates.first)
                #expect(peer.addresses == ["\(Place.other(22)):\(second.port)"])
                #expect(peer.state == "up")
            }
        }

        @Test("without SRV records the name's own address, with the usual port")
        func address() async throws {
            let names = try NameServer(
                address: Place.other(53), port: 53, records: [.address(Self.name, Place.other(23))])
            try await IbisProcess.with(.peer(host: Self.name), nameServer: Place.other(53)) { ibis in
                try await Self.wait(for: "\(Place.other(23)):5060", ibis, state: nil)
            }
            names.replace(nil)
        }

        private static func wait(for address: String, _ ibis: IbisProcess, state: String? = "up") async throws {
            let deadline = ContinuousClock.now + .seconds(20)
            while true {
                let peer = try await ibis.status().peerStates.first
                if peer?.addresses == [address], state == nil || peer?.state == state { return }
                guard ContinuousClock.now < deadline else {
                    throw ibis.failure("has the peer at \(peer?.addresses ?? []), \(peer?.state ?? "-")")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }
}
