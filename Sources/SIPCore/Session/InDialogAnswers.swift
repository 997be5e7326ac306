/// How requests of the peer inside a dialog are answered that need no state: who we are, and what we never do.
struct InDialogAnswers: Sendable {
    let party: LocalParty
    let policy: ReofferPolicy

    private static let known: Set<Method> = [
        .invite, .ack, .bye, .cancel, .options, .register, .prack, .update, .info, .refer, .notify, .subscribe,
        .message, .publish,
    ]

    /// 420 for what the peer demands and we have not.
    func unsupported(_ request: Request) -> Response? {
        let extensions = request.unsupportedExtensions(policy)
        guard !extensions.isEmpty else { return nil }
        return response(to: request, 420, [HeaderField(.unsupported, extensions.joined(separator: ", "))])
    }

    /// For a method without a rule of its own.
    func response(to request: Request) -> Response {
        switch request.method {
        case .options:
            response(to: request, 200, [HeaderField(.accept, "application/sdp"), allow] + supported)
        // RFC 6665 §4.1.3: there is no such subscription. RFC 3262 §3: nor such a provisional response.
        case .notify where policy == .answer, .prack where policy == .answer, .bye, .cancel:
            response(to: request, 481)
        default:
            response(to: request, Self.known.contains(request.method) ? 405 : 501, [allow])
        }
    }

    func response(
        to request: Request, _ status: Int, _ headers: [HeaderField] = [], body: [UInt8] = []
    ) -> Response {
        let server = party.userAgent.isEmpty ? [] : [HeaderField(.server, party.userAgent)]
        return request.response(status, headers: headers + server, body: body)
    }

    /// The offer is not taken: the call goes on as it was (RFC 3261 §14.2).
    func refusal(of request: Request, _ refusal: SDPRefusal) -> Response {
        response(to: request, refusal.status, refusal.headers(agent: party.host))
    }

    var mediaIsSettled: HeaderField {
        HeaderField(
            .warning,
            "399 \(party.host) \"Media is settled once per call; no re-INVITE or UPDATE is supported\"")
    }

    var allow: HeaderField { HeaderField(.allow, party.allow) }
    var contact: HeaderField { HeaderField(.contact, party.contact) }
    /// Empty towards a side that shall use no extension.
    var supported: [HeaderField] {
        policy == .answer ? [HeaderField(.supported, policy.extensions.joined(separator: ", "))] : []
    }
}
