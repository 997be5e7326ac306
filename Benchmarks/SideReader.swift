import CMediaIO
import Glibc
import Synchronization

/// Empties a side's socket on a thread of its own, counts what comes, and takes the delay of packets that carry their time
/// in clear.
final class SideReader: @unchecked Sendable {
    private let side: Side
    private var thread = pthread_t()
    private let isWaiting = Atomic<Bool>(false)
    private let isDone = Atomic<Bool>(false)
    private let count = Atomic<Int>(0)
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
                Unmanaged<SideReader>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
    }

    /// RTP packets so far.
    var received: Int { count.load(ordering: .relaxed) }

    /// Takes packets as they come from now on, and their delays. Before, it sleeps: on this side of a loopback, waking a
    /// waiting thread is charged to the sender, the relay under test.
    func wait() { isWaiting.store(true, ordering: .relaxed) }

    func stop() {
        isDone.store(true, ordering: .relaxed)
        pthread_join(thread, nil)
    }

    private func run() {
        guard let batch = cmio_batch_create() else { return }
        defer { free(UnsafeMutableRawPointer(batch)) }
        var wanted = pollfd(fd: side.descriptor, events: Int16(POLLIN), revents: 0)
        while !isDone.load(ordering: .relaxed) {
            let waits = isWaiting.load(ordering: .relaxed)
            if waits {
                guard poll(&wanted, 1, 100) == 1 else { continue }
            } else {
                usleep(1_000)
            }
            take(batch, waits)
        }
    }

    private func take(_ batch: OpaquePointer, _ waits: Bool) {
        while true {
            let filled = cmio_receive(batch, side.descriptor)
            let now = cmio_clock(Int32(CMIO_MONOTONIC))
            for index in 0..<max(0, filled) {
                let length = cmio_batch_length(batch, index)
                guard length >= 72, let data = cmio_batch_data(batch, index), !Self.isRTCP(data) else { continue }
                count.add(1, ordering: .relaxed)
                guard waits, length == 72, delays.count < delays.capacity else { continue }
                let sent = data.load(fromByteOffset: 16, as: UInt64.self)
                if sent < now, now - sent < 5_000_000_000 { delays.append(now - sent) }
            }
            if filled < CMIO_BATCH { return }
        }
    }

    /// RFC 5761 §4.
    static func isRTCP(_ packet: UnsafeMutableRawPointer) -> Bool {
        (192...223).contains(packet.load(fromByteOffset: 1, as: UInt8.self))
    }
}
