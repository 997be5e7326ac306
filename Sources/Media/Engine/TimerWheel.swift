/// One timer per leg, in a wheel of 512 slots of about a millisecond (2^20 ns). Arming, moving and firing cost a few
/// stores; a timer never fires early, and at most a slot late. Times beyond the wheel fire at its end: the owner looks at
/// the clock and arms again.
struct TimerWheel: ~Copyable {
    static let slots = 512
    private static let shift: UInt64 = 20
    private static let none: Int32 = -1

    /// First timer of each slot; `next` and `previous` link timers of one slot, `slot` says where a timer is.
    private let heads: UnsafeMutablePointer<Int32>
    private var next: UnsafeMutablePointer<Int32>
    private var previous: UnsafeMutablePointer<Int32>
    private var slot: UnsafeMutablePointer<Int32>
    private var capacity: Int
    private var occupied = [8 of UInt64](repeating: 0)
    /// The slot number, not yet reduced, up to which everything has fired.
    private var done: UInt64
    private var armed = 0

    init(now: MediaInstant) {
        heads = .allocate(capacity: Self.slots)
        heads.initialize(repeating: Self.none, count: Self.slots)
        capacity = 0
        next = .allocate(capacity: 0)
        previous = .allocate(capacity: 0)
        slot = .allocate(capacity: 0)
        done = now.nanoseconds >> Self.shift
    }

    deinit {
        heads.deallocate()
        next.deallocate()
        previous.deallocate()
        slot.deallocate()
    }

    /// Makes room for timers 0..<count. Not for the packet path.
    mutating func reserve(_ count: Int) {
        guard count > capacity else { return }
        next = Self.grown(next, capacity, count)
        previous = Self.grown(previous, capacity, count)
        slot = Self.grown(slot, capacity, count)
        capacity = count
    }

    private static func grown(
        _ table: UnsafeMutablePointer<Int32>, _ old: Int, _ new: Int
    ) -> UnsafeMutablePointer<Int32> {
        let larger = UnsafeMutablePointer<Int32>.allocate(capacity: new)
        larger.initialize(repeating: none, count: new)
        larger.update(from: table, count: old)
        table.deallocate()
        return larger
    }

    /// Sets timer `id` (below the reserved count), replacing what it was set to.
    mutating func arm(_ id: Int, at instant: MediaInstant) {
        precondition(id >= 0 && id < capacity, "timer outside the reserved ones")
        cancel(id)
        let wanted = (instant.nanoseconds &+ (1 << Self.shift - 1)) >> Self.shift
        let number = min(max(wanted, done + 1), done + UInt64(Self.slots) - 1)
        let index = Int(number % UInt64(Self.slots))
        let head = heads[index]
        next[id] = head
        previous[id] = Self.none
        if head != Self.none { previous[Int(head)] = Int32(truncatingIfNeeded: id) }
        heads[index] = Int32(truncatingIfNeeded: id)
        slot[id] = Int32(truncatingIfNeeded: index)
        occupied[index >> 6] |= 1 << UInt64(index & 63)
        armed += 1
    }

    mutating func cancel(_ id: Int) {
        precondition(id >= 0 && id < capacity, "timer outside the reserved ones")
        guard slot[id] != Self.none else { return }
        let index = Int(slot[id])
        let (before, after) = (previous[id], next[id])
        if before == Self.none { heads[index] = after } else { next[Int(before)] = after }
        if after != Self.none { previous[Int(after)] = before }
        if heads[index] == Self.none { occupied[index >> 6] &= ~(1 << UInt64(index & 63)) }
        slot[id] = Self.none
        armed -= 1
    }

    /// Takes a timer that is due; nil when none is left at `now`. The taken timer is not armed any more.
    mutating func pop(now: MediaInstant) -> Int? {
        let current = now.nanoseconds >> Self.shift
        while armed > 0, let number = firstOccupied(), number <= current {
            let id = heads[Int(number % UInt64(Self.slots))]
            done = number - 1
            cancel(Int(id))
            return Int(id)
        }
        done = max(done, current)
        return nil
    }

    /// Milliseconds until the next timer, rounded up, at most `limit`; 0 when one is due.
    func wait(now: MediaInstant, limit: Int) -> Int {
        guard armed > 0, let number = firstOccupied() else { return limit }
        let due = number << Self.shift
        guard due > now.nanoseconds else { return 0 }
        return min(limit, Int((due - now.nanoseconds + 999_999) / 1_000_000))
    }

    /// The number of the first slot after `done` that holds a timer.
    private func firstOccupied() -> UInt64? {
        let start = Int((done + 1) % UInt64(Self.slots))
        for step in 0...8 {
            let word = (start >> 6 + step) & 7
            var bits = occupied[word]
            if step == 0 { bits &= ~0 << UInt64(start & 63) }
            if step == 8 { bits &= ~(~0 << UInt64(start & 63)) }
            if bits != 0 {
                let index = word << 6 + bits.trailingZeroBitCount
                return done + 1 + UInt64((index - start) & (Self.slots - 1))
            }
        }
        return nil
    }
}
