/// What names a dialog (RFC 3261 §12). Tags are compared, URIs never: Meta drops the `+` of a To user on the way
/// (meta-calling §12.2 (6)).
public struct DialogID: Hashable, Sendable {
    public var callID: String
    public var localTag: String
    /// "" for a peer of RFC 2543 that sends none.
    public var remoteTag: String

    public init(callID: String, localTag: String, remoteTag: String) {
        self.callID = callID
        self.localTag = localTag
        self.remoteTag = remoteTag
    }

    /// The dialog that a received request is inside; nil when its To has no tag.
    public init?(received request: Request) {
        guard let callID = request.headers.callID, let localTag = request.headers.toTag else { return nil }
        self.init(callID: callID, localTag: localTag, remoteTag: request.headers.fromTag ?? "")
    }

    /// The dialog that a received response makes or belongs to.
    public init?(received response: Response) {
        guard let callID = response.headers.callID, let localTag = response.headers.fromTag else { return nil }
        self.init(callID: callID, localTag: localTag, remoteTag: response.headers.toTag ?? "")
    }
}
