import Media
import SIPCore

/// Why an INVITE is not served: the answer it gets.
struct CallRefused: Error {
    let refusal: B2BUA.Refusal
    /// RFC 3261 §20.43.
    let warningCode: Int

    init(_ status: Int, _ warning: String, code: Int = 399, retryAfter: Int? = nil) {
        refusal = B2BUA.Refusal(status: status, warning: warning, retryAfter: retryAfter)
        warningCode = code
    }

    init(_ refusal: SDPRefusal) {
        self.init(refusal.status, refusal.warningText, code: refusal.warningCode)
    }

    init(_ error: MediaError) {
        self.init(503, error.message, retryAfter: 5)
    }

    func headers(host: String, request: Request) -> [HeaderField] {
        var headers = [refusal.warningField(code: warningCode, host: host)]
        if let seconds = refusal.retryAfter { headers.append(HeaderField(name: .retryAfter, value: "\(seconds)")) }
        if refusal.status == 420, let required = request.headers[first: .require] {
            headers.append(HeaderField(name: .unsupported, value: required))
        }
        if refusal.status == 415 { headers.append(HeaderField(name: "Accept", value: "application/sdp")) }
        return headers
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
    func rejection(host: String) -> UASInvite.Event {
        var headers = [warningField(host: host)]
        if let retryAfter { headers.append(HeaderField(name: .retryAfter, value: "\(retryAfter)")) }
        return .reject(status: status, reason: nil, headers: headers)
    }
}
