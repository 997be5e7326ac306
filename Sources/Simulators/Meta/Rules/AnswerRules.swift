import SIPCore

/// Judges what a business answers to Meta's INVITE, message by message (meta-calling §5.3, §7.3, §8, §12.1).
struct AnswerRules: Sendable {
    /// The INVITE as it was sent last.
    var invite: Request
    let hostname: String

    /// Any response to the INVITE.
    func violations(_ response: Response) -> [Violation] {
        var found: [Violation] = []
        if let problem = viaProblem(response) { found.append(Violation(.responseVia, problem)) }
        if let problem = dialogProblem(response) { found.append(Violation(.responseDialog, problem)) }
        if response.isProvisional, !response.body.isEmpty {
            found.append(Violation(.provisionalWithSDP, "\(response.status)"))
        }
        if response.status >= 300, response.reason.isEmpty || response.status < 400 {
            found.append(Violation(.refusalWithoutReason, "\(response.status)"))
        }
        return found
    }

    /// Every Via as it left; the top one with where it came from.
    private func viaProblem(_ response: Response) -> String? {
        let sent = invite.headers.elements(.via)
        let came = response.headers.elements(.via)
        guard sent.count == came.count else { return "\(came.count) of \(sent.count)" }
        guard sent.dropFirst() == came.dropFirst() else { return "a lower Via is changed" }
        guard let own = sent.first.flatMap({ Via($0) }), let top = came.first.flatMap({ Via($0) }),
            own.branch == top.branch, own.host == top.host, own.port == top.port
        else { return "the top Via is changed" }
        guard top.parameters["received"]?.isEmpty == false, top.parameters["rport"]?.isEmpty == false else {
            return "received and rport are not filled in"
        }
        return nil
    }

    private func dialogProblem(_ response: Response) -> String? {
        let headers = response.headers
        for name: HeaderName in [.from, .callID, .cseq] where headers[first: name] != invite.headers[first: name] {
            return name.canonical
        }
        let to = invite.headers[first: .to] ?? ""
        guard headers[first: .to]?.hasPrefix(to) == true else { return "To" }
        if response.isSuccess, headers.to?.tag?.isEmpty != false { return "To without tag" }
        return nil
    }

    // MARK: The 200

    /// Both of Meta's lines, with nothing but the business's own above them (meta-calling §7.3).
    func recordRouteProblem(_ response: Response) -> String? {
        let sent = invite.headers.recordRoutes
        let came = response.headers.recordRoutes
        if Array(came.suffix(sent.count)) == sent { return nil }
        if came.isEmpty { return "none" }
        return Set(sent).isSubset(of: came) ? "out of order" : "changed"
    }

    /// Record-Route values that the business put above Meta's.
    func ownRoutes(_ response: Response) -> [String] {
        Array(response.headers.recordRoutes.dropLast(invite.headers.recordRoutes.count))
    }

    /// What keeps Meta's BYE from reaching the business; nil when nothing does.
    func contactProblem(_ uri: SIPURI) -> String? {
        if let problem = InviteRules.problem(contact: uri) { return problem }
        return uri.host == hostname.lowercased() ? nil : "another host than the configured one"
    }

    // MARK: Challenges

    /// Meta's own digest is known to answer MD5 with qop=auth (meta-calling §6.3).
    static func answerable(_ response: Response) -> DigestChallenge? {
        response.digestChallenges.first { challenge in
            challenge.algorithm == .md5 && !challenge.demandsOtherQop && !challenge.realm.isEmpty
                && !challenge.nonce.isEmpty
        }
    }
}
