import Foundation

/// Says, once for each, that 21, 7, 3 and 1 days are left, and that the end has come.
struct ExpiryWatch: Sendable {
    struct Notice: Hashable, Sendable {
        /// Calls fail now or within days.
        var isUrgent: Bool
        var text: String
    }

    static let days = [21, 7, 3, 1]

    /// The smallest number of days that was spoken of.
    private var told: Int?

    mutating func notice(expires: Date, now: Date) -> Notice? {
        let left = expires.timeIntervalSince(now) / 86_400
        guard let reached = left <= 0 ? 0 : Self.days.last(where: { left <= Double($0) }) else {
            told = nil  // renewed
            return nil
        }
        guard reached < told ?? .max else { return nil }
        told = reached
        return Notice(isUrgent: reached <= 3, text: Self.text(expires: expires, left: left))
    }

    private static func text(expires: Date, left: Double) -> String {
        let day = CertificateCheck.day(expires)
        guard left > 0 else {
            return
                "The certificate has expired on \(day): Meta refuses it and no call comes in. Renew it; Ibis takes the "
                + "new files into use by itself."
        }
        let days = Int(left.rounded(.down))
        let time = days == 0 ? "in less than a day" : days == 1 ? "in 1 day" : "in \(days) days"
        return "The certificate expires \(time), on \(day): renew it; Ibis takes the new files into use by itself."
    }
}
