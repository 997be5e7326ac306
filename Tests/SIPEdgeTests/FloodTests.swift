import Glibc
import Media
import NIOCore
import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    @Suite("Floods from Meta's own range") struct FloodTests {
        @Test("10,000 half-open connections: memory stays bounded, calls go on and new ones come through")
        func halfOpen() async throws {
            try await TestEdge.run(limits: EdgeLimits(connections: 2_000, handshakeTimeout: .seconds(2))) { test in
                let before = Memory.resident
                try await test.duringCall {
                    var crowd: [Int32] = []
                    defer { for descriptor in crowd { close(descriptor) } }
                    for number in 0..<10_000 {
                        // 100 sources with 100 connections each.
                        let source = "127.69.171.\(100 + number % 100)"
                        if let descriptor = TestEdge.halfOpen(from: source, to: test.tlsPort) {
                            crowd.append(descriptor)
                        }
                    }
                    #expect(crowd.count == 10_000)
                    // All that did not fit were told so by the time that the last came, however slow this machine is.
                    try await eventually { test.ended >= 8_000 }
                    #expect(test.edge.counters[.handshakesEvicted] > 0)
                    #expect(Memory.resident - before < 100 << 20)
                    let caller = try await TestEdge.caller("127.69.171.13")
                    let report = try await caller.place(test.call())
                    #expect(report.isSuccess)
                    await caller.shutdown()
                    try await eventually { test.ended == 10_000 }
                }
                #expect(Memory.resident - before < 100 << 20)
            }
        }

        @Test("one source may not have more unfinished handshakes than its share")
        func oneSource() async throws {
            try await TestEdge.run(limits: EdgeLimits(handshakesPerAddress: 10)) { test in
                try await test.duringCall {
                    var crowd: [Int32] = []
                    defer { for descriptor in crowd { close(descriptor) } }
                    for _ in 0..<50 {
                        if let descriptor = TestEdge.halfOpen(from: "127.69.171.100", to: test.tlsPort) {
                            crowd.append(descriptor)
                        }
                    }
                    try await eventually { test.edge.counters[.connectionsRefusedLimit] == 40 }
                    #expect(test.edge.counters[.handshakesEvicted] == 0)
                    let wire = try await test.wire()
                    try await wire.send(MetaCall().options)
                    #expect(try await wire.response().status == 200)
                    await wire.close()
                }
            }
        }

        @Test("idle TLS connections are counted, closed in time, and keep no call out")
        func idle() async throws {
            try await TestEdge.run(limits: EdgeLimits(idleTimeout: .seconds(2))) { test in
                try await test.duringCall {
                    var wires: [Wire] = []
                    for _ in 0..<100 { wires.append(try await test.wire()) }
                    let caller = try await TestEdge.caller("127.69.171.13")
                    #expect(try await caller.place(test.call()).isSuccess)
                    await caller.shutdown()
                    for wire in wires { await wire.ended() }
                    try await eventually { test.edge.counters[.connectionsIdle] >= 100 }
                }
            }
        }

        @Test("INVITEs by the thousand on one connection: shed, answered, forgotten")
        func invites() async throws {
            try await TestEdge.run(limits: EdgeLimits(calls: 20)) { test in
                let wire = try await test.wire()
                for _ in 0..<20 { try await wire.send((0..<50).map { _ in MetaCall().invite }.joined()) }
                // By Call-ID, as answered calls repeat their 200 until an ACK comes.
                var answered: [String: Int] = [:]
                while answered.count < 1_000 {
                    let response = try await wire.response()
                    answered[response.headers.callID ?? ""] = response.status
                }
                #expect(answered.values.count { $0 == 200 } >= 20)
                #expect(answered.values.count { $0 == 503 } >= 900)
                #expect(answered.values.allSatisfy { $0 == 200 || $0 == 503 })
                await wire.close()
                await test.settled()
            }
        }

        @Test("2,000 mutations of a good call: no trap, no call left behind")
        func mutations() async throws {
            // Calls whose ACK or BYE was mutated end by 64·T1 or by silence.
            let limits = EdgeLimits(maximumLag: .zero, messageTimeout: .seconds(2), mediaTimeout: .milliseconds(1_500))
            try await TestEdge.run(limits: limits) { test in
                var mutator = Mutator(seed: 20_26)
                var wire = try await test.wire()
                for number in 0..<2_000 {
                    var call = MetaCall()
                    let victim = number % 4
                    await wire.sendOrGo(victim < 2 ? mutator.mutate(call.invite) : Array(call.invite.utf8))
                    if victim >= 2 {
                        if let answer = await wire.response(within: .seconds(1)), answer.status == 200 {
                            call.answered(answer)
                        }
                        await wire.sendOrGo(victim == 2 ? mutator.mutate(call.ack) : Array(call.ack.utf8))
                        await wire.sendOrGo(victim == 3 ? mutator.mutate(call.bye()) : Array(call.bye().utf8))
                    }
                    // Whoever still reads messages answers this one.
                    await wire.sendOrGo(Array(call.options.utf8))
                    guard await wire.survives(call.callID) else {
                        await wire.close()
                        wire = try await test.wire()
                        continue
                    }
                }
                #expect(test.edge.counters[.messagesMalformed] > 100)
                #expect(test.edge.counters[.callsAnswered] > 500)
                await wire.close()
                await test.settled()
                #expect(await test.edge.activeCalls == 0)
            }
        }
    }
}

