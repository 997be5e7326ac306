import Foundation
import Glibc
import Media

/// Signalling alone: INVITE, 180, 200, ACK, and BYE a second later, over one TLS connection with SDES, placed on to a UDP
/// callee (SIPp). Ibis and a real Asterisk do the same job in turn, with the same generator and the same callee.
struct SignallingBenchmark {
    /// New calls a second where systems are compared.
    let rate: Int
    /// Seconds of each turn.
    let seconds: Int
    /// Also 600 calls/s for a minute, and twice what Ibis can do.
    let isFull: Bool
    /// Offered when it is to be too much; nil: twice the highest rate at which nothing failed.
    let overload: Int?

    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let peers = repository.appending(path: "Benchmarks/peers")
    private static let turns = 2

    /// What one system did, over all its turns.
    private final class Result {
        let system: any SystemUnderTest
        var cpu = CPUTime()
        var report = LoadReport()
        var perTurn: [Double] = []

        init(_ system: any SystemUnderTest) { self.system = system }

        var calls: Int { report.good }
        /// Milliseconds of CPU time a call.
        var each: Double { cpu.total * 1e3 / Double(max(1, calls)) }
    }

    func run() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ibis-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let callee = try SIPpCallee(in: folder)
        defer { callee.stop() }
        // Takes what is sent to Meta and to the callee, and drops it unread.
        let sinks = [
            try Side(CallGenerator.address, buffer: 4_096),
            try Side(SIPpCallee.address, port: SIPpCallee.mediaPort, buffer: 4_096),
            try Side(SIPpCallee.address, port: SIPpCallee.mediaPort + 1, buffer: 4_096),
        ]
        defer { withExtendedLifetime(sinks) {} }
        let media = sinks[0].address.port

        let ibis = Result(try IbisUnderTest.start(["--media-port-low", "20000", "--media-port-high", "49998"]))
        var results = [ibis]
        defer { for result in results { result.system.stop() } }
        if AsteriskUnderTest.isInstalled {
            results.append(Result(try AsteriskUnderTest(in: folder)))
            if KamailioUnderTest.isInstalled { results.append(Result(try KamailioUnderTest(in: folder))) }
        } else {
            print("Asterisk is not there, so Ibis is measured alone; scripts/lab install (as root) brings it")
        }

