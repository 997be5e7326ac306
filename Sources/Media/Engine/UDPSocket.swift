import CMediaIO
import Glibc

/// An `errno` value.
struct SystemError: Error, Hashable {
    var code: Int32

    var text: String { String(cString: strerror(code)) }
}

/// Makes and closes UDP sockets; reading and writing is the worker's.
enum UDPSocket {
    /// Asked for as SO_RCVBUF: a second of a call's packets fits many times even where the kernel grants a tenth.
    private static let receiveBuffer: Int32 = 1 << 20
    /// DSCP EF (RFC 4594 §4.1), as the octet of IP_TOS.
    private static let expedited: Int32 = 0xb8

    /// A bound, non-blocking socket; port 0 lets the kernel choose.
    static func open(_ address: MediaAddress) throws(SystemError) -> Int32 {
        let ipv6 = address.isIPv6
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(ipv6 ? AF_INET6 : AF_INET, type, 0)
        guard descriptor >= 0 else { throw SystemError(code: errno) }
        // Best effort: with a smaller buffer or without the mark the call still works.
        set(descriptor, SOL_SOCKET, SO_RCVBUF, receiveBuffer)
        if ipv6 {
            set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)
            set(descriptor, Int32(IPPROTO_IPV6), IPV6_TCLASS, expedited)
        } else {
            set(descriptor, Int32(IPPROTO_IP), IP_TOS, expedited)
        }
        var name = SocketName(address, ipv6: ipv6)
        let length = name.length
        let status = withUnsafePointer(to: &name.storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        guard status == 0 else {
            let error = SystemError(code: errno)
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    static func port(of descriptor: Int32) -> UInt16? {
        var name = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let status = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return status == 0 ? UInt16(bigEndian: name.sin6_port) : nil
    }

    static func close(_ descriptor: Int32) {
        if descriptor >= 0 { Glibc.close(descriptor) }
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// An address in the kernel's form, made once per peer rather than per packet.
struct SocketName {
    /// A `sockaddr_in` in its place on IPv4 sockets; the fields before the address are the same.
    var storage = sockaddr_in6()
    var length: socklen_t

    /// `ipv6`: the socket's family. An IPv6 address cannot be named on an IPv4 socket; see ``MediaAddress/isIPv6``.
    init(_ address: MediaAddress, ipv6: Bool) {
        storage.sin6_family = sa_family_t(ipv6 ? AF_INET6 : AF_INET)
        storage.sin6_port = address.port.bigEndian
        length = socklen_t(ipv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &storage) { octets in
            if ipv6 {
                octets.storeBytes(of: address.high.bigEndian, toByteOffset: Self.v6Offset, as: UInt64.self)
                octets.storeBytes(of: address.low.bigEndian, toByteOffset: Self.v6Offset + 8, as: UInt64.self)
            } else {
                octets.storeBytes(
                    of: UInt32(truncatingIfNeeded: address.low).bigEndian, toByteOffset: Self.v4Offset, as: UInt32.self)
            }
        }
    }

    /// Where `sin_addr` and `sin6_addr` lie.
    fileprivate static let v4Offset = 4
    fileprivate static let v6Offset = 8
}

extension MediaAddress {
    /// A datagram's source as the kernel wrote it.
    @inline(__always)
    init(_ name: UnsafePointer<sockaddr_in6>) {
        let octets = UnsafeRawPointer(name)
        let port = UInt16(bigEndian: name.pointee.sin6_port)
        if name.pointee.sin6_family == sa_family_t(AF_INET) {
            let address = UInt32(bigEndian: octets.load(fromByteOffset: SocketName.v4Offset, as: UInt32.self))
            self.init(high: 0, low: Self.mappedPrefix | UInt64(address), port: port)
        } else {
            self.init(
                high: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: SocketName.v6Offset, as: UInt64.self)),
                low: UInt64(bigEndian: octets.loadUnaligned(fromByteOffset: SocketName.v6Offset + 8, as: UInt64.self)),
                port: port)
        }
    }
}
