package import SIPCore

/// What a final answer of Meta to our INVITE means (meta-calling §10.1), and what the PBX is told of it.
///
/// One row a meaning. Meta tells the cases of 403 apart by text alone; the texts are long, hold ids and change, so a few
/// words decide, and where none is known the status does.
package enum MetaFailure: Hashable, Sendable, CaseIterable {
    case unknownNumber, otherServer, noPermission, appNotAuthorized, perDayLimit, duplicateCall, wrongDigest, payment
    case badDescription, forbidden, notFound, challenged, timedOut, unavailable, declined, cancelled, serverError
    case overloaded, redirected, refused, unreachable

    /// Words in phrase or Warning that tell a 400 or 403, the more telling first. Lower case.
    private static let texts: [(words: [String], MetaFailure)] = [
        (["digest"], .wrongDigest),
        (["not authorized"], .appNotAuthorized), (["not authorised"], .appNotAuthorized),
        (["permission"], .noPermission),
        (["duplicate"], .duplicateCall), (["already", "call"], .duplicateCall), (["ongoing", "call"], .duplicateCall),
        (["limit"], .perDayLimit), (["per day"], .perDayLimit),
        (["payment"], .payment), (["billing"], .payment), (["credit line"], .payment),
        (["sdp"], .badDescription), (["session description"], .badDescription), (["fingerprint"], .badDescription),
        (["sip server"], .otherServer),
        (["asset", "not found"], .unknownNumber), (["phone number", "invalid"], .unknownNumber),
        (["business", "number"], .unknownNumber),
    ]

    /// - Parameter response: nil when there was none: 408 for a time-out of ours, 503 for no connection.
    package init(status: Int, response: Response?) {
        guard let response else {
            self = status == 408 ? .timedOut : .unreachable
            return
        }
        switch status {
        case 400, 403:
            let text = Self.text(of: response).lowercased()
            let told = Self.texts.first { $0.words.allSatisfy(text.contains) }?.1
            self = told ?? (status == 400 ? .unknownNumber : .forbidden)
        case 300...399: self = .redirected
        case 401, 407: self = .challenged
        case 402: self = .payment
        case 404, 410, 484, 604: self = .notFound
        case 408, 504: self = .timedOut
        case 415, 488, 606: self = .badDescription
        case 480: self = .unavailable
        case 486, 600, 603: self = .declined
        case 487: self = .cancelled
        case 503: self = .overloaded
        case 500...599: self = .serverError
        default: self = .refused
        }
    }

    /// Status, Q.850 cause, and the sentence for the Warning of the PBX's answer.
    private var row: (status: Int, cause: Q850Cause, sentence: String) {
        switch self {
        case .unknownNumber:
            (503, .networkOutOfOrder, "Meta does not know the business number: see that calling over SIP is on for it")
        case .otherServer:
            (
                503, .networkOutOfOrder,
                "Meta has another SIP server for the number: give its host name with ibis number add --domain"
            )
        case .noPermission:
            (403, .callRejected, "the user is not on WhatsApp or has not permitted calls: ask for permission first")
        case .appNotAuthorized:
            (
                503, .networkOutOfOrder,
                "the Meta app that set the SIP server may not use the number: set the server again with the right app"
            )
        case .perDayLimit: (403, .callRejected, "Meta's limit of calls to this user a day is reached")
        case .duplicateCall: (486, .userBusy, "there is a call between this number and this user already")
        case .wrongDigest:
            (
                503, .networkOutOfOrder,
                "Meta did not take the number's password: set sip_user_password with ibis number add --password-stdin"
            )
        case .payment: (503, .networkOutOfOrder, "Meta bills no calls for the account: see its payment method")
        case .badDescription:
            (
                488, .incompatibleDestination,
                "Meta does not take the media: see that srtp_key_exchange_protocol of the number is SDES"
            )
        case .forbidden: (403, .callRejected, "Meta refuses the call")
        case .notFound: (404, .unallocatedNumber, "Meta does not find the user")
        case .challenged: (503, .networkOutOfOrder, "Meta's challenge cannot be answered")
        case .timedOut: (504, .recoveryOnTimerExpiry, "Meta did not answer in time")
        case .unavailable: (480, .noUserResponding, "the user cannot be reached or did not answer")
        case .declined: (486, .userBusy, "the user declined")
        case .cancelled: (480, .normalClearing, "Meta gave the call up")
        case .serverError: (500, .temporaryFailure, "Meta failed: see that the number is in E.164 form")
        case .overloaded: (503, .temporaryFailure, "Meta is out of service or overloaded")
        case .redirected: (503, .networkOutOfOrder, "Meta redirected the call, which is not followed")
        case .refused: (480, .interworking, "Meta refused the call")
        case .unreachable: (503, .networkOutOfOrder, "there is no connection to Meta: see the firewall and meta.host")
        }
    }

    package func refusal(_ response: Response? = nil) -> B2BUA.Refusal {
        let row = self.row
        return B2BUA.Refusal(
            status: row.status, warning: row.sentence,
            retryAfter: self == .overloaded || self == .unreachable ? 10 : nil, cause: row.cause,
            detail: response.map(Self.detail))
    }

    // MARK: Meta's words

    private static let mostScalars = 200

    /// For `X-WA-Reason`: Meta's status and words, in one short line, without anything that could be a phone number.
    private static func detail(of response: Response) -> String {
        let words =
            response.reason.isEmpty || response.reason == Response.defaultReason(response.status)
            ? warning(of: response) ?? response.reason : response.reason
        return "\(response.status) \(masked(WhatsAppHeaders.cleaned(words, most: mostScalars)))"
    }

    /// Runs of 7 and more digits are numbers and ids of Meta's.
    private static func masked(_ text: String) -> String {
        text.replacing(/[0-9]{7,}/, with: "(number)")
    }

    private static func text(of response: Response) -> String {
        "\(response.reason) \(warning(of: response) ?? "")"
    }

    /// What stands between the quotes of the first Warning.
    private static func warning(of response: Response) -> String? {
        guard let value = response.headers[first: .warning], let open = value.firstIndex(of: "\"") else { return nil }
        let inside = value[value.index(after: open)...]
        return String(inside.prefix { $0 != "\"" })
    }
}
