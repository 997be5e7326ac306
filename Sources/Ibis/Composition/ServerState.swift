import Synchronization
import WabaBridge

/// What the parts of the running server tell each other.
final class ServerState: Sendable {
    private struct Values {
        var numbers = 0
        var peers = 0
        var isStopping = false
    }

    private let values = Mutex(Values())

    func set(_ snapshot: StoreSnapshot) {
        values.withLock {
            $0.numbers = snapshot.numbers.count
            $0.peers = snapshot.peers.count
        }
    }

    func stop() { values.withLock { $0.isStopping = true } }

    var numbers: Int { values.withLock { $0.numbers } }
    var peers: Int { values.withLock { $0.peers } }
    var isStopping: Bool { values.withLock { $0.isStopping } }
}
