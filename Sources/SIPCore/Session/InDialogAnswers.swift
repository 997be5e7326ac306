/// How requests of the peer inside a dialog are answered, BYE and ACK apart.
struct InDialogAnswers: Sendable {
    let party: LocalParty
    let policy: ReofferPolicy
    /// Ours as last settled; nil while there is none.
    var description: LocalDescription?

    private static let known: Set<Method> = [
        .invite, .ack, .bye, .cancel, .options, .register, .prack, .update, .info, .refer, .notify, .subscribe,
        .message, .publish,
    ]

    /// - Parameter early: the INVITE that makes the dialog is still open, so no other offer may be answered.
    mutating func response(to request: Request, early: Bool = false) -> Response {
        let extensions = request.requiredExtensions
        switch request.method {
        case .invite, .update, .options, .info:
            guard extensions.isEmpty else {
                return response(
                    to: request, 420, [HeaderField(.unsupported, extensions.joined(separator: ", "))])
            }
        default:
            break
        }
        switch request.method {
        case .options:
            return response(to: request, 200, [HeaderField(.accept, "application/sdp"), allow])
        case .invite where early:
            // §14.2: not before the first one is answered; the peer tries again.
            return response(to: request, 500, [HeaderField(.retryAfter, "2")])
        case .update where early && !request.body.isEmpty:
            return response(to: request, 491)  // RFC 3311 §5.2
        case .invite, .update:
            return reoffer(request)
        case .info where policy == .answer:
            return response(to: request, 200)
        case .bye, .cancel:
            return response(to: request, 481)
        default:
            return response(to: request, Self.known.contains(request.method) ? 405 : 501, [allow])
        }
    }

    private mutating func reoffer(_ request: Request) -> Response {
        guard policy == .answer, var description else {
            return response(
                to: request, 488,
                [
                    HeaderField(
                        .warning,
                        "399 \(party.host) \"Media is settled once per call; no re-INVITE or UPDATE is supported\"")
                ])
        }
        let contact = [HeaderField(.contact, party.contact), allow]
        let body: [UInt8]
        if request.body.isEmpty {
            guard request.method == .invite else { return response(to: request, 200, contact) }
            body = description.offer()
        } else {
            do {
                body = try description.answer(request.body, contentType: request.headers.contentType)
            } catch {
                return response(to: request, error.status, error.headers(agent: party.host))
            }
        }
        self.description = description
        return response(to: request, 200, contact + [HeaderField(.contentType, "application/sdp")], body: body)
    }

    func response(
        to request: Request, _ status: Int, _ headers: [HeaderField] = [], body: [UInt8] = []
    ) -> Response {
        let server = party.userAgent.isEmpty ? [] : [HeaderField(.server, party.userAgent)]
        return request.response(status, headers: headers + server, body: body)
    }

    private var allow: HeaderField { HeaderField(.allow, party.allow) }
}
