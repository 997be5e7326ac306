import CMediaIO
import Synchronization

/// Commands on their way to a worker. Posting wakes its thread.
final class Mailbox: Sendable {
    private struct State: Sendable {
        var commands: [MediaCommand] = []
        var isOpen = true
    }

    /// Commands that may wait. A worker takes them at every wake-up, so that only a stuck one gets here.
    static let capacity = 100_000

    private let state = Mutex(State())
    /// An eventfd, readable while commands wait.
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
    func post(_ command: MediaCommand) -> Bool {
        let (taken, wake) = state.withLock { state in
            guard state.isOpen, state.commands.count < Self.capacity || command.isClosing else { return (false, false) }
            state.commands.append(command)
            return (true, state.commands.count == 1)
        }
        if wake { cmio_event_signal(descriptor) }
        return taken
    }

    /// For the worker: everything that waits, in order.
    func take() -> [MediaCommand] {
        cmio_event_clear(descriptor)
        return state.withLock { state in
            defer { state.commands = [] }
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