        print(
            "signalling, \(rate) new calls/s, \(Self.turns) turns of \(seconds) s each, one TLS connection with SDES in, UDP out:"
        )
        var direct = LoadPlan(
            transport: .udp, host: SIPpCallee.address, port: SIPpCallee.port, number: IbisUnderTest.relayedNumber,
            rate: rate, calls: rate * seconds, mediaPort: media)
        let alone = try await CallGenerator.run(direct)
        guard alone.failures == 0 else {
            throw BenchError(description: "the callee alone failed calls: \(alone.failed)")
        }
        for result in results { _ = try await load(result, rate: 20, seconds: 2, media) }
        for turn in 1...Self.turns {
            // To and fro, as the machine's load drifts.
            for result in turn % 2 == 1 ? results : results.reversed() { try await measure(result, turn, media) }
        }
        report(results, alone)
        guard ibis.report.failures == 0, ibis.report.refused == 0 else {
            throw BenchError(description: "Ibis failed calls: \(ibis.report.failed), \(ibis.report.refused) refused")
        }
        guard isFull else { return }
        for result in results.dropFirst() { result.system.stop() }
        results = [ibis]
        direct.rate = 600
        direct.calls = 600 * 10
        let fastAlone = try await CallGenerator.run(direct)
        print("  the callee alone at 600 calls/s: \(Self.times(fastAlone)), failed \(fastAlone.failures)")
        try await sustain(ibis, media)
        try await overload(ibis, media)
    }

    private func load(_ result: Result, rate: Int, seconds: Int, _ media: UInt16) async throws -> LoadReport {
        try await CallGenerator.run(
            LoadPlan(
                host: result.system.host, port: result.system.port, number: IbisUnderTest.relayedNumber, rate: rate,
                calls: rate * seconds, mediaPort: media))
    }

    /// CPU time from before the first INVITE until the last call is over.
    private func loadAndSpend(_ result: Result, rate: Int, seconds: Int, _ media: UInt16) async throws
        -> (report: LoadReport, cpu: CPUTime)
    {
        let before = try result.system.cpu()
        let report = try await load(result, rate: rate, seconds: seconds, media)
        try await Task.sleep(for: .milliseconds(300))
        return (report, try result.system.cpu() - before)
    }

    private func measure(_ result: Result, _ turn: Int, _ media: UInt16) async throws {
        let load = Self.machineLoad()
        let (report, cpu) = try await loadAndSpend(result, rate: rate, seconds: seconds, media)
        result.cpu = result.cpu + cpu
        result.report.add(report)
        print(
            "  turn \(turn), \(result.system.name): \(Figure.text(cpu.total * 1e3 / Double(max(1, report.good)))) ms a call,"
                + " good \(report.good), failed \(report.failures), load average \(Figure.text(load)) before,"
                + " \(Figure.text(Self.machineLoad())) after")
    }

    private func report(_ results: [Result], _ alone: LoadReport) {
        print(
            "                     calls/CPU-s  ms a call   user system   good failed refused  set-up mean   p50   p99 ms"
        )
        for result in results {
            let calls = Double(max(1, result.calls))
            let columns = [
                (Figure.text(calls / result.cpu.total, digits: 0), 11), (Figure.text(result.each), 11),
                (Figure.text(result.cpu.user * 1e3 / calls), 7), (Figure.text(result.cpu.system * 1e3 / calls), 7),
                ("\(result.calls)", 7), ("\(result.report.failures)", 7), ("\(result.report.refused)", 8),
                (Figure.text(result.report.meanSetUp), 13), (Figure.text(result.report.setUp(0.5)), 6),
                (Figure.text(result.report.setUp(0.99)), 6),
            ]
            print("  \(Self.padded(result.system.name))\(Self.row(columns))")
        }
        let columns = [
            ("\(alone.good)", 43), ("\(alone.failures)", 7), ("\(alone.refused)", 8),
            (Figure.text(alone.meanSetUp), 13),
            (Figure.text(alone.setUp(0.5)), 6), (Figure.text(alone.setUp(0.99)), 6),
        ]
        print("  \(Self.padded("callee alone"))\(Self.row(columns))")
        let ibis = results[0]
        for other in results.dropFirst() {
            let note = other.system is AsteriskUnderTest ? "; at least 6, aim 10" : ""
            print(
                "  Ibis does \(Figure.text(other.each / ibis.each)) times the calls of \(other.system.name) per CPU-second\(note)"
            )
        }
        print(
            "  set-up time added by Ibis: p50 \(Figure.text(ibis.report.setUp(0.5) - alone.setUp(0.5))) ms,"
                + " p99 \(Figure.text(ibis.report.setUp(0.99) - alone.setUp(0.99))) ms; at most 2 ms at 100 calls/s")
    }

    // MARK: --full

    private func sustain(_ ibis: Result, _ media: UInt16) async throws {
        let (report, cpu) = try await loadAndSpend(ibis, rate: 600, seconds: 60, media)
        print(
            "  600 calls/s for 60 s: good \(report.good), failed \(report.failures) \(report.failed),"
                + " refused \(report.refused), \(Self.times(report)) (p99 below 20 ms),"
                + " \(Figure.text(cpu.total * 1e3 / Double(max(1, report.good)))) ms of CPU a call")
    }

    private func overload(_ ibis: Result, _ media: UInt16) async throws {
        let rate: Int
        if let overload {
            rate = overload
        } else {
            rate = try await 2 * limit(ibis, media)
        }
        let (report, cpu) = try await loadAndSpend(ibis, rate: rate, seconds: 20, media)
        let share = Double(report.refused) / Double(rate * 20)
        print(
            "  \(rate) calls/s for 20 s, too many: good \(report.good) (\(Figure.text(Double(report.good) / 20, digits: 0))/s),"
                + " 503 \(Figure.text(share * 100, digits: 0)) %, failed \(report.failures) \(report.failed);"
                + " accepted: \(Self.times(report)); 503 after p99 \(Figure.text(report.refusal(0.99))) ms;"
                + " CPU \(Figure.text(cpu.total / report.lasted * 100, digits: 0)) % of a core")
    }

    /// The highest rate, in steps, at which nothing failed or was refused and p99 of set-up stayed below 20 ms.
    private func limit(_ ibis: Result, _ media: UInt16) async throws -> Int {
        var best = 100
        for rate in stride(from: 200, through: 2_000, by: 200) {
            let report = try await load(ibis, rate: rate, seconds: 5, media)
            print("  \(rate) calls/s for 5 s: good \(report.good), refused \(report.refused), \(Self.times(report))")
            guard report.failures == 0, report.refused == 0, report.setUp(0.99) < 20 else { break }
            best = rate
        }
        return best
    }

    // MARK: Figures

    private static func times(_ report: LoadReport) -> String {
        "set-up p50 \(Figure.text(report.setUp(0.5))) ms, p99 \(Figure.text(report.setUp(0.99))) ms"
    }

    private static func padded(_ name: String) -> String {
        name + String(repeating: " ", count: max(0, 18 - name.count))
    }

    private static func row(_ columns: [(String, Int)]) -> String {
        columns.map { String(repeating: " ", count: max(0, $1 - $0.count)) + $0 }.joined()
    }

    private static func machineLoad() -> Double {
        var load = 0.0
        getloadavg(&load, 1)
        return load
    }
}

extension LoadReport {
    mutating func add(_ other: LoadReport) {
        setUps = (setUps + other.setUps).sorted()
        refusals = (refusals + other.refusals).sorted()
        good += other.good
        refused += other.refused
        failed.merge(other.failed, uniquingKeysWith: +)
        lasted += other.lasted
    }
}
