import SIPCore

/// Who calls, as read from Meta's INVITE: a number or a business-scoped user id (meta-calling §7.1), and what Meta says of
/// the call besides.
struct Caller: Sendable {
    /// User part for our own URIs: E.164 with `+`, or a BSUID such as `US.10000000000000000001`.
    let user: String
    /// Display name without quotes; nil: none worth showing.
    let name: String?
    /// `X-WA-…` header fields for the PBX.
    let whatsApp: [HeaderField]
    /// For the INVITE that this one leads to: one hop less, so that calls through several B2BUAs end somewhere (RFC 7332).
    let maxForwards: Int

    /// Longest user part that is passed on; a parent BSUID is well below.
    private static let maximumUser = 64

    init(_ invite: Request) {
        let from = invite.headers.from
        let raw = from?.uri.userWithoutParameters ?? ""
        let kept = raw.unicodeScalars.filter { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "+", ".", "-", "_": true
            default: false
            }
        }
        let user = String(String.UnicodeScalarView(kept.prefix(Self.maximumUser)))
        self.user = user.isEmpty ? "anonymous" : user
        let shown = from?.displayName.map { name in
            String(
                String.UnicodeScalarView(
                    name.unicodeScalars.filter { $0.value >= 32 && $0 != "\"" && $0 != "\\" }.prefix(80)))
        }
        name = shown.flatMap { $0.isEmpty ? nil : $0 }
        whatsApp = WhatsAppHeaders.forPeer(invite.headers)
        maxForwards = Caller.onward(invite.headers.maxForwards)
    }

    /// The user that the business has called, for whom his call is transferred to.
    init(calling called: WhatsAppUser) {
        user = called.user
        name = nil
        whatsApp = []
        maxForwards = Caller.onward(nil)
    }

    /// RFC 3261 §8.1.1.6: 70 where nothing asks for less.
    static func onward(_ received: Int?) -> Int { min(max((received ?? 71) - 1, 0), 70) }

    var quotedName: String { name.map { "\"\($0)\" " } ?? "" }
}
