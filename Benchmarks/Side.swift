import CMediaIO
import Glibc
import Media

/// A UDP socket; one for each end that calls come from, shared by all of them as Meta's relays do.
final class Side: Sendable {
    let descriptor: Int32
    let address: MediaAddress

    /// Port 0: the kernel's choice. Nobody need read: with a small buffer the kernel soon drops what comes.
    init(_ host: String, port: UInt16 = 0, buffer: Int32 = 8 << 20) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        // A late reader must not look like a loss. Beyond the system's limit only root may go.
        var size = buffer
        if setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, 4) != 0 {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var name = try SocketName(host, port)
        let isBound = withUnsafeMutablePointer(to: &name.storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { storage in
                bind(descriptor, storage, name.length) == 0 && getsockname(descriptor, storage, &name.length) == 0
            }
        }
        guard isBound, let address = MediaAddress(host, port: UInt16(bigEndian: name.storage.sin6_port)) else {
            throw BenchError(description: "cannot bind \(host)")
        }
        self.descriptor = descriptor
        self.address = address
    }

    deinit { close(descriptor) }

    func send(_ packet: inout cmio_packet, to name: SocketName) {
        withUnsafePointer(to: name.storage) { _ = cmio_send(descriptor, $0, name.length, &packet, 1) }
    }

    func send(_ packet: UnsafeMutableRawBufferPointer, _ length: Int, to address: MediaAddress) throws {
        var packet = cmio_packet(data: packet.baseAddress, length: length)
        send(&packet, to: try SocketName(address.host, address.port))
    }

    /// The length of the next datagram; nil if there is none for that long.
    func receive(into memory: UnsafeMutableRawBufferPointer, milliseconds: Int32) -> Int? {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, milliseconds) == 1 else { return nil }
        let length = recv(descriptor, memory.baseAddress, memory.count, Int32(MSG_DONTWAIT))
        return length < 0 ? nil : length
    }
}

/// A `sockaddr_in` in the memory of the larger kind, which the media engine's functions take.
struct SocketName: Sendable {
    var storage = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)

    init(_ host: String, _ port: UInt16) throws {
        try withUnsafeMutablePointer(to: &storage) { storage in
            try storage.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { storage in
                storage.pointee.sin_family = sa_family_t(AF_INET)
                storage.pointee.sin_port = port.bigEndian
                guard inet_pton(AF_INET, host, &storage.pointee.sin_addr) == 1 else {
                    throw BenchError(description: "\(host) is no address")
                }
            }
        }
    }
}
