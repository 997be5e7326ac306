import CMediaIO
import Synchronization

/// Commands on their way to a worker. An urgent one wakes its thread; the others are taken with it, or when the thread is
/// awake anyway, which it is four times a second: a wake-up costs more than most commands.
final class Mailbox: Sendable {
    private struct State: Sendable {
        var commands: [MediaCommand] = []
        var isOpen = true
        /// The thread has been woken for what waits.
        var isSignalled = false
    }

    /// Commands that may wait. A worker takes them at every wake-up, so that only a stuck one gets here.
    static let capacity = 100_000

    private let state = Mutex(State())
    private let waiting = Atomic<Bool>(false)
    /// An eventfd, readable while an urgent command waits.
    let descriptor: Int32

    /// Throws an errno value.
    init() throws(SystemError) {
        descriptor = cmio_event_open()
        guard descriptor >= 0 else { throw SystemError(code: -descriptor) }
    }

    deinit {
        UDPSocket.close(descriptor)
    }

    /// False: the worker has stopped or hangs, and the command was not taken. A close is taken even beyond the capacity.
    @discardableResult
    func post(_ command: MediaCommand, urgent: Bool = true) -> Bool {
        let (taken, wake) = state.withLock { state in
            guard state.isOpen, state.commands.count < Self.capacity || command.isClosing else { return (false, false) }
            state.commands.append(command)
            waiting.store(true, ordering: .relaxed)
            guard urgent, !state.isSignalled else { return (true, false) }
            state.isSignalled = true
            return (true, true)
        }
        if wake { cmio_event_signal(descriptor) }
        return taken
    }

    /// For the worker: whether anything waits, urgent or not.
    var hasMail: Bool { waiting.load(ordering: .relaxed) }

    /// For the worker, when the descriptor has become readable.
    func clearSignal() { cmio_event_clear(descriptor) }

    /// For the worker: everything that waits, in order. A signal that is still on its way wakes it once in vain.
    func take() -> [MediaCommand] {
        state.withLock { state in
            defer {
                state.commands = []
                state.isSignalled = false
                waiting.store(false, ordering: .relaxed)
            }
            return state.commands
        }
    }

    /// For the worker when it stops: nothing is taken any more; what still waits is returned.
    func shut() -> [MediaCommand] {
        state.withLock { state in
            state.isOpen = false
            defer { state.commands = [] }
            return state.commands
        }
    }
}
