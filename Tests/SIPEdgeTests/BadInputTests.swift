import Glibc
import Media
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    @Suite("Bad input, with a call in progress that must not notice") struct BadInputTests {
        /// One connection in Meta's range with what it sends, and what it gets.
        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let octets: [UInt8]
            /// The answer, where it can be answered.
            let status: Int?
            let counter: EdgeCounters.Name
            /// The connection goes on.
            let livesOn: Bool

            init(
                _ name: String, _ octets: [UInt8], status: Int? = nil, _ counter: EdgeCounters.Name,
                livesOn: Bool = false
            ) {
                testDescription = name
                self.octets = octets
                self.status = status
                self.counter = counter
                self.livesOn = livesOn
            }
        }

        private static let invite = MetaCall().invite
        private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }
        private static func changed(_ old: String, _ new: String) -> [UInt8] {
            text(invite.replacing(old, with: new))
        }
        private static let length = "Content-Length:   \(MetaCall().sdp.utf8.count)"

        static let cases = [
            Case("not SIP at all", text("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"), .framingLost),
            Case(
                "octets that are no text", (0..<4_096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 129) }, .framingLost
            ),
            Case("zeros", [UInt8](repeating: 0, count: 100_000), .framingLost),
            Case(
                "a head over 64 kB",
                changed("X-FB-External-Domain: ", "X-Long: " + String(repeating: "x", count: 70_000)),
                status: 513, .framingLost),
            Case(
                "a head over 64 kB that never ends",
                text("INVITE sip:a@example.com SIP/2.0\r\n")
                    + text(String(repeating: "X-Filler: filler\r\n", count: 5_000)), .framingLost),
            Case("a body over 256 kB", changed(length, "Content-Length: 262145"), status: 413, .framingLost),
            Case(
                "a length of ten digits and more", changed(length, "Content-Length: 99999999999999999999"), status: 400,
                .framingLost),
            Case("a negative length", changed(length, "Content-Length: -1"), status: 400, .framingLost),
            Case(
                "two lengths that differ", changed(length, length + "\r\nContent-Length: 5"), status: 400, .framingLost),
            Case("no length", changed(length + "\r\n", ""), status: 400, .framingLost),
            Case("a length too short", changed(length, "Content-Length: 100"), .framingLost),
            Case(
                "a header that is not UTF-8",
                text("OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TLS a;branch=z9hG4bKu\r\n")
                    + text(
                        "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: u\r\nCSeq: 1 OPTIONS\r\nX: "
                    )
                    + [0xFF, 0xFE, 0xC0] + text("\r\nContent-Length: 0\r\n\r\n"),
                status: 400, .messagesMalformed, livesOn: true),
            Case("no From", changed("From: ", "X-From: "), .messagesMalformed, livesOn: true),
            Case(
                "a CSeq that is no number, which our answer repeats",
                changed("CSeq: 9989 INVITE", "CSeq: 9989999999999 INVITE"),
                .messagesMalformed, livesOn: true),
            Case(
                "another version", changed("transport=tls SIP/2.0", "transport=tls SIP/3.0"), status: 505,
                .messagesMalformed, livesOn: true),
            Case(
                "CSeq of another method", changed("9989 INVITE", "9989 BYE"), status: 400, .messagesMalformed,
                livesOn: true),
            Case(
                "300 header fields",
                changed("User-Agent: ", String(repeating: "X: y\r\n", count: 300) + "User-Agent: "), status: 513,
                .framingLost),
        ]

        @Test("messages")
        func messages() async throws {
            try await TestEdge.run { test in
                try await test.duringCall {
                    for bad in Self.cases {
                        let before = test.edge.counters[bad.counter]
                        let wire = try await test.wire()
                        wire.sendLoosely(bad.octets)
                        if let status = bad.status {
                            #expect(try await wire.response().status == status, "\(bad.testDescription)")
                        }
                        if bad.livesOn {
                            try await wire.send(MetaCall().options)
                            #expect(try await wire.response().status == 200, "\(bad.testDescription)")
                        } else {
                            await wire.ended()
                        }
                        try await eventually { test.edge.counters[bad.counter] > before }
                        await wire.close()
                    }
                }
            }
        }

        @Test("a message that ends in the middle, wherever that is")
        func truncated() async throws {
            try await TestEdge.run { test in
                try await test.duringCall {
                    let octets = Array(Self.invite.utf8)
                    for end in stride(from: 1, to: octets.count, by: 97) {
                        let wire = try await test.wire()
                        try await wire.send(Array(octets[..<end]))
                        await wire.close()
                    }
                    #expect(await test.edge.activeCalls == 1)
                }
            }
        }

        @Test("a stranger is closed before the first octet of TLS")
        func stranger() async throws {
            try await TestEdge.run { test in
                try await test.duringCall {
                    for (index, source) in ["127.66.6.1", "127.69.172.1", "127.0.0.1"].enumerated() {
                        let wire = try await Wire.connect(to: TestEdge.address, test.tlsPort, from: source)
                        await wire.ended()
                        #expect(test.edge.counters[.connectionsRefusedSource] == index + 1)
                    }
                    // Meta's range is for TLS only, the peers' port is not for it.
                    let wire = try await Wire.connect(to: TestEdge.address, test.peerPort, from: "127.69.171.11")
                    await wire.ended()
                    #expect(test.edge.counters[.connectionsRefusedSource] == 4)
                    #expect(test.edge.counters[.handshakesFailed] == 0)
                }
            }
        }

        @Test("garbage instead of TLS")
        func garbageBeforeTLS() async throws {
            try await TestEdge.run { test in
                try await test.duringCall {
                    for text in [Self.invite, "\r\n\r\n\r\n\r\n", String(repeating: "\u{16}\u{3}", count: 1_000)] {
                        let before = test.edge.counters[.handshakesFailed]
                        let wire = try await Wire.connect(to: TestEdge.address, test.tlsPort, from: "127.69.171.11")
                        wire.sendLoosely(Array(text.utf8))
                        await wire.ended()
                        try await eventually { test.edge.counters[.handshakesFailed] == before + 1 }
                    }
                }
            }
        }

        @Test("one octet at a time is served; a message that stands still is not")
        func slow() async throws {
            let limits = EdgeLimits(
                handshakeTimeout: .seconds(1), messageTimeout: .seconds(1), idleTimeout: .seconds(3))
            try await TestEdge.run(limits: limits) { test in
                try await test.duringCall {
                    let silent = try await Wire.connect(to: TestEdge.address, test.tlsPort, from: "127.69.171.11")
                    let slow = try await test.wire()
                    let idle = try await test.wire()
                    for octet in MetaCall().options.utf8 { try await slow.send([octet]) }
                    #expect(try await slow.response().status == 200)
                    try await slow.send("INVITE sip:")
                    await slow.ended()
                    try await eventually { test.edge.counters[.connectionsTooSlow] == 1 }
                    await silent.ended()
                    try await eventually { test.edge.counters[.handshakesTimedOut] == 1 }
                    await idle.ended()
                    try await eventually { test.edge.counters[.connectionsIdle] == 1 }
                }
            }
        }

        @Test("unfinished messages of all connections together are bounded")
        func buffers() async throws {
            try await TestEdge.run(limits: EdgeLimits(bufferedOctets: 1 << 20)) { test in
                let part = Array(
                    (Self.changed(Self.length, "Content-Length: 262144") + [UInt8](repeating: 65, count: 200_000)))
                var wires: [Wire] = []
                for _ in 0..<8 {
                    let wire = try await test.wire()
                    wire.sendLoosely(part)
                    wires.append(wire)
                }
                try await eventually { test.edge.counters[.connectionsBuffersFull] > 0 }
                // What was held has been given back: the next message is served.
                for wire in wires { await wire.close() }
                let wire = try await test.wire()
                try await wire.send(MetaCall().options)
                #expect(try await wire.response().status == 200)
                await wire.close()
            }
        }

        @Test("a peer that never reads is given up")
        func neverReads() async throws {
            let peer = Peer(name: "pbx", host: RelayTests.pbxAddress)
            try await TestEdge.run(RoutingTable(numbers: TestEdge.echo.numbers, peers: ["pbx": peer])) { test in
                try await test.duringCall {
                    let wire = try await Wire.connect(
                        to: TestEdge.address, test.peerPort, from: RelayTests.pbxAddress, reads: false)
                    let some = Array(String(repeating: MetaCall().options, count: 200).utf8)
                    while test.edge.counters[.connectionsTooSlow] == 0 {
                        try? await wire.send(some)
                        // Past its end, the writes fail at once.
                        await Task.yield()
                    }
                    await wire.close()
                }
            }
        }

        @Test("connections that stop reading stall themselves alone: calls begin and go on beside them")
        func stalled() async throws {
            let peer = Peer(name: "pbx", host: RelayTests.pbxAddress)
            let routing = RoutingTable(numbers: TestEdge.echo.numbers, peers: ["pbx": peer])
            try await TestEdge.run(routing, limits: EdgeLimits(maximumLag: .zero, bufferedOctets: 1 << 18)) { test in
                try await test.duringCall {
                    var wires: [Wire] = []
                    for _ in 0..<5 {
                        wires.append(
                            try await Wire.connect(
                                to: TestEdge.address, test.peerPort, from: RelayTests.pbxAddress, reads: false))
                    }
                    let some = Array(String(repeating: MetaCall().options, count: 200).utf8)
                    // Each stays below its own bound for long; it is all together that end them.
                    while test.edge.counters[.connectionsTooSlow] < 2 {
                        for wire in wires { wire.sendLoosely(some) }
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    let wire = try await test.wire()
                    var call = MetaCall()
                    try await wire.send(call.invite)
                    call.answered(try await wire.response(200))
                    try await wire.send(call.ack)
                    try await wire.send(call.bye())
                    // The 200 to the INVITE may come again before its ACK is read.
                    while try await wire.response(200).headers.cseq?.method != .bye {}
                    for wire in wires + [wire] { await wire.close() }
                }
            }
        }

        @Test("datagrams that are no SIP, and SIP from a stranger")
        func datagrams() async throws {
            let peer = Peer(name: "pbx", host: RelayTests.pbxAddress)
            try await TestEdge.run(RoutingTable(numbers: TestEdge.echo.numbers, peers: ["pbx": peer])) { test in
                try await test.duringCall {
                    let stranger = try await Datagrams(address: "127.66.6.1")
                    let pbx = try await Datagrams(address: RelayTests.pbxAddress)
                    let options = Array(MetaCall().options.replacing("SIP/2.0/TLS", with: "SIP/2.0/UDP").utf8)
                    var malformed = 0
                    for bad in [
                        [UInt8](repeating: 0xFF, count: 65_000), Array("SIP/2.0 200 OK\r\n\r\n".utf8),
                        Array(options.prefix(100)), Array(options.dropLast(2)),
                    ] {
                        try await stranger.send(options, to: TestEdge.address, test.peerPort)
                        try await pbx.send(bad, to: TestEdge.address, test.peerPort)
                        malformed += 1
                        try await pbx.send(options, to: TestEdge.address, test.peerPort)
                        var answer = try await pbx.next()
                        while !answer.starts(with: "SIP/2.0 200".utf8) { answer = try await pbx.next() }
                        #expect(test.edge.counters[.messagesMalformed] == malformed)
                        #expect(test.edge.counters[.datagramsRefusedSource] == malformed)
                    }
                    // Keep-alives are neither answered nor counted.
                    for octets in [[], [0], Array("\r\n\r\n".utf8)] {
                        try await pbx.send(octets, to: TestEdge.address, test.peerPort)
                    }
                    try await pbx.send(options, to: TestEdge.address, test.peerPort)
                    _ = try await pbx.next()
                    #expect(test.edge.counters[.messagesMalformed] == malformed)
                    await stranger.close()
                    await pbx.close()
                }
            }
        }

        @Test("media of a stranger, to both ports of a relayed call")
        func strangeMedia() async throws {
            let pbx = try await RelayTests.pbx()
            let peer = await RelayTests.peer(pbx, .tcp)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                try await test.duringCall {
                    let invite = try #require(await pbx.invites.first)
                    let description = try SessionDescription(parsing: invite.body.span)
                    let peerPort = try #require(description.media.first).port
                    let ports = [peerPort] + (await test.mediaPorts(besides: peerPort))
                    #expect(ports.count == 2)
                    let stranger = try await Datagrams(address: "127.66.6.1")
                    for index in 0..<50 {
                        let rtp: [UInt8] =
                            [0x80, 111, 0, UInt8(index), 0, 0, 0, 0, 1, 2, 3, 4] + [UInt8](repeating: 7, count: 60)
                        for port in ports { try await stranger.send(rtp, to: TestEdge.address, port) }
                    }
                    try await eventually { await test.media.currentStatistics().strangers >= 100 }
                    await stranger.close()
                }
            }
            #expect(await pbx.totals.lost == 0)
            await pbx.shutdown()
        }

        @Test("SRTP from the right address that does not authenticate")
        func junkMedia() async throws {
            try await TestEdge.run { test in
                let media = try await Datagrams(address: "127.69.171.11")
                let wire = try await test.wire()
                var call = MetaCall()
                call.mediaPort = media.port
                try await wire.send(call.invite)
                let answer = try await wire.response(200)
                call.answered(answer)
                try await wire.send(call.ack)
                _ = try await media.next()
                for index in 0..<200 {
                    let junk = [0x80, 111, 0, UInt8(index), 0, 0, 0, 0, 1, 2, 3, 4] + [UInt8](repeating: 9, count: 60)
                    try await media.send(junk, to: TestEdge.address, answer.mediaPort)
                }
                try await eventually { await test.media.currentStatistics().unauthenticated >= 200 }
                #expect(await test.media.currentStatistics().packetsReceived == 0)
                #expect(await test.edge.activeCalls == 1)
                try await wire.send(call.bye())
                #expect(try await wire.response().status == 200)
                await wire.close()
                await media.close()
            }
        }
    }
}

