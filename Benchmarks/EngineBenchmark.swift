import CMediaIO
import Glibc
import Media
import Synchronization

/// The media engine alone, in this process: calls relayed between SRTP and RTP, both ways at 50 packets a second, the
/// sockets of each side shared by all its calls as Meta's relays do. CPU time is the workers' only.
struct EngineBenchmark {
    let calls: Int
    let seconds: Int

    private struct Call {
        let session: MediaSession
        let a: MediaAddress
        let b: MediaAddress
        let peer: Peer
    }

    /// The caller's end of SRTP.
    private final class Peer {
        private var srtp: SRTPSession

        init(_ keys: SRTPKeys) throws { srtp = try SRTPSession(keys: keys) }

        func protect(_ packet: UnsafeMutableRawBufferPointer, _ length: Int) -> Int {
            var length = length
            return srtp.protect(packet, length: &length) == .ok ? length : 0
        }
    }

    func run() async throws {
        let engine = try MediaEngine(MediaConfiguration(bindAddress: "127.0.0.1", ports: 12_000...31_999))
        let sides = [try Side("127.0.0.2"), try Side("127.0.0.3")]
        let up = (0..<30).map { UInt8($0) }
        let down = (30..<60).map { UInt8($0) }
        let all = try (0..<calls).map { number -> Call in
            let session = engine.makeSession(id: "\(number)") { _ in }
            let (a, b) = (try session.openLeg(.a), try session.openLeg(.b))
            let ssrc = UInt32(number + 1)
            session.connect(
                .a,
                LegParameters(
                    remote: sides[0].address, audioPayloadType: 111,
                    srtp: try SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: up, send: down), ssrc: ssrc,
                    cname: "bench"))
            session.connect(
                .b, LegParameters(remote: sides[1].address, audioPayloadType: 96, ssrc: ssrc, cname: "bench"))
            session.bridge()
            session.start(.a)
            session.start(.b)
            let peer = try Peer(SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: down, send: up))
            return Call(session: session, a: a, b: b, peer: peer)
        }
        _ = await engine.currentStatistics()
        let readers = sides.map { side in Reader(side) }
        // Some of a second to settle, then the span whose CPU time counts: readers sleep rather than wait, as waking a
        // waiting peer on this machine would be charged to the worker. Then a span for the delay, with readers waiting.
        send(all, sides, frames: 25, from: 0)
        let before = await engine.currentStatistics()
        send(all, sides, frames: seconds * 50, from: 25)
        let after = await engine.currentStatistics()
        readers.forEach { $0.wait() }
        send(all, sides, frames: 100, from: 25 + seconds * 50)
        readers.forEach { $0.stop() }
        let packets = after.packetsReceived - before.packetsReceived
        let cpu = after.workerCPU - before.workerCPU
        let microseconds = Double(cpu.components.seconds) * 1e6 + Double(cpu.components.attoseconds) / 1e12
        let sent = UInt64(calls * 2 * seconds * 50)
        print("media engine, \(calls) calls for \(seconds) s, SRTP <-> RTP, both ways:")
        print(
            "  packets in \(packets) of \(sent), out \(after.packetsSent - before.packetsSent);"
                + " CPU per packet \(Figure.text(microseconds / Double(max(1, packets)))) us; budget 8 us")
        let delays = readers.flatMap { $0.delays }.sorted()
        if !delays.isEmpty {
            let p50 = Double(delays[delays.count / 2]) / 1_000
            let p99 = Double(delays[delays.count * 99 / 100]) / 1_000
            print("  socket to socket p50 \(Figure.text(p50, digits: 0)) us, p99 \(Figure.text(p99, digits: 0)) us")
        }
        engine.shutdown()
        guard packets == sent else { throw BenchError(description: "the engine did not see \(sent - packets) packets") }
    }

    /// Each call sends a packet on both sides every 20 ms, calls spread evenly over the time.
    private func send(_ all: [Call], _ sides: [Side], frames: Int, from first: Int) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 512, alignment: 64)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0x55)
        let step: UInt64 = 20_000_000 / UInt64(all.count)
        var due = cmio_clock(Int32(CMIO_MONOTONIC))
        for frame in first..<first + frames {
            for (index, call) in all.enumerated() {
                wait(until: due)
                due += step
                for side in 0..<2 {
                    RTPHeader(
                        marker: false, payloadType: side == 0 ? 111 : 96,
                        sequenceNumber: UInt16(truncatingIfNeeded: frame),
                        timestamp: UInt32(truncatingIfNeeded: frame * 960), ssrc: UInt32(index + 1)
                    ).write(into: memory)
                    // SRTP hides the time of sending from the other side's reader; RTP to SRTP is not timed.
                    memory.storeBytes(
                        of: cmio_clock(Int32(CMIO_MONOTONIC)), toByteOffset: 16, as: UInt64.self)
                    let length = side == 0 ? call.peer.protect(memory, 72) : 72
                    sides[side].send(memory, length, to: side == 0 ? call.a : call.b)
                }
            }
        }
    }

    private func wait(until instant: UInt64) {
        let now = cmio_clock(Int32(CMIO_MONOTONIC))
        if instant > now { usleep(UInt32((instant - now) / 1_000)) }
    }
}

