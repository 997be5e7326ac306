import Glibc

/// The address that Meta is told to send media to.
struct AnnouncedAddress: Sendable, Hashable {
    var address: String
    /// False when nobody named it: this machine's address of the default route was taken.
    var isConfigured: Bool

    init(address: String, isConfigured: Bool) {
        self.address = address
        self.isConfigured = isConfigured
    }

    /// - Parameter route: this machine's address on the way to a host; the kernel's by default.
    init(_ media: Configuration.Media, route: (String) -> String? = AnnouncedAddress.localAddress) {
        if let address = media.publicAddress {
            self.init(address: address, isConfigured: true)
        } else if !["0.0.0.0", "::"].contains(media.address) {
            self.init(address: media.address, isConfigured: true)
        } else {
            // Addresses of documentation (RFC 5737, RFC 3849): they have no route of their own.
            let found = route("192.0.2.1") ?? (media.address == "::" ? route("2001:db8::1") : nil)
            self.init(address: found ?? "127.0.0.1", isConfigured: false)
        }
    }

    /// True for addresses that nobody reaches over the internet: private (RFC 1918, RFC 6598, RFC 4193), link-local and
    /// loopback.
    var isPrivate: Bool {
        guard let octets = CertificateCheck.addressOctets(address) else { return false }
        if octets.count == 4 {
            switch (octets[0], octets[1]) {
            case (10, _), (127, _), (192, 168), (169, 254), (172, 16...31), (100, 64...127): return true
            default: return false
            }
        }
        return octets[0] & 0xFE == 0xFC || (octets[0] == 0xFE && octets[1] & 0xC0 == 0x80)
            || octets == Array(repeating: 0, count: 15) + [1]
    }

    /// The address of the interface that packets to `remote` would leave by; nothing is sent.
    static func localAddress(towards remote: String) -> String? {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(remote, "9", &hints, &list) == 0, let info = list?.pointee else { return nil }
        defer { freeaddrinfo(list) }
        let descriptor = socket(info.ai_family, info.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard connect(descriptor, info.ai_addr, info.ai_addrlen) == 0 else { return nil }
        // Room for any socket address: sockaddr_storage has 128 octets.
        var storage = [UInt64](repeating: 0, count: 16)
        return storage.withUnsafeMutableBytes { room -> String? in
            var size = socklen_t(room.count)
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            guard let address = room.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                getsockname(descriptor, address, &size) == 0,
                getnameinfo(address, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            else { return nil }
            return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
    }
}
