/// The early dialogs of one INVITE of ours, one for each To tag that its provisional responses bring (RFC 3261 §12.1,
/// §13.2.2.4): an INVITE may fork.
struct EarlyDialogs: Sendable {
    private struct Early: Sendable {
        var dialog: Dialog
        var usage: InviteUsage
        var receiver = ReliableReceiver()
        /// The answer to our offer, from a reliable response: later ones, the 200 too, may leave it out (§13.2.1).
        var answer: (body: [UInt8], contentType: String?)?
        /// Where the peer's media went since, by UPDATE.
        var stream: AudioStream?
    }

    /// What becomes of a provisional response.
    enum Verdict: Sendable {
        /// To be reported, after the PRACK.
        case new(prack: Request?)
        /// A repeated one, or one that came too early.
        case ignored
    }

    private static let most = 8
    private var dialogs: [String: Early] = [:]
    private let usage: InviteUsage
    private let ids: IDSource

    /// - Parameter usage: what each of them begins with.
    init(usage: InviteUsage, ids: IDSource) {
        self.usage = usage
        self.ids = ids
    }

    /// A 101–199 to the INVITE.
    mutating func receive(_ response: Response, to invite: Request) -> Verdict {
        guard usage.answers.policy == .answer, let tag = response.headers.to?.tag else { return .new(prack: nil) }
        guard dialogs[tag] != nil || dialogs.count < Self.most else { return .new(prack: nil) }
        var early = dialogs[tag] ?? Early(dialog: .uac(invite: invite, response: response), usage: usage)
        defer { dialogs[tag] = early }
        switch early.receiver.receive(response) {
        case .unreliable: return .new(prack: nil)
        case .again, .tooEarly: return .ignored
        case .acknowledge(let rAck):
            early.dialog.refreshTarget(from: response.headers)
            if !response.body.isEmpty, early.usage.offers.state == .sent {
                let type = response.headers.contentType
                // One that cannot be used does no harm yet: nothing is sent before the 200, which is judged then.
                if (try? early.usage.offers.accept(response.body, contentType: type)) != nil {
                    early.answer = (response.body, type)
                }
            }
            return .new(
                prack: early.dialog.request(
                    .prack, branch: ids.branch(), party: usage.answers.party,
                    headers: [HeaderField(.rAck, rAck.description)]))
        }
    }

    /// A request of the peer before the 200.
    mutating func answer(_ request: Request) -> Response {
        guard let tag = request.headers.from?.tag, var early = dialogs[tag] else {
            // A side without early dialogs of its own still says what it never does.
            var usage = usage
            return usage.answer(request, early: true).response
        }
        guard early.dialog.accepts(request) else { return usage.answers.response(to: request, 500) }
        let answer = early.usage.answer(request, early: true)
        if answer.response.isSuccess, request.method == .update { early.dialog.refreshTarget(from: request) }
        for case .media(let stream) in answer.reports { early.stream = stream }
        dialogs[tag] = early
        return answer.response
    }

    /// The dialog that a 2xx makes: numbers and description go on from the early one.
    func establish(_ response: Response, of invite: Request) -> Established {
        let early = response.headers.to?.tag.flatMap { dialogs[$0] }
        var response = response
        if response.body.isEmpty, let answer = early?.answer {
            response.body = answer.body
            response.headers.set(.contentType, answer.contentType ?? "application/sdp")
        }
        return Established(
            dialog: .uac(invite: invite, response: response, continuing: early?.dialog),
            usage: early?.usage ?? usage, response: response, stream: early?.stream)
    }

    struct Established: Sendable {
        var dialog: Dialog
        var usage: InviteUsage
        /// With the answer to our offer, whichever response brought it.
        var response: Response
        var stream: AudioStream?
    }

    /// The INVITE goes out anew.
    mutating func removeAll() { dialogs = [:] }
}
