import SIPCore

/// Instants with something to do at each, the earliest on top. What was cancelled stays in it until its time comes; the
/// owner knows that it is void.
struct DeadlineHeap<Element> {
    private var entries: [(at: Instant, element: Element)] = []

    var next: Instant? { entries.first?.at }
    var isEmpty: Bool { entries.isEmpty }

    mutating func insert(_ element: Element, at: Instant) {
        entries.append((at, element))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].at < entries[parent].at else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// The earliest element when its time has come.
    mutating func pop(now: Instant) -> (at: Instant, element: Element)? {
        guard let first = entries.first, first.at <= now else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].at < entries[least].at { least = child }
            }
            guard least != parent else { return first }
            entries.swapAt(parent, least)
            parent = least
        }
    }
}
