import Foundation
import Glibc

/// A name server for one client: every name has one and the same IPv4 address, and nothing else. The WhatsApp side needs
/// it, as requests within a call go to the host name in Ibis' Contact.
final class NameServer: Sendable {
    static let port: UInt16 = 5353

    private let descriptor: Int32

    init(address: String, answer: String) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var end = sockaddr_in()
        end.sin_family = sa_family_t(AF_INET)
        end.sin_port = NameServer.port.bigEndian
        inet_pton(AF_INET, address, &end.sin_addr)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: end) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard status == 0 else {
            close(descriptor)
            throw InteropFailure("\(address):\(NameServer.port)/udp is taken (errno \(errno))")
        }
        self.descriptor = descriptor
        var host = in_addr()
        inet_pton(AF_INET, answer, &host)
        let octets = withUnsafeBytes(of: host.s_addr) { Array($0) }
        Thread { NameServer.serve(descriptor, octets) }.start()
    }

    /// Ends the thread: its receive call returns.
    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private static func serve(_ descriptor: Int32, _ host: [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        while true {
            var from = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let reply = withUnsafeMutablePointer(to: &from) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { from in
                    let count = recvfrom(descriptor, &buffer, buffer.count, 0, from, &size)
                    guard count > 0 else { return false }
                    if let reply = response(to: Array(buffer.prefix(count)), host) {
                        sendto(descriptor, reply, reply.count, 0, from, size)
                    }
                    return true
                }
            }
            guard reply else { break }
        }
        close(descriptor)
    }

    /// RFC 1035 §4.1: the question comes back, with one A record where that was asked for.
    static func response(to query: [UInt8], _ host: [UInt8]) -> [UInt8]? {
        guard query.count > 12, query[4] == 0, query[5] == 1 else { return nil }
        var end = 12
        while end < query.count, query[end] != 0 { end += 1 + Int(query[end]) }
        guard end + 5 <= query.count else { return nil }
        let isAddress = query[end + 1] == 0 && query[end + 2] == 1
        // The identifier; response, recursion desired and available; one question; one answer or none.
        var reply = query[0..<2] + [0x81, 0x80, 0, 1, 0, isAddress ? 1 : 0, 0, 0, 0, 0] + query[12..<(end + 5)]
        // The name of the question, A, IN, 60 s, four octets.
        if isAddress { reply += [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4] + host }
        return Array(reply)
    }
}
