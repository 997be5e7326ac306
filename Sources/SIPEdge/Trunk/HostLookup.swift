import Glibc
import NIOCore

/// The addresses of a host name, by the system's resolver.
enum HostLookup {
    /// In the resolver's order, each once; empty when there is none of the family. Blocks, so not for an event loop.
    static func addresses(of host: String, port: Int, family: NIOBSDSocket.ProtocolFamily?) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        if let family { hints.ai_family = family.rawValue }
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &first) == 0 else { return [] }
        defer { freeaddrinfo(first) }
        var found: [SocketAddress] = []
        var next = first
        while let entry = next?.pointee {
            if let address = address(of: entry), !found.contains(address) { found.append(address) }
            next = entry.ai_next
        }
        return found
    }

    private static func address(of entry: addrinfo) -> SocketAddress? {
        guard let pointer = UnsafeRawPointer(entry.ai_addr) else { return nil }
        switch entry.ai_family {
        case AF_INET: return SocketAddress(pointer.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: return SocketAddress(pointer.loadUnaligned(as: sockaddr_in6.self))
        default: return nil
        }
    }
}
