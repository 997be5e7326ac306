import CMediaIO
import Glibc
import Media
import Synchronization

/// The least that a relay in user space can do: epoll, recvmmsg, sendto; no SRTP, no look at the packet. What it costs is
/// what this kernel asks of every relay.
final class BareForwarder: MediaUnderTest {
    let name = "bare forwarder"
    let calls: [CallUnderTest]
    private let threads: [ForwarderThread]

    init(calls: Int, sides: [Side]) throws {
        let legs = try (0..<calls).map { _ in [try Side("127.0.0.1"), try Side("127.0.0.1")] }
        self.calls = legs.map { legs in
            CallUnderTest(a: legs[0].address, b: legs[1].address, peer: nil, payloadTypeA: 111, payloadTypeB: 111)
        }
        let count = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        threads = try (0..<count).map { number in
            let own = legs.indices.filter { $0 % count == number }.map { legs[$0] }
            return try ForwarderThread(number: number, calls: own, sides: sides)
        }
    }

    func usage() throws -> CPUTime { try CPUTime.ofThreads(named: "bare-") }

    func stop() {
        for thread in threads { thread.stop() }
    }
}

private final class ForwarderThread: Sendable {
    private let number: Int
    private let calls: [[Side]]
    private let destinations: [SocketName]
    private let epoll: Int32
    private let isDone = Atomic<Bool>(false)
    private let thread = Mutex(pthread_t())

    init(number: Int, calls: [[Side]], sides: [Side]) throws {
        self.number = number
        self.calls = calls
        destinations = try sides.map { try SocketName($0.address.host, $0.address.port) }
        epoll = cmio_epoll_open()
        for (call, legs) in calls.enumerated() {
            for leg in 0..<2 where cmio_epoll_add(epoll, legs[leg].descriptor, UInt64(call * 2 + leg)) != 0 {
                throw BenchError(description: "cannot wait on a socket")
            }
        }
        let context = Unmanaged.passRetained(self).toOpaque()
        thread.withLock { thread in
            _ = pthread_create(
                &thread, nil,
                { context in
                    guard let context else { return nil }
                    Unmanaged<ForwarderThread>.fromOpaque(context).takeRetainedValue().run()
                    return nil
                }, context)
        }
    }

    deinit { close(epoll) }

    func stop() {
        isDone.store(true, ordering: .relaxed)
        _ = thread.withLock { pthread_join($0, nil) }
    }

    private func run() {
        cmio_name_thread("bare-\(number)")
        guard let batch = cmio_batch_create() else { return }
        defer { free(UnsafeMutableRawPointer(batch)) }
        var tokens = [UInt64](repeating: 0, count: 256)
        while !isDone.load(ordering: .relaxed) {
            let ready = cmio_epoll_wait(epoll, &tokens, 256, 100)
            for token in tokens.prefix(max(0, Int(ready))) {
                let (call, leg) = (Int(token / 2), Int(token % 2))
                for index in 0..<max(0, cmio_receive(batch, calls[call][leg].descriptor)) {
                    var packet = cmio_packet(
                        data: cmio_batch_data(batch, index), length: max(0, Int(cmio_batch_length(batch, index))))
                    calls[call][1 - leg].send(&packet, to: destinations[1 - leg])
                }
            }
        }
    }
}
