/// How many of the new calls the signalling loop can serve: falls while the loop is busy all the time or late, and comes
/// back slowly. Fed with one sample of the loop every ``interval``.
///
/// Queues build up in sockets before the loop itself is late, so its work is counted as well as its lag. A share instead
/// of on and off: what is refused is what is too much, and the calls that are admitted are served at once.
struct LoadGauge: Sendable {
    /// How often a sample is due.
    static let interval = Duration.milliseconds(50)
    /// So many in a row mean overload; a single one may be another program's doing.
    private static let patience = 2
    /// Parts of the time at which the loop has no reserve left, and at which it has enough to take more.
    private static let full = 0.94
    private static let calm = 0.85
    /// Lag at which calls are refused whatever the load, in multiples of the threshold.
    private static let hopeless = 4

    private let threshold: Duration
    /// Part of the new calls that is admitted, 0 to 1.
    private(set) var share = 1.0
    private var overloaded = 0
    private var sum = 0.0

    /// - Parameter threshold: lag of the loop that is taken for overload.
    init(threshold: Duration) { self.threshold = threshold }

    /// - Parameters:
    ///   - busy: part of the time since the last sample that the loop's thread ran or waited for a processor, 0 to 1.
    ///   - lag: how late the loop came to take the sample.
    mutating func sample(busy: Double, lag: Duration) {
        if busy >= Self.full || lag >= threshold {
            overloaded += 1
            guard overloaded >= Self.patience else { return }
            share = lag >= threshold * Self.hopeless ? 0 : max(share * 0.8, 0.02)
        } else {
            overloaded = 0
            guard share < 1, busy < Self.calm, lag < threshold / 2 else { return }
            share = min(share + 0.03, 1)
        }
    }

    var isShedding: Bool { share < 1 }

    /// Whether the next new call is one of those that are admitted; spread evenly.
    mutating func admit() -> Bool {
        guard share < 1 else { return true }
        sum += share
        guard sum >= 1 else { return false }
        sum -= 1
        return true
    }
}
