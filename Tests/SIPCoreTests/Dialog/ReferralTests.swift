import Testing

@testable import SIPCore

@Suite struct ReferralTests {
    private func read(_ values: [String], _ more: [HeaderField] = []) throws(Referral.Refusal) -> Referral {
        try Referral(Requests.make(.refer, headers: values.map { HeaderField(.referTo, $0) } + more))
    }

    @Test func aBlindTransferNamesATarget() throws {
        let referral = try read(["Desk <sip:200@pbx.example.com:5080;transport=tcp;method=INVITE>"])
        #expect(referral.target.description == "sip:200@pbx.example.com:5080;transport=tcp")
        #expect(referral.replaces == nil && referral.referredBy == nil)
        #expect(try read(["sip:200@pbx.example.com"]).target.userWithoutParameters == "200")
    }

    @Test func anAttendedTransferNamesACall() throws {
        let referral = try read(
            [
                "<sip:200@pbx.example.com?Replaces=12345%40192.0.2.9%3Bto-tag%3Dt1%3Bfrom-tag%3Df1&Require=replaces&X-Evil=1>"
            ], [HeaderField("b", "<sip:100@pbx.example.com>;cid=x")])
        #expect(referral.target.description == "sip:200@pbx.example.com")
        #expect(referral.replaces == Replaces(callID: "12345@192.0.2.9", toTag: "t1", fromTag: "f1"))
        #expect(referral.referredBy?.description == "sip:100@pbx.example.com")
    }

    static let refused: [(String, [String], Referral.Refusal)] = [
        ("none", [], .malformed),
        ("two", ["<sip:a@example.com>", "<sip:b@example.com>"], .malformed),
        ("two in one", ["<sip:a@example.com>, <sip:b@example.com>"], .malformed),
        ("unreadable", ["<sip:a@example.com"], .malformed),
        ("a number", ["<tel:+15550100001>"], .notACall),
        ("a page", ["<http://example.com/>"], .notACall),
        ("another method", ["<sip:a@example.com;method=BYE>"], .notACall),
        ("Replaces without tags", ["<sip:a@example.com?Replaces=x>"], .malformed),
        ("Replaces twice", ["<sip:a@example.com?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db&Replaces=y>"], .malformed),
        ("Replaces with a line end", ["<sip:a@example.com?Replaces=x%0D%0A%3Bto-tag%3Da%3Bfrom-tag%3Db>"], .malformed),
    ]

    @Test(arguments: refused) func isRefused(_ name: String, _ values: [String], _ refusal: Referral.Refusal) {
        #expect(throws: refusal, "\(name)") { try self.read(values) }
    }

    // MARK: Replaces

    @Test func replacesIsReadAndWritten() throws {
        let value = "98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff;early-only"
        let replaces = try #require(Replaces(value))
        #expect(
            replaces.dialog == DialogID(callID: "98732@sip.example.com", localTag: "ff87ff", remoteTag: "r33th4x0r"))
        #expect(replaces.earlyOnly)
        #expect(Replaces(replaces.description) == replaces)
        for wrong in [
            "", ";to-tag=a;from-tag=b", "x;to-tag=a", "x;from-tag=b", "x y;to-tag=a;from-tag=b", "x;to-tag=;from-tag=b",
        ] {
            #expect(Replaces(wrong) == nil, "\(wrong)")
        }
    }

    @Test func onlyOneReplaces() {
        let one = HeaderField(.replaces, "x;to-tag=a;from-tag=b")
        #expect(Headers([]).replaces == .none)
        #expect(Headers([one]).replaces == .one(Replaces(callID: "x", toTag: "a", fromTag: "b")))
        #expect(Headers([one, one]).replaces == .malformed)
        #expect(Headers([one, HeaderField("Join", "y;to-tag=a;from-tag=b")]).replaces == .malformed)
        #expect(Headers([HeaderField(.replaces, "x")]).replaces == .malformed)
    }

    /// RFC 3891 §3.
    @Test func whatMayBeReplaced() {
        let any = Replaces(callID: "x", toTag: "a", fromTag: "b")
        let early = Replaces(callID: "x", toTag: "a", fromTag: "b", earlyOnly: true)
        let rows: [(Replaces.Standing, Int?, Int?)] = [
            (.unknown, 481, 481), (.ringingHere, 481, 481), (.ringingThere, nil, nil), (.established, nil, 486),
            (.ended, 603, 603),
        ]
        for (standing, refusal, earlyOnly) in rows {
            #expect(any.refusal(standing) == refusal, "\(standing)")
            #expect(early.refusal(standing) == earlyOnly, "\(standing)")
        }
    }
}
