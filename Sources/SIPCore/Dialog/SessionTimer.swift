//                  ┌─────┐
//                  │ off │
//                  └─────┘
//   2xx with          │ ▲   2xx without Session-Expires
//   Session-Expires   ▼ │
//              ┌─────────────┐  half the interval, when we refresh: refresh
//              │   running   │  interval − min(32 s, a third): expired
//              └─────────────┘
//   Every 2xx to an INVITE or UPDATE, whoever sent it, agrees anew.

/// What two user agents have agreed on for the life of a session (RFC 4028). It negotiates; the dialog's machine owns
/// the two timers that follow from it.
public struct SessionTimer: Hashable, Sendable {
    /// What we ask for.
    public struct Preference: Hashable, Sendable {
        /// Seconds that we propose as the interval.
        public var interval: Int
        /// Seconds below which we refuse with 422; 90 is the least that the RFC allows.
        public var minimum: Int

        public init(interval: Int = 1_800, minimum: Int = 90) {
            self.minimum = max(minimum, SessionTimer.floor)
            self.interval = max(interval, self.minimum)
        }
    }

    private struct Agreement: Hashable, Sendable {
        var seconds: Int
        var weRefresh: Bool
    }

    static let option = "timer"
    /// §5: Min-SE is never below.
    private static let floor = 90

    private let preference: Preference
    /// Raised by the peer's 422.
    private var minimum: Int
    private var agreement: Agreement?

    public init(_ preference: Preference = Preference()) {
        self.preference = preference
        minimum = preference.minimum
    }

    // MARK: Our requests

    /// For an INVITE or UPDATE of ours; Supported is not among them.
    var requestFields: [HeaderField] {
        let value: SessionExpires
        if let agreement {
            // §7.4: the roles stay, as seen from this request.
            value = SessionExpires(
                seconds: max(agreement.seconds, minimum), refresher: agreement.weRefresh ? .uac : .uas)
        } else {
            value = SessionExpires(seconds: max(preference.interval, minimum))
        }
        var fields = [HeaderField(.sessionExpires, value.description)]
        if minimum > Self.floor { fields.append(HeaderField(.minSE, "\(minimum)")) }
        return fields
    }

    /// A 2xx to an INVITE or UPDATE of ours (§7.2).
    mutating func agree(with response: Response) {
        guard let expires = response.headers.sessionExpires else {
            agreement = nil
            return
        }
        // Without the parameter, which the RFC demands: refreshing once too often does no harm.
        agreement = Agreement(seconds: max(expires.seconds, Self.floor), weRefresh: expires.refresher != .uas)
    }

    /// Takes the Min-SE of a 422 (§7.3). False when the request would be the same again.
    mutating func raise(to response: Response) -> Bool {
        guard let least = response.headers.minSE, least > max(minimum, agreement?.seconds ?? preference.interval)
        else { return false }
        minimum = least
        return true
    }

    // MARK: The peer's requests

    /// Min-SE of the 422 that an INVITE or UPDATE of the peer gets; nil when there is nothing against it. A peer that
    /// knows no session timer did not write the value and cannot mend it (§9).
    func refuses(_ request: Request) -> Int? {
        guard let expires = request.headers.sessionExpires, expires.seconds < preference.minimum,
            request.headers.knows(Self.option)
        else { return nil }
        return preference.minimum
    }

    /// Agrees with an INVITE or UPDATE of the peer that is answered 2xx, and gives the fields of that answer (§9).
    mutating func answer(_ request: Request) -> [HeaderField] {
        let known = request.headers.knows(Self.option)
        let seconds: Int
        let refresher: SessionExpires.Refresher
        if let expires = request.headers.sessionExpires, expires.seconds >= Self.floor {
            let least = max(request.headers.minSE ?? 0, preference.minimum)
            seconds = min(expires.seconds, max(preference.interval, least))
            refresher = known ? expires.refresher ?? .uac : .uas
        } else if let agreement, known {
            seconds = agreement.seconds
            refresher = agreement.weRefresh ? .uas : .uac
        } else {
            agreement = nil
            return []
        }
        agreement = Agreement(seconds: seconds, weRefresh: refresher == .uas)
        let field = HeaderField(.sessionExpires, SessionExpires(seconds: seconds, refresher: refresher).description)
        return known ? [HeaderField(.require, Self.option), field] : [field]
    }

    // MARK: Timers

    /// From the last agreement on; nil when the peer refreshes or nobody does.
    var refreshDelay: Duration? {
        agreement.flatMap { $0.weRefresh ? .milliseconds($0.seconds * 500) : nil }
    }

    /// From the last agreement on: no refresh by then ends the call (§10).
    var expiryDelay: Duration? {
        agreement.map { .seconds($0.seconds - min(32, $0.seconds / 3)) }
    }
}
