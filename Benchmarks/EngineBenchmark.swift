import CMediaIO
import Glibc
import Media

/// The relaying of media alone: our engine, rtpengine and a bare forwarder in turn, with the same packets of the same
/// sockets. Calls between SRTP and RTP, both ways at 50 packets a second. CPU time is the relay's only.
struct EngineBenchmark {
    let calls: Int
    /// Of each turn.
    let seconds: Int
    private static let turns = 2

    /// What one relay did, over all its turns.
    private final class Result {
        let subject: any MediaUnderTest
        var frame = 0
        var cpu = CPUTime()
        var measured = 0
        var sent = 0
        var received = 0
        var delays: [UInt64] = []

        init(_ subject: any MediaUnderTest) { self.subject = subject }

        func perPacket(_ seconds: Double) -> Double { seconds * 1e6 / Double(max(1, measured)) }
    }

    func run() async throws {
        let sides = [try Side("127.0.0.2"), try Side("127.0.0.3")]
        let ibis = Result(try await IbisEngine(calls: calls, sides: sides))
        var results = [ibis]
        defer {
            for result in results { result.subject.stop() }
        }
        if let path = RTPEngineClient.path {
            results.append(Result(try RTPEngineClient(path: path, calls: calls, sides: sides)))
        } else {
            print("rtpengine is not installed, so it is left out; apt-get install rtpengine-daemon brings it")
        }
        results.append(Result(try BareForwarder(calls: calls, sides: sides)))
        print("media alone, \(calls) calls, both ways, \(Self.turns) turns of \(seconds) s each:")
        for result in results { try verify(result, sides) }
        for turn in 1...Self.turns {
            // To and fro, as the machine's load drifts.
            for result in turn % 2 == 1 ? results : results.reversed() { try measure(result, sides, turn) }
        }
        report(results)
        guard ibis.sent == ibis.received else {
            throw BenchError(description: "the engine was sent \(ibis.sent) packets and sent \(ibis.received) on")
        }
    }

