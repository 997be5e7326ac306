/// What tells transactions apart (RFC 3261 §17.1.3 and §17.2.3).
///
/// Keys of client and of server transactions belong in tables of their own: ours and the peer's branches are not
/// guaranteed to differ.
public struct TransactionKey: Hashable, Sendable {
    /// Branches that begin so are unique in space and time (RFC 3261 §8.1.1.7).
    public static let magicCookie = "z9hG4bK"

    private enum Storage: Hashable, Sendable {
        case branch(String, sentBy: String)
        /// RFC 2543: no such branch. To tags are left out, as the ACK has one and its INVITE has not.
        case legacy(uri: String, fromTag: String?, callID: String, number: UInt32, via: String)
    }
    private let storage: Storage
    /// ACK counts as INVITE.
    public let method: Method

    private init(_ storage: Storage, _ method: Method) {
        self.storage = storage
        self.method = method == .ack ? .invite : method
    }

    /// The server transaction that a received request makes or belongs to; nil when Via, Call-ID or CSeq is not there.
    public init?(server request: Request) {
        guard let via = request.headers.topVia else { return nil }
        if let branch = via.branch, branch.hasPrefix(Self.magicCookie) {
            self.init(.branch(branch, sentBy: via.sentBy.asciiLowercased), request.method)
            return
        }
        guard let callID = request.headers.callID, let cseq = request.headers.cseq else { return nil }
        self.init(
            .legacy(
                uri: request.uri.description, fromTag: request.headers.from?.tag, callID: callID, number: cseq.number,
                via: "\(via.sentBy.asciiLowercased);\(via.branch ?? "")"),
            request.method)
    }

    /// The client transaction that a received response belongs to; nil when it has no branch or CSeq.
    public init?(client response: Response) {
        guard let branch = response.headers.topVia?.branch, let cseq = response.headers.cseq else { return nil }
        self.init(.branch(branch, sentBy: ""), cseq.method)
    }

    /// The client transaction of a request we send; nil when its Via is missing.
    public init?(client request: Request) {
        guard let branch = request.headers.topVia?.branch else { return nil }
        self.init(.branch(branch, sentBy: ""), request.method)
    }

    /// The INVITE server transaction that a received CANCEL means (RFC 3261 §9.2).
    public static func invite(forCancel cancel: Request) -> TransactionKey? {
        TransactionKey(server: cancel)?.invite
    }

    /// The INVITE transaction with the same branch.
    public var invite: TransactionKey { TransactionKey(storage, .invite) }
}
