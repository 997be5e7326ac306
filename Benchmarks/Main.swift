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

    @Option(help: "Parts to run: parse, srtp, media, relay, sequence.")
    var parts = "parse,srtp,media,relay,sequence"

    func run() async throws {
        guard (1...2_000).contains(calls), (5...3_600).contains(seconds), (1_000...1_000_000).contains(sequence) else {
            throw ValidationError("--calls is 1 to 2000, --seconds 5 to 3600, --sequence 1000 to 1000000")
        }
        let parts = Set(parts.split(separator: ",").map(String.init))
        if parts.contains("parse") { ParseBenchmark.run() }
        if parts.contains("srtp") { try SRTPBenchmark.run() }
        if parts.contains("media") { try await EngineBenchmark(calls: calls, seconds: min(seconds, 10)).run() }
        if parts.contains("relay") { try await RelayBenchmark(calls: calls, seconds: seconds).run() }
        if parts.contains("sequence") { try await SequenceBenchmark(calls: sequence).run() }
    }
}
