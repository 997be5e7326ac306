import CMediaIO
import Glibc

@testable import Media

/// A program at the other end of a leg: a blocking socket on loopback with a time limit, and SRTP when it has keys.
final class TestPeer {
    struct Received {
        var header: RTPHeader
        var payload: [UInt8]
        var source: MediaAddress
    }

    let address: MediaAddress
    let ssrc: UInt32
    private let descriptor: Int32
    private var srtp: SRTPSession?
    var sequenceNumber: UInt16
    var timestamp: UInt32
    private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 64)

    /// `keys`: as the engine's leg has them; the peer uses them the other way round.
    init(
        _ host: String = "127.0.0.1", port: UInt16 = 0, keys: SRTPKeys? = nil, ssrc: UInt32 = 0x1234_5678,
        sequenceNumber: UInt16 = 100, timestamp: UInt32 = 5_000
    ) throws {
        let bound = try require(MediaAddress(host, port: port))
        descriptor = try UDPSocket.open(bound)
        address = bound.with(port: try require(UDPSocket.port(of: descriptor)))
        self.ssrc = ssrc
        self.sequenceNumber = sequenceNumber
        self.timestamp = timestamp
        if let keys {
            srtp = try SRTPSession(keys: SRTPKeys(suite: keys.suite, receive: keys.send, send: keys.receive))
        }
    }

    deinit {
        UDPSocket.close(descriptor)
        memory.deallocate()
    }

    /// The packet's octets as they would go to the wire.
    func packet(
        _ payload: [UInt8], type: UInt8 = 111, marker: Bool = false, sequenceNumber: UInt16, timestamp: UInt32
    ) -> [UInt8] {
        RTPHeader(
            marker: marker, payloadType: type, sequenceNumber: sequenceNumber, timestamp: timestamp, ssrc: ssrc
        ).write(into: memory)
        UnsafeMutableRawBufferPointer(rebasing: memory[12...]).copyBytes(from: payload)
        var length = 12 + payload.count
        if srtp != nil { _ = srtp?.protect(memory, length: &length) }
        return [UInt8](memory[0..<length])
    }

    /// The next packet of the stream, 20 ms on.
    func next(_ payload: [UInt8], type: UInt8 = 111, marker: Bool = false) -> [UInt8] {
        defer {
            sequenceNumber &+= 1
            timestamp &+= 960
        }
        return packet(payload, type: type, marker: marker, sequenceNumber: sequenceNumber, timestamp: timestamp)
    }

    func send(_ octets: [UInt8], to address: MediaAddress) {
        var name = SocketName(address, ipv6: self.address.isIPv6)
        octets.withUnsafeBytes { octets in
            var packet = cmio_packet(data: UnsafeMutableRawPointer(mutating: octets.baseAddress), length: octets.count)
            _ = cmio_send(descriptor, &name.storage, name.length, &packet, 1)
        }
    }

    /// Octets of the next datagram, nil after `milliseconds` without one.
    func receiveOctets(within milliseconds: Int32 = 2_000) -> (octets: [UInt8], source: MediaAddress)? {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, milliseconds) == 1 else { return nil }
        var name = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let count = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                recvfrom(descriptor, memory.baseAddress, memory.count, 0, $0, &length)
            }
        }
        guard count > 0 else { return nil }
        return ([UInt8](memory[0..<count]), MediaAddress(&name))
    }

    /// The next RTP packet, decrypted; RTCP in between is skipped.
    func receive(within milliseconds: Int32 = 2_000) -> Received? {
        while let (octets, source) = receiveOctets(within: milliseconds) {
            guard octets.count > 1, !RTPHeader.isRTCP(secondOctet: octets[1]) else { continue }
            memory.copyBytes(from: octets)
            var length = octets.count
            if srtp != nil, srtp?.unprotect(memory, length: &length) != .ok { return nil }
            let plain = [UInt8](memory[0..<length])
            guard let header = try? RTPHeader(parsing: plain.span) else { return nil }
            return Received(header: header, payload: [UInt8](plain[header.payload]), source: source)
        }
        return nil
    }

    /// The next RTCP compound, decrypted; RTP in between is skipped.
    func receiveRTCP(within milliseconds: Int32 = 2_000) -> [RTCPPacket]? {
        while let (octets, _) = receiveOctets(within: milliseconds) {
            guard octets.count > 1, RTPHeader.isRTCP(secondOctet: octets[1]) else { continue }
            memory.copyBytes(from: octets)
            var length = octets.count
            if srtp != nil, srtp?.unprotectRTCP(memory, length: &length) != .ok { return nil }
            return try? RTCPPacket.compound(parsing: [UInt8](memory[0..<length]).span)
        }
        return nil
    }

    /// The sources of the next BYE; everything else is skipped.
    func receiveBye() -> [UInt32]? {
        while let compound = receiveRTCP() {
            if case .bye(let sources) = compound.last { return sources }
        }
        return nil
    }

    /// RTCP as it would go to the wire.
    func rtcp(_ packets: [RTCPPacket]) -> [UInt8] {
        var octets: [UInt8] = []
        for packet in packets { packet.write(into: &octets) }
        memory.copyBytes(from: octets)
        var length = octets.count
        if srtp != nil { _ = srtp?.protectRTCP(memory, length: &length) }
        return [UInt8](memory[0..<length])
    }

    /// The first packet with this payload; others are passed over, but not for ever.
    func receive(payload: [UInt8], within packets: Int = 50) -> Received? {
        for _ in 0..<packets {
            guard let received = receive() else { return nil }
            if received.payload == payload { return received }
        }
        return nil
    }
}

private struct Missing: Error {}

private func require<T>(_ value: T?) throws -> T {
    guard let value else { throw Missing() }
    return value
}
