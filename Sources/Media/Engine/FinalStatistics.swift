import Synchronization

/// The last values of a session's legs, left by its worker when it closed them.
final class FinalStatistics: Sendable {
    private let values = Mutex<[LegID: LegStatistics]>([:])

    var legs: [LegID: LegStatistics] { values.withLock { $0 } }

    func keep(_ statistics: LegStatistics, of leg: LegID) {
        values.withLock { $0[leg] = statistics }
    }
}
