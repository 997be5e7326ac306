import NIOCore
import Testing

@testable import SIPEdge

@Suite("Who may connect") struct AcceptGateTests {
    private func gate(connections: Int = 10, handshakes: Int = 2) -> AcceptGate {
        AcceptGate(
            allowed: ["127.69.171.0/24", "2001:db8::/32"].compactMap(CIDR.init), maximumConnections: connections,
            maximumHandshakesPerSource: handshakes)
    }

    private func source(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 4_000) }

    @Test(
        "ranges",
        arguments: [
            ("127.69.171.10", AcceptGate.Verdict.admit), ("127.66.6.1", .refuseSource), ("127.69.172.1", .refuseSource),
            ("2001:db8:1::1", .admit), ("2001:db9::1", .refuseSource), ("::ffff:127.69.171.10", .admit),
            ("::ffff:127.66.6.1", .refuseSource),
        ])
    func ranges(address: String, verdict: AcceptGate.Verdict) throws {
        var gate = gate()
        #expect(try gate.admit(source(address), .meta) == verdict)
    }

    @Test("a source is held to its unfinished handshakes, others are not")
    func handshakes() throws {
        var gate = gate()
        let one = try source("127.69.171.10")
        let other = try source("127.69.171.11")
        #expect(gate.admit(one, .meta) == .admit)
        #expect(gate.admit(one, .meta) == .admit)
        #expect(gate.admit(one, .meta) == .refuseLimit)
        #expect(gate.admit(other, .meta) == .admit)
        gate.handshakeEnded(one)
        #expect(gate.admit(one, .meta) == .admit)
    }

    @Test("a /64 of IPv6 counts as one source")
    func prefix() throws {
        var gate = gate()
        #expect(try gate.admit(source("2001:db8::1"), .meta) == .admit)
        #expect(try gate.admit(source("2001:db8::2"), .meta) == .admit)
        #expect(try gate.admit(source("2001:db8::3"), .meta) == .refuseLimit)
        #expect(try gate.admit(source("2001:db8:0:1::3"), .meta) == .admit)
    }

    @Test("all connections together are bounded, and come back when they close")
    func connections() throws {
        var gate = gate(connections: 1)
        let one = try source("127.69.171.10")
        #expect(gate.admit(one, .meta) == .admit)
        gate.handshakeEnded(one)
        #expect(gate.admit(one, .meta) == .refuseLimit)
        gate.closed(.meta)
        #expect(gate.admit(one, .meta) == .admit)
    }

    @Test("neither side takes the last tenth from the other")
    func reserve() throws {
        var gate = gate(connections: 20, handshakes: 100)
        let one = try source("127.69.171.10")
        for _ in 0..<18 { #expect(gate.admit(one, .meta) == .admit) }
        #expect(gate.admit(one, .meta) == .refuseLimit)
        #expect(gate.isFull(for: .meta))
        #expect(!gate.isFull(for: .peer))
        for _ in 0..<2 { #expect(gate.admit(one, .peer) == .admit) }
        #expect(gate.admit(one, .peer) == .refuseLimit)
        gate.closed(.peer)
        // The place was the peers' and stays theirs.
        #expect(gate.admit(one, .meta) == .refuseLimit)
        gate.closed(.meta)
        #expect(gate.admit(one, .meta) == .admit)
    }

    @Test(
        "what is no range",
        arguments: ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "example.com", "::/129", "1.2.3.4/"])
    func notRanges(text: String) {
        #expect(CIDR(text) == nil)
    }

    @Test(
        "a range reads as it was meant",
        arguments: [
            ("10.1.2.3/8", "10.0.0.0/8"), ("192.0.2.1", "192.0.2.1/32"), ("2001:db8:1::/32", "2001:db8::/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ])
    func descriptions(text: String, meant: String) {
        #expect(CIDR(text)?.description == meant)
    }

    @Test("every published range of Meta's is one, and holds the signalling source")
    func published() throws {
        #expect(MetaRanges.published.count == MetaRanges.publishedText.count + MetaRanges.signalling.count)
        let signalling = try source("69.171.251.112")
        #expect(MetaRanges.published.contains { $0.contains(signalling) })
    }
}