/// One side's socket, shared by all its calls.
private final class Side: Sendable {
    let descriptor: Int32
    let address: MediaAddress

    init(_ host: String) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var size: Int32 = 8 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        var name = sockaddr_in6()
        var length = try Self.fill(&name, host, 0)
        let bound = withUnsafeMutablePointer(to: &name) { name in
            name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound, let address = MediaAddress(host, port: UInt16(bigEndian: name.sin6_port)) else {
            throw BenchError(description: "cannot bind \(host)")
        }
        self.descriptor = descriptor
        self.address = address
    }

    deinit { close(descriptor) }

    /// A `sockaddr_in` in the memory of the larger kind.
    private static func fill(_ name: inout sockaddr_in6, _ host: String, _ port: UInt16) throws -> socklen_t {
        try withUnsafeMutablePointer(to: &name) { name in
            try name.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { name in
                name.pointee.sin_family = sa_family_t(AF_INET)
                name.pointee.sin_port = port.bigEndian
                guard inet_pton(AF_INET, host, &name.pointee.sin_addr) == 1 else {
                    throw BenchError(description: "\(host) is no address")
                }
                return socklen_t(MemoryLayout<sockaddr_in>.size)
            }
        }
    }

    func send(_ packet: UnsafeMutableRawBufferPointer, _ length: Int, to address: MediaAddress) {
        var name = sockaddr_in6()
        guard let size = try? Self.fill(&name, address.host, address.port) else { return }
        var packet = cmio_packet(data: packet.baseAddress, length: length)
        cmio_send(descriptor, &name, size, &packet, 1)
    }
}

/// Empties a side's socket on a thread of its own, and takes the delay of packets that carry their time in clear.
private final class Reader: @unchecked Sendable {
    private let side: Side
    private var thread = pthread_t()
    private let isWaiting = Flag()
    private let isDone = Flag()
    /// Nanoseconds. Written by the thread, read after ``stop()``.
    private(set) var delays: [UInt64] = []

    init(_ side: Side) {
        self.side = side
        delays.reserveCapacity(1 << 20)
        let context = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<Reader>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
    }

    /// Takes packets as they come from now on, and their delays.
    func wait() {
        isWaiting.value.store(true, ordering: .relaxed)
    }

    func stop() {
        isDone.value.store(true, ordering: .relaxed)
        pthread_join(thread, nil)
    }

    private func run() {
        guard let batch = cmio_batch_create() else { return }
        var wanted = pollfd(fd: side.descriptor, events: Int16(POLLIN), revents: 0)
        while !isDone.value.load(ordering: .relaxed) {
            let waits = isWaiting.value.load(ordering: .relaxed)
            if waits {
                guard poll(&wanted, 1, 100) == 1 else { continue }
            } else {
                usleep(1_000)
            }
            let count = cmio_receive(batch, side.descriptor)
            let now = cmio_clock(Int32(CMIO_MONOTONIC))
            for index in 0..<max(0, count) where waits && cmio_batch_length(batch, index) == 72 {
                guard let data = cmio_batch_data(batch, index), delays.count < delays.capacity else { continue }
                let sent = data.load(fromByteOffset: 16, as: UInt64.self)
                if sent < now, now - sent < 5_000_000_000 { delays.append(now - sent) }
            }
        }
        free(UnsafeMutableRawPointer(batch))
    }
}

private final class Flag: Sendable {
    let value = Atomic<Bool>(false)
}
