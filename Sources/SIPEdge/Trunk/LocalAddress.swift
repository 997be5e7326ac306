import Glibc
import Media
import NIOCore

/// Which of this machine's addresses a peer sees: needed in Via, Contact and SDP when we listen on all of them.
enum LocalAddress {
    /// What the socket is bound to, or where that is nothing certain the interface that leads to the rest of the world.
    static func ofDefaultRoute(_ bound: MediaAddress) -> String {
        guard bound.isUnspecified else { return bound.host }
        // Addresses for documentation (RFC 5737, RFC 3849): routed like any other, and nobody's.
        let anywhere = try? SocketAddress(ipAddress: bound.isIPv6 ? "2001:db8::1" : "192.0.2.1", port: 9)
        return anywhere.flatMap(towards) ?? bound.host
    }

    /// Address literal of the interface that the kernel would send from; no packet is sent.
    static func towards(_ remote: SocketAddress) -> String? {
        let family = remote.protocol == .inet6 ? AF_INET6 : AF_INET
        let descriptor = socket(family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let connected = remote.withSockAddr { address, size in connect(descriptor, address, socklen_t(size)) }
        guard connected == 0 else { return nil }
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer -> String? in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> String? in
                guard getsockname(descriptor, address, &size) == 0 else { return nil }
                var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
                let status = getnameinfo(
                    address, size, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
                guard status == 0 else { return nil }
                return String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
        }
    }
}
