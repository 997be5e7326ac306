import Logging
import SIPCore

/// A side that we called, in the place of the one that called us: the target of a transfer whose call came from the PBX.
final class CalledCaller: CallerSide {
    private let callee: any CalleeSide
    var onEvent: (B2BUA.Event) -> Void = { _ in }

    init(_ callee: any CalleeSide) {
        self.callee = callee
        callee.onEvent = { [weak self] event in
            if case .calleeEnded(let cause) = event { self?.onEvent(.callerEnded(cause)) }
        }
    }

    var isPeer: Bool { true }
    func hangUp(_ cause: Q850Cause) { callee.end(cause) }
    var facts: Logger.Metadata { callee.facts }

    // The call is answered, and its media flows.
    func ring() {}
    func answer(with fields: [HeaderField]) {}
    func reject(_ refusal: B2BUA.Refusal) {}
    func startMedia() {}
}