extension Wire {
    /// The connection may have been closed by what was sent before.
    fileprivate func sendOrGo(_ octets: [UInt8]) async { try? await send(octets) }

    /// The next final response; nil when the connection ended or nothing came in time.
    fileprivate func response(within limit: Duration) async -> Response? {
        await withTaskGroup(of: Response?.self) { group in
            group.addTask { try? await self.response() }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    /// Whether an OPTIONS of this Call-ID is answered; else the connection is dead, or waits for a body that never comes.
    fileprivate func survives(_ callID: String) async -> Bool {
        while let response = await response(within: .milliseconds(100)) {
            if response.headers.callID == callID, response.headers.cseq?.method == .options { return true }
        }
        return false
    }
}

/// Memory of this process.
enum Memory {
    /// Octets in RAM.
    static var resident: Int {
        let line = TestEdge.lines("/proc/self/status").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (Int(line.filter(\.isNumber)) ?? 0) * 1_024
    }
}

extension TestEdge {
    /// Connections that were ended in the middle of their handshake.
    fileprivate var ended: Int { edge.counters[.handshakesEvicted] + edge.counters[.handshakesTimedOut] }

    /// A TCP connection that says nothing; its descriptor. The kernel accepts it, so nothing waits.
    static func halfOpen(from source: String, to port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        func with(_ host: String, _ port: UInt16, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Bool {
            guard let end = try? SocketAddress(ipAddress: host, port: Int(port)) else { return false }
            return end.withSockAddr { call($0, socklen_t($1)) } == 0
        }
        guard with(source, 0, { bind(descriptor, $0, $1) }), with(address, port, { connect(descriptor, $0, $1) }) else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}

/// Changes messages the way that bad lines and bad people do; the same for the same seed.
struct Mutator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// xorshift64*.
    private mutating func next(_ bound: Int) -> Int {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int(truncatingIfNeeded: (state &* 0x2545_F491_4F6C_DD1D) >> 33) % max(bound, 1)
    }

    /// Head or body; the length is put right again in seven of eight, as a wrong one ends the stream and hides the rest.
    mutating func mutate(_ message: String) -> [UInt8] {
        let parts = Array(message.utf8)
        let middle = parts.indices.first { parts[$0...].starts(with: "\r\n\r\n".utf8) } ?? parts.count
        var start = Array(parts[..<middle])
        var body = Array(parts[min(middle + 4, parts.count)...])
        if body.isEmpty || next(3) > 0 { start = change(start) } else { body = change(body) }
        if next(8) > 0 {
            var lines = String(decoding: start, as: UTF8.self).split(
                separator: "\r\n", omittingEmptySubsequences: false)
            lines.removeAll { $0.hasPrefix("Content-Length:") }
            lines.append("Content-Length: \(body.count)")
            start = Array(lines.joined(separator: "\r\n").utf8)
        }
        return start + Array("\r\n\r\n".utf8) + body
    }

    private mutating func change(_ original: [UInt8]) -> [UInt8] {
        var octets = original
        for _ in 0...next(3) where !octets.isEmpty {
            let place = next(octets.count)
            let end = min(place + 1 + next(40), octets.count)
            switch next(8) {
            case 0: octets[place] = UInt8(truncatingIfNeeded: next(256))
            case 1: octets[place] ^= 1 << UInt8(next(8))
            case 2: octets.removeSubrange(place..<end)
            case 3: octets.insert(contentsOf: octets[place..<end], at: place)
            case 4: octets.insert(contentsOf: (0..<next(20)).map { _ in 0x39 }, at: place)
            case 5:
                octets.insert(contentsOf: [";", ",", "\r\n", "\"", "<", ">", "@", "\0", "%"][next(9)].utf8, at: place)
            case 6: octets.swapAt(place, next(octets.count))
            default: octets.removeLast(min(next(30), octets.count))
            }
        }
        return octets
    }
}
