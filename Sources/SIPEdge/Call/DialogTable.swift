package import SIPCore

/// Finds the leg that an in-dialog message belongs to, by Call-ID and our own tag; the leg's machine checks the peer's.
package final class DialogTable {
    package struct Key: Hashable {
        let callID: String
        let localTag: String

        package init(callID: String, localTag: String) {
            self.callID = callID
            self.localTag = localTag
        }
    }

    /// What a leg does with messages of its dialog.
    package protocol Leg: AnyObject {
        /// A request other than ACK; it is answered through its transaction.
        func received(_ request: Request, _ transaction: ServerTransaction)
        func receivedACK(_ request: Request)
        /// A 2xx to our INVITE after its transaction ended.
        func receivedStray(_ response: Response)
        /// Where the dialog's messages come from and go to; nil before the first has left.
        var origin: Origin? { get }
    }

    /// Whom a dialog is with: messages of others are none of its.
    package struct Origin {
        let flow: Flow
        let side: TransportLayer.Side
    }

    private var legs: [Key: any Leg] = [:]
    /// The last dialog is over, its last request answered.
    package var onEmpty: () -> Void = {}

    /// A message of a dialog came from somebody else than its peer.
    package var onElsewhere: () -> Void = {}
    private let accepts: (Flow, Origin) -> Bool

    /// - Parameter accepts: whether a message that came by the flow may belong to a dialog of that origin; stand-ins take
    ///   all.
    package init(accepts: @escaping (Flow, Origin) -> Bool = { _, _ in true }) { self.accepts = accepts }

    package var count: Int { legs.count }

    package func add(_ leg: any Leg, _ key: Key) { legs[key] = leg }
    package func remove(_ key: Key) {
        legs[key] = nil
        if legs.isEmpty { onEmpty() }
    }

    /// False when no dialog of ours is meant, or the message comes from elsewhere than the dialog's peer.
    package func route(_ incoming: TransactionDriver.Incoming) -> Bool {
        guard let leg = leg(of: incoming.request, incoming.flow) else { return false }
        leg.received(incoming.request, incoming.transaction)
        return true
    }

    package func routeACK(_ request: Request, _ flow: Flow) {
        leg(of: request, flow)?.receivedACK(request)
    }

    package func routeStray(_ response: Response, _ flow: Flow) {
        guard let callID = response.headers.callID, let tag = response.headers.from?.tag,
            let leg = legs[Key(callID: callID, localTag: tag)], belongs(flow, to: leg)
        else { return }
        leg.receivedStray(response)
    }

    /// Whether an INVITE from outside is one that we have sent: its dialog is one of ours already.
    package func isOurs(_ invite: Request) -> Bool {
        guard let callID = invite.headers.callID, let tag = invite.headers.from?.tag else { return false }
        return legs[Key(callID: callID, localTag: tag)] != nil
    }

    private func belongs(_ flow: Flow, to leg: any Leg) -> Bool {
        guard let origin = leg.origin else { return false }
        let belongs = origin.flow == flow || accepts(flow, origin)
        if !belongs { onElsewhere() }
        return belongs
    }

    private func leg(of request: Request, _ flow: Flow) -> (any Leg)? {
        guard let callID = request.headers.callID, let tag = request.headers.to?.tag,
            let leg = legs[Key(callID: callID, localTag: tag)], belongs(flow, to: leg)
        else { return nil }
        return leg
    }
}