extension TestEdge {
    /// Even UDP ports that the edge's address has open, by the kernel's own list.
    func mediaPorts(besides known: UInt16) async -> [UInt16] {
        let range = media.configuration.ports
        // Other test runs of this machine may have sockets at the same address.
        let own = TestEdge.ownSockets()
        var ports: [UInt16] = []
        // 127.61.0.1 as the kernel writes it.
        for line in TestEdge.lines("/proc/net/udp") where line.contains(" 01003D7F:") {
            let columns = line.split(separator: " ")
            guard columns.count > 9, own.contains("socket:[\(columns[9])]"),
                let port = columns[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) })
            else { continue }
            if range.contains(port), port % 2 == 0, port != known { ports.append(port) }
        }
        return ports
    }

    /// As the links of /proc/self/fd name them.
    private static func ownSockets() -> Set<String> {
        var names: Set<String> = []
        for descriptor in 0..<4_096 {
            var buffer = [CChar](repeating: 0, count: 64)
            let count = readlink("/proc/self/fd/\(descriptor)", &buffer, buffer.count)
            if count > 0 {
                names.insert(String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
        }
        return names
    }

    static func lines(_ file: String) -> [String] {
        guard let stream = fopen(file, "r") else { return [] }
        defer { fclose(stream) }
        var lines: [String] = []
        var buffer = [CChar](repeating: 0, count: 1_024)
        while fgets(&buffer, Int32(buffer.count), stream) != nil {
            lines.append(String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
        return lines
    }
}
