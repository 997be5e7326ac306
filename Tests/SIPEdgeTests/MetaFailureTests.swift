import SIPCore
import SIPEdge
import Testing

/// What the PBX hears of each final answer of Meta (meta-calling §10.1).
@Suite("What Meta's answers mean") struct MetaFailureTests {
    struct Row: CustomTestStringConvertible {
        let testDescription: String
        let status: Int
        var phrase: String?
        var warning: String?
        let meaning: MetaFailure
        let answer: Int
        let cause: Int
    }

    static let rows = [
        Row(
            testDescription: "400 asset not found", status: 400, phrase: "Asset not found", meaning: .unknownNumber,
            answer: 503, cause: 38),
        Row(
            testDescription: "400 invalid business number", status: 400, phrase: "Invalid business phone number",
            meaning: .unknownNumber, answer: 503, cause: 38),
        Row(
            testDescription: "403 other SIP server", status: 403,
            phrase:
                "SIP server other.example.com from INVITE does not match any SIP server configured for phone number id "
                + "100000000000002", meaning: .otherServer, answer: 503, cause: 38),
        Row(
            testDescription: "403 other SIP server, in Warning alone", status: 403, phrase: "Forbidden",
            warning: "SIP server other.example.com from INVITE does not match any SIP server configured",
            meaning: .otherServer, answer: 503, cause: 38),
        Row(
            testDescription: "403 no permission", status: 403,
            phrase: "No approved call permission from the recipient", meaning: .noPermission, answer: 403, cause: 21),
        Row(
            testDescription: "403 app not authorized", status: 403,
            phrase: "App 100000000000003 that configured this SIP server is not authorized for phone number id "
                + "100000000000002", meaning: .appNotAuthorized, answer: 503, cause: 38),
        Row(
            testDescription: "403 per-day limit", status: 403,
            phrase: "Limit of connected calls per day with this user reached", meaning: .perDayLimit, answer: 403,
            cause: 21),
        Row(
            testDescription: "403 duplicate call", status: 403, phrase: "Duplicate call", meaning: .duplicateCall,
            answer: 486, cause: 17),
        Row(
            testDescription: "403 invalid digest", status: 403, phrase: "Invalid digest auth response",
            meaning: .wrongDigest, answer: 503, cause: 38),
        Row(
            testDescription: "403 payment", status: 403, phrase: "Business eligibility payment issue",
            meaning: .payment,
            answer: 503, cause: 38),
        Row(
            testDescription: "403 SDP", status: 403, phrase: "SDP validation error: missing crypto",
            meaning: .badDescription, answer: 488, cause: 88),
        Row(
            testDescription: "403 of an unknown kind", status: 403, phrase: "Something new", meaning: .forbidden,
            answer: 403, cause: 21),
        Row(testDescription: "404", status: 404, meaning: .notFound, answer: 404, cause: 1),
        Row(testDescription: "407 that stays", status: 407, meaning: .challenged, answer: 503, cause: 38),
        Row(
            testDescription: "408 RTP timeout", status: 408, phrase: "RTP timeout", meaning: .timedOut, answer: 504,
            cause: 102),
        Row(testDescription: "480", status: 480, meaning: .unavailable, answer: 480, cause: 18),
        Row(testDescription: "486", status: 486, meaning: .declined, answer: 486, cause: 17),
        Row(testDescription: "487 of its own", status: 487, meaning: .cancelled, answer: 480, cause: 16),
        Row(testDescription: "488", status: 488, meaning: .badDescription, answer: 488, cause: 88),
        Row(testDescription: "500", status: 500, meaning: .serverError, answer: 500, cause: 41),
        Row(testDescription: "503", status: 503, meaning: .overloaded, answer: 503, cause: 41),
        Row(testDescription: "302", status: 302, meaning: .redirected, answer: 503, cause: 38),
        Row(testDescription: "402", status: 402, meaning: .payment, answer: 503, cause: 38),
        Row(testDescription: "603", status: 603, meaning: .declined, answer: 486, cause: 17),
        Row(testDescription: "499", status: 499, meaning: .refused, answer: 480, cause: 127),
    ]

    private func response(_ row: Row) throws -> Response {
        let invite = Request(
            method: .invite, uri: try #require(SIPURI("sip:+15550100199@wa.meta.vc;transport=tls")), headers: Headers(),
            body: [])
        return invite.response(
            row.status, reason: row.phrase,
            headers: row.warning.map { [HeaderField(.warning, "399 wa.meta.vc \"\($0)\"")] } ?? [])
    }

    @Test("each line of the table", arguments: rows)
    func table(row: Row) throws {
        let response = try response(row)
        let failure = MetaFailure(status: row.status, response: response)
        #expect(failure == row.meaning)
        let refusal = failure.refusal(response)
        #expect(refusal.status == row.answer)
        #expect(refusal.cause?.value == row.cause)
        #expect(!refusal.warning.isEmpty)
        let detail = try #require(refusal.detail)
        #expect(detail.hasPrefix("\(row.status) "))
        #expect(!detail.contains(/[0-9]{7}/))
        if let warning = row.warning { #expect(detail.contains(warning)) }
    }

    @Test("without an answer of Meta")
    func noAnswer() {
        #expect(MetaFailure(status: 408, response: nil) == .timedOut)
        #expect(MetaFailure(status: 503, response: nil) == .unreachable)
        let refusal = MetaFailure.unreachable.refusal()
        #expect(refusal.status == 503 && refusal.retryAfter == 10 && refusal.detail == nil)
    }

    @Test("Meta's words are bounded and cannot break out of the header field")
    func hostileWords() throws {
        let phrase = String(repeating: "x\r\nX-Evil: 1\u{7f}", count: 200) + "+15550100199"
        let row = Row(
            testDescription: "", status: 403, phrase: phrase, meaning: .forbidden, answer: 403, cause: 21)
        let detail = try #require(MetaFailure.forbidden.refusal(try response(row)).detail)
        #expect(detail.unicodeScalars.count <= 204)
        #expect(detail.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 })
    }

    @Test("every meaning has an answer that a PBX understands", arguments: MetaFailure.allCases)
    func complete(failure: MetaFailure) {
        let refusal = failure.refusal()
        #expect((400...599).contains(refusal.status))
        #expect(refusal.status != 401 && refusal.status != 407, "a PBX has no password for Meta")
        #expect(refusal.cause != nil)
    }

    @Test(
        "who is dialled",
        arguments: [
            ("+15550100199", "+15550100199"), ("15550100199", "+15550100199"),
            ("US.13491208655302741918", "US.13491208655302741918"),
            ("US.ENT.13491208655302741918", "US.ENT.13491208655302741918"),
            ("DE.aB3", "DE.aB3"), ("", nil), ("+", nil), ("+015550100199", nil), ("100", nil), ("us.1", nil),
            ("USA.1", nil),
            ("US.", nil), ("US.ENT.", nil), ("US.OTHER.1", nil), ("US.1;x=1", nil), ("US.1@host", nil), ("ÜS.1", nil),
            ("US." + String(repeating: "1", count: 62), nil),
        ] as [(String, String?)])
    func users(dialled: String, user: String?) {
        #expect(WhatsAppUser(dialled)?.user == user)
    }
}
