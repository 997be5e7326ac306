import SIPCore

/// Answers Meta's challenges to the requests of one call: its INVITE always (meta-calling §6.2), a BYE if that should ever
/// be asked for. No realm but Meta's domain hears anything of the password.
final class MetaAuthenticator {
    private var client: DigestClient?
    private let ids: IDSource

    /// - Parameter credentials: nil: every challenge is refused.
    init(_ credentials: DigestCredentials?, domain: String, ids: IDSource) {
        client = credentials.map { DigestClient(credentials: $0, realms: [domain]) }
        self.ids = ids
    }

    enum Outcome {
        case answer(HeaderField)
        case noPassword
        case refuse(DigestClient.Refusal)
    }

    func answer(_ response: Response, to request: Request) -> Outcome {
        switch client?.answer(response, to: request, cnonce: ids.next()) {
        case nil: .noPassword
        case .answer(let field): .answer(field)
        case .refuse(let refusal): .refuse(refusal)
        }
    }

    /// The challenged request again with its answer; nil when there is none to give.
    func retry(_ request: Request, after response: Response) -> Request? {
        guard response.status == 401 || response.status == 407,
            case .answer(let field) = answer(response, to: request)
        else { return nil }
        return request.authorized(field, branch: ids.next())
    }
}
