import Foundation
import FoundationNetworking
import Simulators

/// An `ibis serve` of this build in a process of its own, and what the kernel says of it.
final class IbisUnderTest {
    static let address = "127.61.0.10"
    static let tlsPort: UInt16 = 15_061
    static let peerPort: UInt16 = 15_060
    static let pbxAddress = "127.61.0.2"
    static let pbxPort: UInt16 = 15_080
    static let caller = "127.69.171.10"
    static let relayedNumber = "+15550100002"
    static let echoNumber = "+15550100001"
    private static let consolePort = 18_080

    private let process: IbisProcess

    struct Usage {
        let user: Double
        let system: Double
        let residentKilobytes: Int
        let descriptors: Int
        var total: Double { user + system }
    }

    private init(process: IbisProcess) { self.process = process }

    static func start(_ more: [String] = []) throws -> IbisUnderTest {
        let folder = try IbisProcess.makeFolder()
        let store = folder.appendingPathComponent("ibis.sqlite").path
        try IbisProcess.run([
            "peer", "add", "pbx", "--host", pbxAddress, "--port", "\(pbxPort)", "--no-qualify", "--store-file", store,
        ])
        try IbisProcess.run(["number", "add", relayedNumber, "--peer", "pbx", "--store-file", store])
        return IbisUnderTest(
            process: try IbisProcess.serve(
                [
                    "--sip-tls-address", address, "--sip-tls-port", "\(tlsPort)", "--sip-peer-address", address,
                    "--sip-peer-port", "\(peerPort)", "--media-address", address, "--console-port", "\(consolePort)",
                    "--sip-trusted-ranges", "127.69.171.0/24", "--store-file", store, "--log-level", "error",
                ] + more, in: folder))
    }

    var pid: Int32 { process.pid }

    func stop() { process.stop() }

    /// CPU seconds since the start, memory and open descriptors, as /proc has them.
    func usage() throws -> Usage {
        let cpu = try CPUTime.ofProcess(process.pid)
        let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        let resident = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }?
            .split(separator: " ").compactMap { Int($0) }.first
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.pid)/fd").count
        return Usage(user: cpu.user, system: cpu.system, residentKilobytes: resident ?? 0, descriptors: descriptors)
    }

    /// Packets that came in on all legs so far.
    func packetsReceived() throws -> Int {
        guard let url = URL(string: "http://127.0.0.1:\(Self.consolePort)/status"),
            let object = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any],
            let media = object["media"] as? [String: Any],
            let packets = media["packets_received"] as? Int
        else { throw BenchError(description: "/status has no media.packets_received") }
        return packets
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
}

enum Figure {
    static func text(_ value: Double, digits: Int = 2) -> String {
        String(format: "%.\(digits)f", value)
    }
}
