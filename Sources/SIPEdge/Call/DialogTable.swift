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
        /// Whether a message of this dialog may come from there.
        func accepts(_ flow: Flow) -> Bool
    }

    private var legs: [Key: any Leg] = [:]
    /// The last dialog is over, its last request answered.
    package var onEmpty: () -> Void = {}

    package init() {}

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
            let leg = legs[Key(callID: callID, localTag: tag)], leg.accepts(flow)
        else { return }
        leg.receivedStray(response)
    }

    private func leg(of request: Request, _ flow: Flow) -> (any Leg)? {
        guard let callID = request.headers.callID, let tag = request.headers.to?.tag,
            let leg = legs[Key(callID: callID, localTag: tag)], leg.accepts(flow)
        else { return nil }
        return leg
    }
}
