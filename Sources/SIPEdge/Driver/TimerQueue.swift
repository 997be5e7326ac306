import NIOCore

/// All timers of the signalling loop behind one scheduled task of it. The transactions of a busy edge hold tens of
/// thousands of timers for 32 s each, and the loop's own tasks are looked through one by one to cancel one of them.
///
/// Runs on its loop. Timers of the same time fire in the order in which they were armed.
final class TimerQueue {
    /// Names an armed timer; of no use once it has fired or was cancelled.
    struct Token {
        fileprivate let slot: Int
        fileprivate let number: UInt64
    }

    private struct Entry {
        let deadline: NIODeadline
        /// Unique, and in the order of arming.
        let number: UInt64
        let slot: Int

        static func < (left: Entry, right: Entry) -> Bool {
            left.deadline == right.deadline ? left.number < right.number : left.deadline < right.deadline
        }
    }

    private struct Slot {
        /// Of the timer that has the slot; 0: none.
        var number: UInt64 = 0
        var fire: () -> Void = {}
    }

    private let loop: any EventLoop
    /// A binary heap. A cancelled timer's entry stays until its time comes, or until such entries are the larger part.
    private var heap: [Entry] = []
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var lastNumber: UInt64 = 0
    private var wakeUp: Scheduled<Void>?
    private var wakeUpAt = NIODeadline.distantFuture
    private var isFiring = false

    init(loop: any EventLoop) { self.loop = loop }

    /// Timers that are armed.
    var count: Int { slots.count - freeSlots.count }
    /// What the queue holds in memory for them.
    var entries: Int { heap.count }

    func arm(at deadline: NIODeadline, _ fire: @escaping () -> Void) -> Token {
        lastNumber += 1
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = slots.count
            slots.append(Slot())
        }
        slots[slot] = Slot(number: lastNumber, fire: fire)
        push(Entry(deadline: deadline, number: lastNumber, slot: slot))
        if deadline < wakeUpAt { schedule() }
        return Token(slot: slot, number: lastNumber)
    }

    func cancel(_ token: Token) {
        guard slots[token.slot].number == token.number else { return }
        release(token.slot)
        if heap.count > 1_024, heap.count > 2 * count { dropCancelled() }
    }

    private func release(_ slot: Int) {
        slots[slot] = Slot()
        freeSlots.append(slot)
    }

    private func isArmed(_ entry: Entry) -> Bool { slots[entry.slot].number == entry.number }

    // MARK: The loop's task

    private func schedule() {
        guard !isFiring else { return }
        while let first = heap.first, !isArmed(first) { removeFirst() }
        guard let first = heap.first, first.deadline < wakeUpAt else { return }
        wakeUp?.cancel()
        wakeUpAt = first.deadline
        wakeUp = loop.assumeIsolated().scheduleTask(deadline: first.deadline) { [weak self] in self?.fireDue() }
    }

    private func fireDue() {
        wakeUp = nil
        wakeUpAt = .distantFuture
        isFiring = true
        let now = loop.now
        while let first = heap.first, first.deadline <= now {
            removeFirst()
            guard isArmed(first) else { continue }
            let fire = slots[first.slot].fire
            release(first.slot)
            fire()
        }
        isFiring = false
        schedule()
    }

    // MARK: The heap

    private func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entry < heap[parent] else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = entry
    }

    private func removeFirst() {
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last, from: 0) }
    }

    /// Puts the entry where it belongs at or below `parent`, whose own entry is overwritten.
    private func sink(_ entry: Entry, from parent: Int) {
        var parent = parent
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < entry else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = entry
    }

    private func dropCancelled() {
        heap.removeAll { !isArmed($0) }
        for parent in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(heap[parent], from: parent) }
    }
}
