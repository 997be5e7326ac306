import Foundation
import Glibc

/// The address of Meta's media relay in a call of ``RawCaller``: takes what comes and looks at its headers, which SRTP
/// leaves in the clear.
final class RelaySocket: @unchecked Sendable {
    struct Packet {
        var ssrc: UInt32
        var sequence: UInt16
        var timestamp: UInt32
        var payloadType: UInt8
        var at: ContinuousClock.Instant
    }

    private let descriptor: Int32
    private let lock = NSLock()
    private var taken: [Packet] = []
    private var isClosed = false

    /// Bound to the address's port 3480, where RawCaller's offer says.
    init(_ address: String) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var end = sockaddr_in()
        end.sin_family = sa_family_t(AF_INET)
        end.sin_port = UInt16(3_480).bigEndian
        inet_pton(AF_INET, address, &end.sin_addr)
        let bound = withUnsafePointer(to: end) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0 else {
            close(descriptor)
            throw InteropFailure("cannot bind \(address):3480")
        }
        var limit = timeval(tv_sec: 0, tv_usec: 100_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        Thread { [self] in receive() }.start()
    }

    func stop() { lock.withLock { isClosed = true } }

    private func receive() {
        var buffer = [UInt8](repeating: 0, count: 2_048)
        while !lock.withLock({ isClosed }) {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            let octets = buffer.prefix(max(count, 0))
            // RTCP has the packet types 192–223 (RFC 5761 §4).
            guard count >= 12, octets[0] >> 6 == 2, !(192...223).contains(octets[1]) else { continue }
            let packet = Packet(
                ssrc: octets[8..<12].reduce(0) { $0 << 8 | UInt32($1) },
                sequence: octets[2..<4].reduce(0) { $0 << 8 | UInt16($1) },
                timestamp: octets[4..<8].reduce(0) { $0 << 8 | UInt32($1) }, payloadType: octets[1] & 0x7f, at: .now)
            lock.withLock { taken.append(packet) }
        }
        close(descriptor)
    }

    var packets: [Packet] { lock.withLock { taken } }
    var ssrcs: Set<UInt32> { Set(packets.map(\.ssrc)) }

    /// Where the stream is not continuous: a number missing, time going back or leaping, or no packet for a second.
    var breaks: [String] {
        let all = packets
        return zip(all, all.dropFirst()).compactMap { before, after in
            let step = Int32(bitPattern: after.timestamp &- before.timestamp)
            let isNext = after.sequence == before.sequence &+ 1 && (0...48_000).contains(step)
            return isNext && after.at - before.at < .seconds(1) ? nil : "\(before) → \(after)"
        }
    }
}
