import ArgumentParser

/// `make bench`: figures of this build on this machine. Ibis runs in a process of its own, so that its CPU time is its
/// own; the callers and the PBX are stand-ins in this one.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ibis-bench", abstract: "Measures Ibis as CPU time per unit of work.")

    @Option(help: "Relayed calls at once.")
    var calls = 100

    @Option(help: "Seconds that the relay is measured for.")
    var seconds = 60

    @Option(help: "Calls placed one after another.")
    var sequence = 10_000

    @Option(help: "New calls a second where signalling is compared with a real Asterisk's.")
    var callRate = 100

    @Option(help: "Seconds of each turn there.")
    var callSeconds = 10

    @Flag(help: "Signalling also at 600 calls/s for a minute, and at twice what Ibis can do.")
    var full = false

    @Option(help: "With --full: new calls a second that are too many; default: twice the highest clean rate.")
    var overload: Int?

    @Option(help: "Parts to run: parse, mutate, srtp, media, relay, signalling, sequence.")
    var parts = "parse,mutate,srtp,media,relay,signalling,sequence"

    func run() async throws {
        guard (1...2_000).contains(calls), (5...3_600).contains(seconds), (1_000...1_000_000).contains(sequence) else {
            throw ValidationError("--calls is 1 to 2000, --seconds 5 to 3600, --sequence 1000 to 1000000")
        }
        guard (1...5_000).contains(callRate), (1...600).contains(callSeconds), (1...20_000).contains(overload ?? 1)
        else {
            throw ValidationError("--call-rate is 1 to 5000, --call-seconds 1 to 600, --overload 1 to 20000")
        }
        let parts = Set(parts.split(separator: ",").map(String.init))
        if parts.contains("parse") { ParseBenchmark.run() }
        if parts.contains("mutate") { try MutationBenchmark.run() }
        if parts.contains("srtp") { try SRTPBenchmark.run() }
        if parts.contains("media") { try await EngineBenchmark(calls: calls, seconds: min(seconds, 10)).run() }
        if parts.contains("relay") { try await RelayBenchmark(calls: calls, seconds: seconds).run() }
        if parts.contains("signalling") {
            try await SignallingBenchmark(rate: callRate, seconds: callSeconds, isFull: full, overload: overload).run()
        }
        if parts.contains("sequence") { try await SequenceBenchmark(calls: sequence).run() }
    }
}
