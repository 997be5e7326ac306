import Foundation
import Glibc
import Simulators

/// An `ibis serve` of our own for the length of a demonstration, on ports that are free.
final class TemporaryIbis {
    let address: HostPort
    private let process: IbisProcess

    private init(address: HostPort, process: IbisProcess) {
        self.address = address
        self.process = process
    }

    /// Whether something accepts TCP connections there.
    static func listens(at address: HostPort) -> Bool {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, "\(address.port)", &hints, &found) == 0, let first = found else { return false }
        defer { freeaddrinfo(found) }
        let descriptor = socket(first.pointee.ai_family, first.pointee.ai_socktype, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return connect(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0
    }

    static func start() throws -> TemporaryIbis {
        let ports = try freePorts(3)
        guard let address = HostPort("127.0.0.1:\(ports[0])", defaultPort: 5061) else {
            throw DemoError(description: "no port is free on 127.0.0.1")
        }
        let folder = try IbisProcess.makeFolder()
        let process = try IbisProcess.serve(
            [
                "--sip-tls-address", "127.0.0.1", "--sip-tls-port", "\(ports[0])", "--sip-peer-address", "127.0.0.1",
                "--sip-peer-port", "\(ports[1])", "--console-port", "\(ports[2])", "--media-address", "127.0.0.1",
                "--sip-trusted-ranges", "127.0.0.0/8", "--store-file",
                folder.appendingPathComponent("ibis.sqlite").path, "--log-level", "error",
            ], in: folder)
        return TemporaryIbis(address: address, process: process)
    }

    func stop() { process.stop() }

    /// Ports that are free now on 127.0.0.1, for TCP and for UDP.
    private static func freePorts(_ count: Int) throws -> [UInt16] {
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        return try (0..<count).map { _ in
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard descriptor >= 0 else { throw DemoError(description: "no socket can be made") }
            descriptors.append(descriptor)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let status = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
                }
            }
            guard status else { throw DemoError(description: "no port is free on 127.0.0.1") }
            return UInt16(bigEndian: address.sin_port)
        }
    }
}

struct DemoError: Error, CustomStringConvertible {
    let description: String
}
