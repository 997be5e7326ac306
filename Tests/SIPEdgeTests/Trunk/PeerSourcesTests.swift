import NIOCore
import Testing

@testable import SIPEdge

@Suite("Which sources are peers") struct PeerSourcesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let source: String
        let peers: [String]
        let trusted: [String]
        let isPeer: Bool
        var testDescription: String { "\(source) of \(peers), trusted \(trusted)" }
    }

    @Test(arguments: [
        Case(source: "192.0.2.1", peers: ["192.0.2.1"], trusted: [], isPeer: true),
        Case(source: "192.0.2.2", peers: ["192.0.2.1"], trusted: [], isPeer: false),
        Case(source: "::ffff:192.0.2.1", peers: ["192.0.2.1"], trusted: [], isPeer: true),
        Case(source: "::ffff:192.0.2.1", peers: ["192.0.2.0/24"], trusted: [], isPeer: true),
        Case(source: "2001:db8::1", peers: ["2001:db8::/32"], trusted: [], isPeer: true),
        Case(source: "2001:db8::1", peers: ["0.0.0.0/0"], trusted: [], isPeer: false),
        Case(source: "127.61.0.20", peers: ["127.61.0.20"], trusted: ["127.0.0.0/8"], isPeer: true),
        Case(source: "127.61.0.21", peers: ["127.61.0.20"], trusted: ["127.0.0.0/8"], isPeer: false),
        Case(source: "69.171.251.7", peers: ["0.0.0.0/0"], trusted: ["69.171.251.0/24"], isPeer: false),
        Case(source: "198.51.100.7", peers: ["0.0.0.0/0"], trusted: ["69.171.251.0/24"], isPeer: true),
        Case(source: "10.0.0.1", peers: ["10.0.0.0/8"], trusted: ["10.0.0.0/8"], isPeer: true),
        Case(source: "10.0.0.1", peers: [], trusted: ["10.0.0.0/8"], isPeer: false),
    ])
    func source(_ row: Case) throws {
        let sources = PeerSources(row.peers.compactMap(CIDR.init), trusted: row.trusted.compactMap(CIDR.init))
        #expect(sources.contains(try SocketAddress(ipAddress: row.source, port: 5060)) == row.isPeer)
    }

    @Test("IPv4-mapped addresses and back")
    func mapped() throws {
        let plain = try SocketAddress(ipAddress: "192.0.2.1", port: 5060)
        let mapped = try SocketAddress(ipAddress: "::ffff:192.0.2.1", port: 5060)
        let other = try SocketAddress(ipAddress: "2001:db8::1", port: 5060)
        #expect(mapped.unmapped == plain)
        #expect(plain.mapped == mapped)
        #expect(plain.unmapped == plain && mapped.mapped == mapped)
        #expect(other.unmapped == other && other.mapped == other)
        #expect(Flow(transport: .udp, connection: 0, remote: mapped).remoteHost == "192.0.2.1")
    }
}
