import Logging
import Media
import SIPEdge
import Simulators

/// Calls relayed between a WhatsApp stand-in (TLS, SDES-SRTP) and a PBX stand-in that echoes (UDP, RTP): CPU time of Ibis
/// per packet that came in, and packets lost on either side.
struct RelayBenchmark {
    let calls: Int
    let seconds: Int

    func run() async throws {
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let pbx = try await PBXStandIn(
            address: IbisUnderTest.pbxAddress, port: IbisUnderTest.pbxPort, edge: IbisUnderTest.address, logger: logger)
        let user = try await MetaSimulator(MetaSettings(address: IbisUnderTest.caller, port: nil))
        let ibis = try IbisUnderTest.start()
        defer { ibis.stop() }
        let tone = try Prompt.tone(hertz: 1_000, seconds: 10)
        let idle = try ibis.usage()

        async let reports = withThrowingTaskGroup(of: WhatsAppCallReport.self) { group in
            for _ in 0..<calls {
                group.addTask {
                    try await user.place(
                        BenchCall.call(IbisUnderTest.relayedNumber, says: tone, talk: .seconds(seconds + 6)))
                }
            }
            var all: [WhatsAppCallReport] = []
            for try await report in group { all.append(report) }
            return all
        }
        // All calls are up and past their first seconds.
        try await Task.sleep(for: .seconds(3))
        let before = try (ibis.usage(), ibis.packetsReceived())
        try await Task.sleep(for: .seconds(seconds))
        let after = try (ibis.usage(), ibis.packetsReceived())

        let all = try await reports
        let totals = await pbx.totals
        let packets = Double(after.1 - before.1)
        let good = all.filter(\.isSuccess).count
        let lostAtUser = all.map(\.statistics.lost).reduce(0, +)
        print("relay, \(calls) calls for \(seconds) s, SDES-SRTP <-> RTP, both ways:")
        print(
            "  calls good \(good) of \(calls); packets in \(Int(packets)), \(Figure.text(packets / Double(seconds), digits: 0))/s"
        )
        print("  lost on the way to the user \(lostAtUser), to the PBX \(totals.lost)")
        print(
            "  CPU per packet \(Figure.text((after.0.total - before.0.total) / packets * 1e6)) us"
                + " (user \(Figure.text((after.0.user - before.0.user) / packets * 1e6)),"
                + " system \(Figure.text((after.0.system - before.0.system) / packets * 1e6))); budget 8 us")
        let kilobytes = Double(after.0.residentKilobytes - idle.residentKilobytes) / Double(calls)
        print("  memory \(Figure.text(kilobytes, digits: 0)) kB a call")
        await user.shutdown()
        await pbx.shutdown()
        guard good == calls, lostAtUser == 0, totals.lost == 0 else {
            throw BenchError(description: "the relay lost packets or calls")
        }
    }
}

enum BenchCall {
    static func call(_ number: String, says: Prompt?, talk: Duration) -> WhatsAppCall {
        WhatsAppCall(
            target: Target(
                transport: .tls, host: IbisUnderTest.address, port: IbisUnderTest.tlsPort, serverName: "localhost",
                verifiesCertificate: false),
            number: number, hostname: "localhost", says: says, talk: talk)
    }
}
