import SIPCore

/// Judges requests of the business inside a dialog: to whom they go and by which way (meta-calling §7.3, §7.5).
struct RouteRules: Sendable, Hashable {
    /// Our Contact's URI as it was sent.
    var target: String
    /// Route values as they must stand, in order.
    var routes: [String]
    /// CSeq number and branch of the INVITE that the business sent; nil when the call is a WhatsApp user's.
    var invite: (number: UInt32, branch: String)? = nil
    /// CSeq number of the INVITE that Meta sent.
    var ownINVITE: UInt32 = 0

    static func == (a: RouteRules, b: RouteRules) -> Bool {
        a.target == b.target && a.routes == b.routes && a.ownINVITE == b.ownINVITE
    }
    func hash(into hasher: inout Hasher) { hasher.combine(target) }

    /// What is wrong with the way; a request with a wrong one gets 404, an ACK gets lost.
    func violations(_ request: Request) -> [Violation] {
        var found: [Violation] = []
        if request.uri.description != target { found.append(Violation(.remoteTarget, "\(request.uri.parameters)")) }
        let given = request.headers.elements(.route)
        if given != routes {
            found.append(Violation(.routeSet, given.isEmpty ? "no Route" : given.joined(separator: ", ")))
        }
        return found
    }

    /// What is wrong with an ACK to our 200 besides its way.
    func violations(ack: Request) -> [Violation] {
        guard let invite else { return [] }
        var found: [Violation] = []
        if ack.headers.cseq?.number != invite.number {
            found.append(Violation(.ackCSeq, "\(ack.headers.cseq?.number ?? 0) instead of \(invite.number)"))
        }
        if ack.headers.topVia?.branch == invite.branch { found.append(Violation(.ackBranch)) }
        return found
    }

    /// How a request that Meta does not take is answered; nil for BYE, which it does. meta-calling §7.5 gives 500 for a
    /// re-INVITE; the others are not in its Allow, which RFC 3261 §8.2.1 answers 405.
    static func refusal(_ request: Request) -> (status: Int, violation: Violation)? {
        switch request.method {
        case .bye: nil
        case .invite: (500, Violation(.reINVITE))
        case .options: (405, Violation(.optionsUnanswered))
        default: (405, Violation(.inDialogMethod, request.method.rawValue))
        }
    }
}
