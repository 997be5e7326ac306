/// Business numbers as they stand in the routing table.
public enum BusinessNumber {
    /// `+` and 7 to 15 digits (E.164); a missing `+` is put in front.
    public static func normalised(_ user: String) -> String? {
        let digits = user.hasPrefix("+") ? user.dropFirst() : user[...]
        guard (7...15).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return "+" + digits
    }
}
