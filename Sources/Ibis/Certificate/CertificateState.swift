import Foundation
import Synchronization

/// The certificate in use, for `/status`.
final class CertificateState: Sendable {
    private struct Values {
        var expires: Date?
        var problem: String?
    }

    private let values: Mutex<Values>

    init(expires: Date?) { values = Mutex(Values(expires: expires)) }

    func use(expires: Date?) { values.withLock { $0 = Values(expires: expires) } }

    /// Newer files could not be used.
    func refuse(_ problem: String) { values.withLock { $0.problem = problem } }

    var expires: Date? { values.withLock { $0.expires } }
    /// Why the files on disk are not in use.
    var problem: String? { values.withLock { $0.problem } }
}
