/// Names a session within its engine.
struct SessionKey: Hashable, Sendable {
    var value: UInt64
}

/// What a session's owner and its worker share.
final class SessionRecord: Sendable {
    let events: @Sendable (MediaEvent) -> Void
    let final: FinalStatistics

    init(events: @escaping @Sendable (MediaEvent) -> Void, final: FinalStatistics) {
        self.events = events
        self.final = final
    }
}

/// What the sessions and the engine ask of a worker.
enum MediaCommand: Sendable {
    case register(SessionKey, SessionRecord)
    case open(SessionKey, LegID, LegSockets)
    case connect(SessionKey, LegID, LegParameters)
    /// `at`: when the owner asked.
    case start(SessionKey, LegID, at: MediaInstant)
    case play(SessionKey, LegID, Prompt, loops: Int, then: AfterPlay)
    case silence(SessionKey, LegID)
    case echo(SessionKey, LegID)
    case bridge(SessionKey)
    case record(SessionKey, LegID, PacketRecording?)
    case sendDigits(SessionKey, LegID, String, duration: Duration, gap: Duration)
    case close(SessionKey)
    /// Answered on the worker's thread; nil: the session is gone.
    case statistics(SessionKey, reply: @Sendable ([LegID: LegStatistics]?) -> Void)
    case totals(reply: @Sendable (EngineStatistics) -> Void)
    case stop

    var isClosing: Bool {
        switch self {
        case .close, .stop: true
        default: false
        }
    }
}
