import Media
import SIPCore

/// Why an INVITE is not served: the answer it gets.
struct CallRefused: Error {
    let refusal: B2BUA.Refusal
    /// RFC 3261 §20.43; nil: no Warning is sent.
    let warningCode: Int?
    /// What else the answer says.
    let fields: [HeaderField]

    init(_ status: Int, _ warning: String, code: Int = 399, retryAfter: Int? = nil, fields: [HeaderField] = []) {
        refusal = B2BUA.Refusal(status: status, warning: warning, retryAfter: retryAfter)
        warningCode = code
        self.fields = fields
    }

    init(_ refusal: SDPRefusal) {
        self.init(refusal.status, refusal.warningText, code: refusal.warningCode)
    }

    init(_ error: MediaError) {
        self.init(503, error.message, retryAfter: 5)
    }

    /// 401 or 407 with these challenges.
    init(_ status: Int, challenge fields: [HeaderField]) {
        refusal = B2BUA.Refusal(status: status, warning: "challenged")
        warningCode = nil
        self.fields = fields
    }

    /// The sender is not told which part was right; the reason is for our log.
    init(status: Int, unexplained reason: String) {
        refusal = B2BUA.Refusal(status: status, warning: reason)
        warningCode = nil
        fields = []
    }

    /// It is asked for more, and nothing is wrong yet.
    var isChallenge: Bool { refusal.status == 407 || refusal.status == 401 }

    func headers(host: String, request: Request) -> [HeaderField] {
        var headers = warningCode.map { [refusal.warningField(code: $0, host: host)] } ?? []
        if let seconds = refusal.retryAfter { headers.append(HeaderField(name: .retryAfter, value: "\(seconds)")) }
        if refusal.status == 420, !fields.contains(where: { $0.name == .unsupported }),
            let required = request.headers[first: .require]
        {
            headers.append(HeaderField(name: .unsupported, value: required))
        }
        if refusal.status == 415 { headers.append(HeaderField(name: "Accept", value: "application/sdp")) }
        return headers + fields
    }
}

extension B2BUA.Refusal {
    func warningField(code: Int = 399, host: String) -> HeaderField {
        let text = String(
            String.UnicodeScalarView(
                warning.unicodeScalars.filter { $0 != "\"" && $0 != "\\" && $0.value >= 32 }.prefix(300)))
        return HeaderField(name: .warning, value: "\(code) \(host) \"\(text)\"")
    }

    /// What a caller's leg is told to answer.
    func rejection(host: String, fields: [HeaderField] = []) -> UASInvite.Event {
        var headers = [warningField(host: host)]
        if let retryAfter { headers.append(HeaderField(name: .retryAfter, value: "\(retryAfter)")) }
        return .reject(status: status, reason: nil, headers: headers + fields)
    }
}
