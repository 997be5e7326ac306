/// Timers of ``UASInvite`` and ``UACInvite``.
public enum SessionTimerID: Hashable, Sendable, CaseIterable {
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
    /// A reliable provisional response again, until its PRACK is there (RFC 3262 §3).
    case retransmitProvisional
    /// No PRACK for 64·T1.
    case provisionalTimeout
    /// It is on us to refresh the session (RFC 4028 §7.2), at once or after a refusal.
    case refresh
    /// Nobody has refreshed the session (RFC 4028 §10).
    case sessionExpiry
}

/// Why a dialog that was established has ended.
public enum EndCause: Hashable, Sendable {
    /// The peer's BYE; its Reason and `x-wa-meta-call-duration` are in the request.
    case byPeer(Request)
    /// No ACK to a 2xx for 64·T1; a BYE has gone out.
    case noACK
    /// Our BYE.
    case byUs
    /// Nobody refreshed the session in time (RFC 4028 §10); a BYE has gone out.
    case sessionExpired
    /// Our refresh met a peer that knows no such call any more, or none at all: 408 or 481 (RFC 5057 §5.1); a BYE has
    /// gone out.
    case refreshFailed(status: Int)
    /// The answer to our offer, in an ACK, is missing or cannot be used; a BYE has gone out.
    case unusableAnswer(SDPRefusal)
}

/// What the client transaction of a request reports instead of a response.
public enum ClientFailure: Hashable, Sendable {
    case timedOut, transportFailed

    /// As if the peer had said so (RFC 3261 §8.1.3.1).
    var status: Int {
        switch self {
        case .timedOut: 408
        case .transportFailed: 503
        }
    }
}

/// What a peer may do besides calling and hanging up.
public enum ReofferPolicy: Hashable, Sendable {
    /// Nothing: 488 with a Warning to an offer in mid-call, as media is settled once and for all; no session timer, no
    /// reliable provisional responses, no transfer. For Meta's side, which wants none of it (meta-calling §7.5).
    case refuse
    /// All that a PBX does: an offer gets 200 with the description we have, direction mirrored; session timers,
    /// PRACK, UPDATE, REFER and digits by INFO are answered here.
    case answer

    /// The value of Allow that goes with it.
    public var allow: String {
        switch self {
        case .refuse: "INVITE, ACK, BYE, CANCEL, OPTIONS"
        case .answer: "INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER"
        }
    }

    /// Option tags that the peer may demand. Not `replaces`: no INVITE takes the place of another yet.
    public var extensions: [String] {
        switch self {
        case .refuse: []
        case .answer: ["100rel", "norefersub", "timer"]
        }
    }
}

/// What is the same for both sides of an answered INVITE.
public enum InDialogEvent: Hashable, Sendable {
    /// A response to a request of ours other than INVITE, CANCEL and BYE, or to a re-INVITE: each of its 2xx, repeated
    /// ones too.
    case responded(Response)
    /// There was none.
    case requestFailed(CSeq, ClientFailure)
    /// To a `transferAsked`: 202, and NOTIFYs from now on.
    case acceptTransfer
    /// 300–699 to the REFER.
    case refuseTransfer(status: Int, headers: [HeaderField])
    /// The status of the call to the transfer's target; a final one is the last.
    case transferProgress(status: Int)
}

/// What the peer did inside its dialog that the call may want to know.
public enum InDialogReport: Hashable, Sendable {
    /// An exchange of offer and answer is complete: where the peer's media is now, and which way it flows as the peer
    /// sees it. Codecs are as before.
    case media(AudioStream)
    /// A digit by INFO.
    case digit(SignalledDigit)
    /// The peer asks that its side of the call be taken over by somebody else. It waits for `acceptTransfer` or
    /// `refuseTransfer`.
    case transferAsked(Referral)
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
    /// All extensions that the peer demands.
    public var requiredExtensions: [String] { headers.elements(.require) }

    /// Extensions that the peer demands, of those that must be refused with 420 and Unsupported (RFC 3261 §8.2.2.3).
    public func unsupportedExtensions(_ policy: ReofferPolicy) -> [String] {
        guard headers.contains(where: { $0.name == .require }) else { return [] }
        return headers.elements(.require).filter { tag in
            !policy.extensions.contains { $0.equalsIgnoringASCIICase(tag) }
        }
    }
}
