import Foundation

/// The PBX that calls are relayed to: SIPp over UDP, which rings, answers with Opus and waits for BYE
/// (peers/callee.xml). The same process serves every system under test.
final class SIPpCallee {
    static let address = IbisUnderTest.pbxAddress
    static let port = IbisUnderTest.pbxPort
    static let mediaPort: UInt16 = 40_002

    private let program: Program

    /// Throws in plain words when SIPp is not installed or does not start.
    init(in folder: URL) throws {
        guard let path = Program.find("sipp") else {
            throw BenchError(
                description: "SIPp is not installed, and it is the callee: apt-get install sip-tester (or make bench)")
        }
        program = try Program(
            [
                path, "-sf", SignallingBenchmark.peers.appending(path: "callee.xml").path, "-i", Self.address, "-p",
                "\(Self.port)", "-key", "media_address", Self.address, "-key", "media", "\(Self.mediaPort)",
                "-nostdin", "-deadcall_wait", "0", "-f", "60", "-timeout", "3600s",
            ], log: folder.appending(path: "sipp.log"))
        usleep(500_000)
        guard program.isRunning else { throw program.failure("SIPp did not start") }
    }

    var isRunning: Bool { program.isRunning }

    /// SIPp answers SIGTERM only between calls, if at all.
    func stop() { program.stop(SIGKILL) }
}
