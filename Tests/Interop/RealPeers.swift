import Foundation
import Testing

/// Tests against programs that nobody here wrote: baresip as the WhatsApp user, Asterisk as the PBX.
///
/// They need what `scripts/setup test` and `scripts/lab install` put on a machine, and run where IBIS_INTEROP is 1, as
/// `make test` sets it. One at a time: each has its own Ibis and Asterisk, and the machine's cores to itself. What all
/// of these programs wrote, recordings included, stays in `.build/interop` until the next run.
@Suite(
    "Real peers", .serialized, .tags(.interop), .timeLimit(.minutes(2)),
    .enabled(if: isWanted, "IBIS_INTEROP=1 is not set; `make test` sets it where the real peers are installed"))
enum RealPeers {}

private let isWanted = ProcessInfo.processInfo.environment["IBIS_INTEROP"] == "1"

extension Tag {
    @Tag static var interop: Self
}

/// Something that a test waited for or needed, and that did not come; the text ends with what the programs said last.
struct InteropFailure: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, log: String = "") {
        let lines = log.split(whereSeparator: \.isNewline).suffix(40).joined(separator: "\n    | ")
        description = lines.isEmpty ? what : "\(what); last lines of its log:\n    | \(lines)"
    }
}

/// Looks again every 20 ms until `check` gives a value. The peers are other processes: there is nothing to await.
func eventually<Value>(
    within limit: Duration, _ check: () throws -> Value?, orFail failure: () -> InteropFailure
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while true {
        if let value = try check() { return value }
        guard ContinuousClock.now < deadline else { throw failure() }
        try await Task.sleep(for: .milliseconds(20))
    }
}
