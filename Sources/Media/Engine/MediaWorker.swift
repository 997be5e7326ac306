import CMediaIO
import Glibc
import Synchronization

/// Totals that a worker leaves for readers, about four times a second.
final class PublishedStatistics: Sendable {
    private let value = Mutex(EngineStatistics())

    var current: EngineStatistics { value.withLock { $0 } }

    func put(_ statistics: EngineStatistics) {
        value.withLock { $0 = statistics }
    }
}

/// A thread with its mailbox. What the thread works on is its ``WorkerLoop``, out of everybody's reach.
///
/// `@unchecked Sendable`: `batch` is used by the thread alone, everything else is immutable or synchronised.
final class MediaWorker: @unchecked Sendable {
    let mailbox: Mailbox
    let pool: PortPool
    let published = PublishedStatistics()
    let noMediaAfter: UInt64
    let epoll: Int32
    let batch: OpaquePointer
    /// Sessions given to this worker and not yet closed.
    let load = Atomic<Int>(0)
    private let name: String
    private let thread = Mutex<pthread_t?>(nil)

    /// Throws an errno value.
    init(number: Int, configuration: MediaConfiguration, pool: PortPool) throws(SystemError) {
        let mailbox = try Mailbox()
        let epoll = cmio_epoll_open()
        guard epoll >= 0 else { throw SystemError(code: -epoll) }
        let status = cmio_epoll_add(epoll, mailbox.descriptor, WorkerLoop.mailboxToken)
        guard status == 0, let batch = cmio_batch_create() else {
            UDPSocket.close(epoll)
            throw SystemError(code: status == 0 ? ENOMEM : -status)
        }
        name = "ibis-media-\(number)"
        self.mailbox = mailbox
        self.pool = pool
        self.epoll = epoll
        self.batch = batch
        noMediaAfter = configuration.noMediaAfter.wholeNanoseconds
    }

    deinit {
        UDPSocket.close(epoll)
        free(UnsafeMutableRawPointer(batch))
    }

    func start() throws(SystemError) {
        // The thread keeps the worker alive until it ends.
        let context = Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<MediaWorker>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, context)
        guard status == 0 else {
            Unmanaged<MediaWorker>.fromOpaque(context).release()
            throw SystemError(code: status)
        }
        self.thread.withLock { $0 = thread }
    }

    private func run() {
        cmio_name_thread(name)
        // Signals are the main thread's.
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var loop = WorkerLoop(worker: self)
        loop.run()
    }

    /// Stops the thread and waits for it, unless it is the caller's own.
    func stop() {
        mailbox.post(.stop)
        let thread = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let thread else { return }
        if pthread_equal(thread, pthread_self()) != 0 {
            pthread_detach(thread)
        } else {
            pthread_join(thread, nil)
        }
    }
}
