/// What tells transactions apart (RFC 3261 §17.1.3 and §17.2.3).
///
/// Keys of client and of server transactions belong in tables of their own: ours and the peer's branches are not
/// guaranteed to differ.
public struct TransactionKey: Hashable, Sendable {
    /// Branches that begin so are unique in space and time (RFC 3261 §8.1.1.7).
    public static let magicCookie = "z9hG4bK"

    /// Branch and sent-by as one text, so that a look-up hashes and compares once. Without such a branch (RFC 2543)
    /// the parts of the message that §17.2.3 compares, one a line; To tags are left out, as the ACK has one and its
    /// INVITE has not.
    private let text: String
    /// ACK counts as INVITE.
    public let method: Method

    private init(_ text: String, _ method: Method) {
        self.text = text
        self.method = method == .ack ? .invite : method
    }

    /// The server transaction that a received request makes or belongs to; nil when Via, Call-ID or CSeq is not there.
    public init?(server request: Request) {
        let headers = request.headers
        guard let place = headers.topViaPlace else { return nil }
        let value = headers.octets.span.extracting(place)
        guard let layout = Via.Layout(value),
            let branch = Parameters.find("branch", header: value, from: layout.parameters)
        else { return nil }
        // Branch, a space and sent-by in lower case; a host that is IPv6 needs no brackets here.
        let port = layout.port.map { ":" + String($0) } ?? ""
        var text: [UInt8] = []
        text.reserveCapacity((branch?.count ?? 0) + layout.host.count + port.utf8.count + 1)
        if let branch { value.extracting(branch).append(to: &text) }
        text.append(.space)
        for position in layout.host { text.append(value[position].asciiLowercased) }
        text += port.utf8
        let via = text.span.text(0..<text.count) ?? ""
        if via.hasPrefix(Self.magicCookie) {
            self.init(via, request.method)
            return
        }
        guard let callID = headers.callID, let cseq = headers.cseq else { return nil }
        let tag = headers.fromTag.map { "=\($0)" } ?? ""
        self.init("\(request.uri)\n\(tag)\n\(callID)\n\(cseq.number)\n\(via)", request.method)
    }

    /// The client transaction that a received response belongs to; nil when it has no branch or CSeq.
    public init?(client response: Response) {
        guard let branch = response.headers.topBranch, let cseq = response.headers.cseq else { return nil }
        self.init(branch, cseq.method)
    }

    /// The client transaction of a request we send; nil when its Via is missing.
    public init?(client request: Request) {
        guard let branch = request.headers.topBranch else { return nil }
        self.init(branch, request.method)
    }

    /// The INVITE server transaction that a received CANCEL means (RFC 3261 §9.2).
    public static func invite(forCancel cancel: Request) -> TransactionKey? {
        TransactionKey(server: cancel)?.invite
    }

    /// The INVITE transaction with the same branch.
    public var invite: TransactionKey { TransactionKey(text, .invite) }
}
