import Foundation
import Glibc
import Synchronization

/// A PBX of which nothing is there but its answer to OPTIONS over UDP.
final class OptionsAnswerer: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let state: State

    private final class State: Sendable {
        let count = Mutex(0)
    }

    init(address: String) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var end = sockaddr_in()
        end.sin_family = sa_family_t(AF_INET)
        inet_pton(AF_INET, address, &end.sin_addr)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &end) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let status = bind(descriptor, address, size)
                return status == 0 ? getsockname(descriptor, address, &size) : status
            }
        }
        guard status == 0 else {
            close(descriptor)
            throw InteropFailure("no UDP port on \(address) (errno \(errno))")
        }
        self.descriptor = descriptor
        port = UInt16(bigEndian: end.sin_port)
        let state = State()
        self.state = state
        Thread { OptionsAnswerer.serve(descriptor, state) }.start()
    }

    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// OPTIONS answered so far.
    var answered: Int { state.count.withLock { $0 } }

    private static func serve(_ descriptor: Int32, _ state: State) {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            var from = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let goesOn = withUnsafeMutablePointer(to: &from) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { from in
                    let count = recvfrom(descriptor, &buffer, buffer.count, 0, from, &size)
                    guard count > 0 else { return false }
                    let answer = Array(response(to: String(decoding: buffer.prefix(count), as: UTF8.self)).utf8)
                    state.count.withLock { $0 += 1 }
                    sendto(descriptor, answer, answer.count, 0, from, size)
                    return true
                }
            }
            guard goesOn else { break }
        }
        close(descriptor)
    }

    private static func response(to request: String) -> String {
        let kept = request.split(separator: "\r\n").filter { line in
            ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].contains { line.hasPrefix($0) }
        }
        return (["SIP/2.0 200 OK"] + kept + ["Content-Length: 0", "", ""]).joined(separator: "\r\n")
    }
}
