import Foundation
import Glibc
import NIOCore
import NIOPosix
import Simulators

/// An `ibis serve` of our own for the length of a demonstration, on ports that are free.
final class TemporaryIbis {
    /// Where it listens for Meta, and for the PBX.
    let address: HostPort
    let peers: HostPort
    private let process: IbisProcess

    private init(address: HostPort, peers: HostPort, process: IbisProcess) {
        self.address = address
        self.peers = peers
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

    /// - Parameters:
    ///   - flags: further ones of `ibis serve`.
    ///   - prepare: fills the store, whose path it is given, before the start.
    static func start(
        _ flags: [String] = [], prepare: (_ store: String) throws -> Void = { _ in }
    ) throws -> TemporaryIbis {
        let ports = try freePorts(3)
        guard ports.count == 3, let address = HostPort("127.0.0.1:\(ports[0])", defaultPort: 5061),
            let peers = HostPort("127.0.0.1:\(ports[1])", defaultPort: 5060)
        else {
            throw DemoError(description: "no port is free on 127.0.0.1")
        }
        let folder = try IbisProcess.makeFolder()
        let store = folder.appendingPathComponent("ibis.sqlite").path
        try prepare(store)
        let process = try IbisProcess.serve(
            [
                "--sip-tls-address", "127.0.0.1", "--sip-tls-port", "\(ports[0])", "--sip-peer-address", "127.0.0.1",
                "--sip-peer-port", "\(ports[1])", "--console-port", "\(ports[2])", "--media-address", "127.0.0.1",
                "--sip-trusted-ranges", "127.0.0.0/8", "--store-file",
                store, "--log-level", "error",
            ] + flags, in: folder)
        return TemporaryIbis(address: address, peers: peers, process: process)
    }

    func stop() { process.stop() }

    /// Ports that are free now on 127.0.0.1, for TCP and so most likely for UDP.
    private static func freePorts(_ count: Int) throws -> [UInt16] {
        // All are held until all are known, so that they differ.
        let listeners = try (0..<count).map { _ in
            try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: 0).wait()
        }
        defer { for listener in listeners { try? listener.close().wait() } }
        return listeners.compactMap { $0.localAddress?.port.map { UInt16(clamping: $0) } }
    }
}

struct DemoError: Error, CustomStringConvertible {
    let description: String
}
