/// Timers of ``UASInvite`` and ``UACInvite``.
public enum SessionTimerID: Hashable, Sendable {
    /// Our 2xx again, until its ACK is there (RFC 3261 §13.3.1.4).
    case retransmitAnswer
    /// No ACK to our 2xx.
    case answerTimeout
    /// Our 2xx to a re-INVITE again.
    case retransmitReanswer
    /// No ACK to our 2xx to a re-INVITE.
    case reanswerTimeout
    /// No final response to a cancelled INVITE (§9.1).
    case cancelTimeout
}

/// Why a dialog that was established has ended.
public enum EndCause: Hashable, Sendable {
    /// The peer's BYE; its Reason and `x-wa-meta-call-duration` are in the request.
    case byPeer(Request)
    /// No ACK to a 2xx for 64·T1; a BYE has gone out.
    case noACK
    /// Our BYE.
    case byUs
}

/// What the INVITE client transaction reports instead of a response.
public enum ClientFailure: Hashable, Sendable {
    case timedOut, transportFailed
}

/// What a peer hears that offers again within a call.
public enum ReofferPolicy: Hashable, Sendable {
    /// 488 with a Warning: media is settled once and for all. For Meta's side.
    case refuse
    /// 200 with the description we have, direction mirrored, so that connected-line updates, hold and session refreshes
    /// of a PBX do not end the call.
    case answer
}

extension SDPRefusal {
    /// What the refusal of a request says: Warning, and Accept with a 415.
    /// - Parameter agent: our host name, as the author of the Warning (RFC 3261 §20.43).
    public func headers(agent: String) -> [HeaderField] {
        var fields = [HeaderField(.warning, "\(warningCode) \(agent) \(QuotedString.quote(warningText))")]
        if status == 415 { fields.append(HeaderField(.accept, "application/sdp")) }
        return fields
    }
}

extension Request {
    /// Extensions that the peer demands and that must be refused with 420 and Unsupported, as none is supported
    /// (RFC 3261 §8.2.2.3).
    public var requiredExtensions: [String] { headers.elements(.require) }
}
