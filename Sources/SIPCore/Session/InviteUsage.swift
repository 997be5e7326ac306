/// What an INVITE brings into its dialog, early or established: the session description and the session timer, and with
/// them the answers to the peer's requests that touch neither the dialog's life nor a transfer.
struct InviteUsage: Sendable {
    let answers: InDialogAnswers
    var offers: OfferAnswerState
    var timer: SessionTimer
    /// The peer refreshed the session, or ended the timer, by the request just answered.
    private(set) var agreedAnew = false

    struct Answer: Sendable {
        var response: Response
        var reports: [InDialogReport] = []
    }

    /// - Parameters:
    ///   - early: the INVITE that makes the dialog is still open.
    ///   - ourInvite: a re-INVITE of ours is open.
    mutating func answer(_ request: Request, early: Bool, ourInvite: Bool = false) -> Answer {
        agreedAnew = false
        switch request.method {
        case .invite, .update, .options, .info, .refer:
            if let refusal = answers.unsupported(request) { return Answer(response: refusal) }
        default:
            break
        }
        switch request.method {
        case .invite where early:
            // RFC 3261 §14.2: not before the first one is answered; the peer tries again.
            return later(request)
        case .invite where ourInvite:
            return Answer(response: answers.response(to: request, 491))
        case .invite:
            return session(request, early: early)
        case .update where answers.policy == .answer && !request.body.isEmpty:
            // RFC 3311 §5.2: an offer of theirs waits for our answer, or one of ours for theirs.
            if offers.state == .received { return later(request) }
            if offers.state == .sent || ourInvite { return Answer(response: answers.response(to: request, 491)) }
            return session(request, early: early)
        case .update:
            return session(request, early: early)
        case .info where answers.policy == .answer:
            return info(request)
        default:
            return Answer(response: answers.response(to: request))
        }
    }

    private func later(_ request: Request) -> Answer {
        Answer(response: answers.response(to: request, 500, [HeaderField(.retryAfter, "2")]))
    }

    /// An INVITE or UPDATE that nothing stands against.
    private mutating func session(_ request: Request, early: Bool) -> Answer {
        guard answers.policy == .answer else {
            return Answer(response: answers.response(to: request, 488, [answers.mediaIsSettled]))
        }
        if let least = timer.refuses(request) {
            return Answer(response: answers.response(to: request, 422, [HeaderField(.minSE, "\(least)")]))
        }
        var body: [UInt8] = []
        var reports: [InDialogReport] = []
        if !request.body.isEmpty {
            do {
                guard let answer = try offers.answer(request.body, contentType: request.headers.contentType) else {
                    return Answer(response: answers.response(to: request, 488, [answers.mediaIsSettled]))
                }
                body = answer.body
                reports = [.media(answer.stream)]
            } catch {
                return Answer(response: answers.refusal(of: request, error))
            }
        } else if request.method == .invite {
            guard let offer = offers.offer() else {
                return Answer(response: answers.response(to: request, 488, [answers.mediaIsSettled]))
            }
            body = offer
        }
        var headers = [answers.contact, answers.allow] + answers.supported
        if !early {
            headers += timer.answer(request)
            agreedAnew = true
        }
        if !body.isEmpty { headers.append(HeaderField(.contentType, "application/sdp")) }
        return Answer(response: answers.response(to: request, 200, headers, body: body), reports: reports)
    }

    private func info(_ request: Request) -> Answer {
        // RFC 6086 §4.2.2: we have asked for no package.
        if request.headers[first: "Info-Package"] != nil {
            return Answer(response: answers.response(to: request, 469, [HeaderField("Recv-Info", "nil")]))
        }
        switch SignalledDigit.read(request) {
        case .digit(let digit): return Answer(response: answers.response(to: request, 200), reports: [.digit(digit)])
        case .empty: return Answer(response: answers.response(to: request, 200))
        case .otherType:
            return Answer(
                response: answers.response(to: request, 415, [HeaderField(.accept, SignalledDigit.types)]))
        case .malformed: return Answer(response: answers.response(to: request, 400))
        }
    }
}
