import Foundation
import Glibc

/// A TCP connection on this machine, from an address of one's choice. Nothing here waits for the other side but
/// connecting, which on loopback is at once.
final class LoopbackSocket {
    private let descriptor: Int32
    /// All that has come and was not taken away.
    var received: [UInt8] = []
    /// The other side has closed or reset it.
    private(set) var isClosed = false

    /// Nil where nothing listens.
    init?(to address: String, port: UInt16, from source: String? = nil) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if let source, !LoopbackSocket.with(source, 0, { bind(descriptor, $0, $1) }) {
            close(descriptor)
            return nil
        }
        guard LoopbackSocket.with(address, port, { connect(descriptor, $0, $1) }) else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    /// False where the other side has closed.
    @discardableResult
    func send(_ octets: some Sequence<UInt8>) -> Bool {
        let octets = Array(octets)
        return Glibc.send(descriptor, octets, octets.count, Int32(MSG_NOSIGNAL)) == octets.count
    }

    /// Takes in what has arrived.
    func receive() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !isClosed {
            let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                received += buffer.prefix(count)
            } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                isClosed = true
            } else {
                return
            }
        }
    }

    private static func with(_ host: String, _ port: UInt16, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32)
        -> Bool
    {
        var end = sockaddr_in()
        end.sin_family = sa_family_t(AF_INET)
        end.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &end.sin_addr)
        return withUnsafePointer(to: end) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        } == 0
    }
}
