/// Takes out of a text what logs and ladders must not hold: SRTP keys, digest secrets, and all but the last four digits
/// of phone numbers and user ids.
package enum Redaction {
    /// A run of digits at least this long is taken for a number of a person.
    private static let shortestNumber = 7

    /// One SIP message or any part of one, for `trace`.
    package static func message(_ text: String) -> String {
        var lines: [Substring] = []
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            let lower = line.lowercased()
            if lower.hasPrefix("a=crypto:") || lower.hasPrefix("a=ice-pwd:") {
                lines.append(line.prefix { $0 != ":" } + ":(removed)")
            } else if let name = ["authorization:", "proxy-authorization:"].first(where: lower.hasPrefix) {
                lines.append(line.prefix(name.count) + " (removed)")
            } else {
                lines.append(Substring(numbers(String(line))))
            }
        }
        return lines.joined(separator: "\n")
    }

    /// `+15550100199` becomes `…0199`.
    package static func numbers(_ text: String) -> String {
        var result: [UInt8] = []
        var run: [UInt8] = []
        func flush() {
            if run.count >= shortestNumber {
                if result.last == UInt8(ascii: "+") { result.removeLast() }
                result += Array("…".utf8) + run.suffix(4)
            } else {
                result += run
            }
            run.removeAll(keepingCapacity: true)
        }
        for octet in text.utf8 {
            if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) {
                run.append(octet)
            } else {
                flush()
                result.append(octet)
            }
        }
        flush()
        return String(decoding: result, as: UTF8.self)
    }
}