    /// One packet of each call each way, one after another: it must come out as it went in, decrypted and encrypted.
    private func verify(_ result: Result, _ sides: [Side]) throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 64)
        defer { memory.deallocate() }
        for (index, call) in result.subject.calls.enumerated() {
            for side in 0..<2 {
                try send(call, index, side, frame: result.frame, sides)
                guard var length = receive(sides[1 - side], memory) else {
                    throw BenchError(description: "\(result.subject.name) lost the first packet of call \(index)")
                }
                if side == 1, let peer = call.peer { length = peer.unprotect(memory, length) }
                guard length == 72, memory[24..<72].allSatisfy({ $0 == 0x55 }) else {
                    throw BenchError(description: "\(result.subject.name) spoiled the first packet of call \(index)")
                }
            }
        }
        result.frame += 1
    }

    /// The next packet that is no RTCP.
    private func receive(_ side: Side, _ memory: UnsafeMutableRawBufferPointer) -> Int? {
        while let length = side.receive(into: memory, milliseconds: 2_000) {
            if let packet = memory.baseAddress, length >= 72, !SideReader.isRTCP(packet) { return length }
        }
        return nil
    }

    private func measure(_ result: Result, _ sides: [Side], _ turn: Int) throws {
        let load = Self.load()
        let readers = sides.map { SideReader($0) }
        // Some of a second to settle, the span whose CPU time counts, then one for the delay, with readers waiting.
        try send(result, sides, frames: 25)
        let before = try result.subject.usage()
        try send(result, sides, frames: seconds * 50)
        usleep(50_000)
        let spent = try result.subject.usage() - before
        result.cpu = result.cpu + spent
        let measured = calls * 2 * seconds * 50
        result.measured += measured
        for reader in readers { reader.wait() }
        try send(result, sides, frames: 50)
        usleep(200_000)
        for reader in readers { reader.stop() }
        result.sent += calls * 2 * (seconds * 50 + 75)
        result.received += readers.reduce(0) { $0 + $1.received }
        result.delays += readers.flatMap { $0.delays }
        print(
            "  turn \(turn), \(result.subject.name): \(Figure.text(spent.total * 1e6 / Double(measured))) us,"
                + " load average \(Figure.text(load)) before, \(Figure.text(Self.load())) after")
    }

    /// Each call sends a packet on both sides every 20 ms, calls spread evenly over the time.
    private func send(_ result: Result, _ sides: [Side], frames: Int) throws {
        let step: UInt64 = 20_000_000 / UInt64(calls)
        var due = cmio_clock(Int32(CMIO_MONOTONIC))
        for _ in 0..<frames {
            for (index, call) in result.subject.calls.enumerated() {
                let now = cmio_clock(Int32(CMIO_MONOTONIC))
                if due > now { usleep(UInt32((due - now) / 1_000)) }
                due += step
                for side in 0..<2 { try send(call, index, side, frame: result.frame, sides) }
            }
            result.frame += 1
        }
    }

    private func send(_ call: CallUnderTest, _ index: Int, _ side: Int, frame: Int, _ sides: [Side]) throws {
        try withUnsafeTemporaryAllocation(byteCount: 512, alignment: 64) { memory in
            memory.initializeMemory(as: UInt8.self, repeating: 0x55)
            RTPHeader(
                marker: false, payloadType: side == 0 ? call.payloadTypeA : call.payloadTypeB,
                sequenceNumber: UInt16(truncatingIfNeeded: frame),
                timestamp: UInt32(truncatingIfNeeded: frame * 960), ssrc: UInt32(index + 1)
            ).write(into: memory)
            // SRTP hides the time of sending from the other side's reader; RTP to SRTP is not timed.
            memory.storeBytes(of: cmio_clock(Int32(CMIO_MONOTONIC)), toByteOffset: 16, as: UInt64.self)
            let length = side == 0 ? call.peer?.protect(memory, 72) ?? 72 : 72
            try sides[side].send(memory, length, to: side == 0 ? call.a : call.b)
        }
    }

    private func report(_ results: [Result]) {
        print("  us per packet     user  system   total       in      out  delay p50    p99")
        for result in results {
            let delays = result.delays.sorted()
            func delay(_ share: Double) -> String {
                guard !delays.isEmpty else { return "-" }
                return Figure.text(Double(delays[Int(Double(delays.count - 1) * share)]) / 1_000, digits: 0)
            }
            let columns = [
                (Figure.text(result.perPacket(result.cpu.user)), 8),
                (Figure.text(result.perPacket(result.cpu.system)), 8),
                (Figure.text(result.perPacket(result.cpu.total)), 8), ("\(result.sent)", 9), ("\(result.received)", 9),
                (delay(0.5), 11), (delay(0.99), 7),
            ]
            let name = result.subject.name
            print(
                "  " + name + String(repeating: " ", count: max(0, 14 - name.count))
                    + columns.map { String(repeating: " ", count: max(0, $1 - $0.count)) + $0 }.joined())
        }
        for other in results.dropFirst() {
            print(
                "  Ibis / \(other.subject.name): user \(ratio(results[0], other, \.user)),"
                    + " total \(ratio(results[0], other, \.total))")
        }
        print("  budget: 8 us in total")
    }

    private func ratio(_ one: Result, _ other: Result, _ part: KeyPath<CPUTime, Double>) -> String {
        let (top, bottom) = (one.perPacket(one.cpu[keyPath: part]), other.perPacket(other.cpu[keyPath: part]))
        return bottom > 0 ? Figure.text(top / bottom) : "-"
    }

    /// Processes that ran or wanted to, averaged over a minute.
    private static func load() -> Double {
        var load = 0.0
        return getloadavg(&load, 1) == 1 ? load : 0
    }
}
