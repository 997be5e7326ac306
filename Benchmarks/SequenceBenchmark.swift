import Logging
import SIPEdge
import Simulators

/// Relayed calls one after another: memory and descriptors after the first 500 and at the end, and CPU a call.
struct SequenceBenchmark {
    let calls: Int
    private static let settled = 500

    func run() async throws {
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let pbx = try await PBXStandIn(
            address: IbisUnderTest.pbxAddress, port: IbisUnderTest.pbxPort, edge: IbisUnderTest.address, logger: logger)
        let user = try await MetaSimulator(MetaSettings(address: IbisUnderTest.caller, port: nil))
        let ibis = try IbisUnderTest.start()
        defer { ibis.stop() }
        var good = 0
        var first = try ibis.usage()
        for index in 1...calls {
            let report = try await user.place(
                BenchCall.call(IbisUnderTest.relayedNumber, says: nil, talk: .zero))
            if case .talked = report.outcome { good += 1 }
            if index == Self.settled { first = try await settledUsage(ibis) }
        }
        let last = try await settledUsage(ibis)
        print("sequence, \(calls) relayed calls one after another:")
        print("  calls good \(good) of \(calls)")
        print("  resident \(first.residentKilobytes) kB after \(Self.settled), \(last.residentKilobytes) kB at the end")
        print("  descriptors \(first.descriptors) after \(Self.settled), \(last.descriptors) at the end")
        let each = (last.total - first.total) / Double(calls - Self.settled) * 1e3
        print("  CPU \(Figure.text(each)) ms a call, two legs, INVITE to BYE")
        await user.shutdown()
        await pbx.shutdown()
        guard good == calls else { throw BenchError(description: "calls failed") }
    }

    /// Once the last transactions are over (timers L and M: 32 s) and Ibis has given memory back since (every 30 s).
    private func settledUsage(_ ibis: IbisUnderTest) async throws -> IbisUnderTest.Usage {
        try await Task.sleep(for: .seconds(65))
        return try ibis.usage()
    }
}
