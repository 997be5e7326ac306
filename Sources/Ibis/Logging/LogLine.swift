import Logging

/// One log event, ready to be written. Values are cleaned of secrets, and control characters cannot begin a new line.
struct LogLine {
    var time: String
    var level: Logger.Level
    var label: String
    var message: String
    /// In order; nested metadata is dotted already.
    var facts: [(key: String, value: String)]

    /// `2026-01-31T12:00:00.000Z info     edge: Call answered  call.id=7 sip.status=200`
    var text: String {
        let padded = level.rawValue + String(repeating: " ", count: max(0, 8 - level.rawValue.utf8.count))
        let head = "\(time) \(padded) \(label): \(LogLine.escaped(Redaction.clean(message)))"
        guard !facts.isEmpty else { return head }
        return head + "  " + facts.map { "\($0.key)=\(LogLine.word($0.value))" }.joined(separator: " ")
    }

    var json: String {
        let fields = [
            ("time", time), ("level", level.rawValue), ("label", label), ("message", Redaction.clean(message)),
        ]
        return "{"
            + (fields + facts.map { ($0.key, $0.value) })
            .map { "\"\(LogLine.escaped($0.0))\":\"\(LogLine.escaped($0.1))\"" }.joined(separator: ",") + "}"
    }

    // MARK: Values

    /// Dotted keys in alphabetical order; `call.id` first, since lines are searched by it.
    static func flattened(_ metadata: Logger.Metadata) -> [(key: String, value: String)] {
        var facts: [(key: String, value: String)] = []
        for (key, value) in metadata { flatten(key, value, into: &facts) }
        return facts.sorted { a, b in
            (a.key == "call.id" ? 0 : 1, a.key) < (b.key == "call.id" ? 0 : 1, b.key)
        }
    }

    private static func flatten(
        _ key: String, _ value: Logger.MetadataValue, into facts: inout [(key: String, value: String)]
    ) {
        if Redaction.isSecret(key: key) {
            facts.append((key, Redaction.removed))
            return
        }
        switch value {
        case .string(let text): facts.append((key, Redaction.clean(text)))
        case .stringConvertible(let value): facts.append((key, Redaction.clean(value.description)))
        case .dictionary(let inner): for (name, value) in inner { flatten("\(key).\(name)", value, into: &facts) }
        case .array(let values):
            facts.append((key, Redaction.clean(values.map { "\($0)" }.joined(separator: ","))))
        }
    }

    private static func word(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        return isPlain ? text : "\"\(escaped(text))\""
    }

    /// As a JSON string wants it, which also serves the text format.
    static func escaped(_ text: String) -> String {
        guard
            text.utf8.contains(where: {
                $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\")
            })
        else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\r": escaped += "\\r"
            case "\t": escaped += "\\t"
            case let scalar where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// UTC with milliseconds, RFC 3339, of milliseconds since 1970.
    static func timestamp(_ milliseconds: Int64) -> String {
        func padded(_ number: Int64, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        let (year, month, day) = civil(daysSince1970: milliseconds / 86_400_000)
        let rest = milliseconds % 86_400_000
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60].map { padded($0, 2) }
        return "\(date)T\(clock.joined(separator: ":")).\(padded(rest % 1000, 3))Z"
    }

    /// Gregorian date: years are taken off one by one, then months.
    private static func civil(daysSince1970 days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        var (year, rest) = (Int64(1970), days)
        while case let length:Int64 = isLeap(year) ? 366 : 365, rest >= length {
            rest -= length
            year += 1
        }
        var month: Int64 = 1
        for length: Int64 in [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            guard rest >= length else { break }
            rest -= length
            month += 1
        }
        return (year, month, rest + 1)
    }
}
