import Synchronization

/// Values that one side puts in and another waits for, in order.
final class Inbox<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var waiters: [CheckedContinuation<Element?, Never>] = []
        var isFinished = false
    }
    private let state = Mutex(State())

    func push(_ element: Element) {
        let waiter = state.withLock { state -> CheckedContinuation<Element?, Never>? in
            guard state.waiters.isEmpty else { return state.waiters.removeFirst() }
            state.elements.append(element)
            return nil
        }
        waiter?.resume(returning: element)
    }

    func finish() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            state.isFinished = true
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: nil) }
    }

    /// Nil when it is finished and nothing is left, or the test's time is over.
    func next() async -> Element? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> Element?? in
                    if !state.elements.isEmpty { return .some(state.elements.removeFirst()) }
                    if state.isFinished { return .some(nil) }
                    state.waiters.append(continuation)
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            finish()
        }
    }
}
