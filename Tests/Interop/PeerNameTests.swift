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
                address: Place.other(54), port: 53, records: [.address(Self.name, Place.other(23))])
            try await IbisProcess.with(.peer(host: Self.name), nameServer: Place.other(54)) { ibis in
                try await Self.wait(for: "\(Place.other(23)):5060", ibis, state: nil)
            }
            names.replace(nil)
        }

        @Test(
            "the first host of a name is silent: the call moves on to the second, an Asterisk, which is found to be up")
        func failover() async throws {
            try await Asterisk.with(.ibisTrunk, IbisProcess.Peer().sampleSettings) { asterisk in
                let service = "_sip._udp.\(Self.name)"
                let names = try NameServer(
                    address: Place.other(55), port: 53,
                    records: [
                        .service(service, priority: 10, weight: 0, port: 5060, target: "dead.example.com"),
                        .service(service, priority: 20, weight: 0, port: 5060, target: "alive.example.com"),
                        .address("dead.example.com", Place.other(24)),
                        .address("alive.example.com", asterisk.address),
                    ])
                try await IbisProcess.with(.peer(host: Self.name), nameServer: Place.other(55)) { ibis in
                    try await BaresipCall.with { user in
                        try user.dial(IbisProcess.uri())
                        try await user.established()
                        try await Task.sleep(for: .seconds(4))
                        try await user.hangUp()
                        expectTone(1000, in: try await user.heard(), asLoudAs: try await user.said())
                    }
                    try await ibis.idle()
                    let status = try await ibis.status()
                    #expect(status.counters["peer_failovers"] == 1)
                    #expect(status.peerStates.first?.state == "up")
                }
                names.replace(nil)
            }
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
