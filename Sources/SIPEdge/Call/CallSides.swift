import Logging
import Media
import NIOCore
import SIPCore

/// The side of a call that the INVITE came from. ``Call`` knows it, and the other side, by these acts alone.
///
/// Its events are `callerAcknowledged`, `callerCancelled` and `callerEnded`.
protocol CallerSide: AnyObject {
    var onEvent: (B2BUA.Event) -> Void { get set }
    /// 180 without SDP.
    func ring()
    /// 200 with the description for its leg.
    /// - Parameter fields: what the callee's side has to say to a PBX.
    func answer(with fields: [HeaderField])
    func reject(_ refusal: B2BUA.Refusal)
    func hangUp(_ cause: Q850Cause)
    /// Its ACK is here: sends it media from now on, in the same turn.
    func startMedia()
    /// What the log of the call's end says of this side.
    var facts: Logger.Metadata { get }
    /// A PBX calls, not Meta.
    var isPeer: Bool { get }
}

/// The side that is called: an attempt, several in turn, or an application.
///
/// Its events are `calleeProgress`, `calleeAnswered`, `calleeFailed`, `calleeUnusable` and `calleeEnded`; a failure is
/// reported once, when there is nothing left to try.
protocol CalleeSide: AnyObject {
    var onEvent: (B2BUA.Event) -> Void { get set }
    func start()
    /// CANCEL or BYE, as the state asks for.
    func end(_ cause: Q850Cause)
    /// What the answer of the callee says besides, as a PBX may hear it.
    var fieldsOfAnswer: [HeaderField] { get }
    /// Whether media passes between the two legs; an application is its own other end.
    var isRelayed: Bool { get }
    /// The caller hears us now.
    func callerIsListening()
    /// What the log of the call's end says of this side.
    var facts: Logger.Metadata { get }
}

extension CallerSide {
    var isPeer: Bool { false }
    var facts: Logger.Metadata { [:] }
}

extension CalleeSide {
    var fieldsOfAnswer: [HeaderField] { [] }
    var isRelayed: Bool { true }
    func callerIsListening() {}
    var facts: Logger.Metadata { [:] }
}

/// What a call has before it has sides: its id, its media, its log.
struct CallContext {
    let id: String
    let services: CallServices
    /// Leg `a` is Meta's side and leg `b` the PBX's, whichever calls.
    let media: MediaSession
    let mediaEvents: MediaEvents
    /// Of the PBX's side.
    let transfers = PeerTransfers()
    let logger: Logger
    private let record: CallLog.Record?

    init(services: CallServices, logger: Logger) {
        self.services = services
        id = services.ids.next()
        record = services.log.begin(id)
        var logger = logger
        logger[metadataKey: "call.id"] = "\(id)"
        self.logger = logger
        let events = MediaEvents(loop: services.loop)
        mediaEvents = events
        media = services.media.makeSession(id: id) { events.post($0) }
    }

    /// For one leg: `meta` or `peer`.
    func ladder(_ leg: String) -> MessageLadder { MessageLadder(logger: logger, leg: leg, record: record) }
}
