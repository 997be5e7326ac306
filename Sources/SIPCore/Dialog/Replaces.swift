/// The dialog that an INVITE shall take the place of (RFC 3891 §6.1).
public struct Replaces: Hashable, Sendable, CustomStringConvertible {
    public var callID: String
    /// The tag of the one who receives the INVITE.
    public var toTag: String
    /// The tag of the other party of that dialog.
    public var fromTag: String
    public var earlyOnly: Bool

    public init(callID: String, toTag: String, fromTag: String, earlyOnly: Bool = false) {
        self.callID = callID
        self.toTag = toTag
        self.fromTag = fromTag
        self.earlyOnly = earlyOnly
    }

    /// Nil when the value is malformed.
    public init?(_ value: String) {
        let text = value.utf8Span.span
        let end = text.firstIndex(of: UInt8(ascii: ";"), in: 0..<text.count) ?? text.count
        guard let callID = text.text(text.trimmed(0..<end)), !callID.isEmpty,
            !callID.utf8.contains(where: { $0.isWhitespace || $0 < 32 }),
            let parameters = Parameters(header: text, from: end),
            let toTag = parameters["to-tag"], let fromTag = parameters["from-tag"], !toTag.isEmpty, !fromTag.isEmpty
        else { return nil }
        self.init(callID: callID, toTag: toTag, fromTag: fromTag, earlyOnly: parameters.contains("early-only"))
    }

    public var description: String {
        "\(callID);to-tag=\(toTag);from-tag=\(fromTag)" + (earlyOnly ? ";early-only" : "")
    }

    /// The dialog as its other user agent, the one that receives the INVITE, knows it.
    public var dialog: DialogID { DialogID(callID: callID, localTag: toTag, remoteTag: fromTag) }
}

extension Replaces {
    /// How the dialog stands that an INVITE wants to replace.
    public enum Standing: Hashable, Sendable {
        /// Not here, or not with these tags.
        case unknown
        /// Not answered, and we are the one who is called.
        case ringingHere
        /// Not answered, and we are the one who calls.
        case ringingThere
        case established
        case ended
    }

    /// The final answer that an INVITE with Replaces gets at once; nil when it may take over (RFC 3891 §3).
    public func refusal(_ standing: Standing) -> Int? {
        switch standing {
        case .unknown, .ringingHere: 481
        case .ended: 603
        case .established: earlyOnly ? 486 : nil
        case .ringingThere: nil
        }
    }
}

extension Headers {
    public enum ReplacesField: Hashable, Sendable {
        case none, malformed
        case one(Replaces)
    }

    /// More than one Replaces, or one beside a Join, is as good as a malformed one: 400 (RFC 3891 §3).
    public var replaces: ReplacesField {
        let values = all(.replaces)
        guard let value = values.first else { return .none }
        guard values.count == 1, !contains(where: { $0.name == "Join" }), let replaces = Replaces(value) else {
            return .malformed
        }
        return .one(replaces)
    }
}
