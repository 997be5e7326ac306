/// A digit that came by INFO, outside the media: `application/dtmf-relay` and `application/dtmf`, which no RFC defines
/// but every PBX has (RFC 6086 §2 calls it legacy use).
public struct SignalledDigit: Hashable, Sendable {
    /// `0`…`9`, `*`, `#`, `A`…`D`.
    public var digit: Character
    public var duration: Duration

    public init(digit: Character, duration: Duration = SignalledDigit.usual) {
        self.digit = digit
        self.duration = duration
    }

    /// Where the sender names none.
    public static let usual = Duration.milliseconds(160)
    /// What a receiver still hears, and what still is a digit.
    private static let durations = 40...5_000

    enum Reading: Hashable, Sendable {
        case digit(SignalledDigit)
        /// An INFO without a body, such as a keep-alive.
        case empty
        /// A body of another type: 415.
        case otherType
        case malformed
    }

    static let types = "application/dtmf-relay, application/dtmf"

    static func read(_ info: Request) -> Reading {
        guard !info.body.isEmpty else { return .empty }
        let isRelay: Bool
        switch info.headers.contentType {
        case "application/dtmf-relay": isRelay = true
        case "application/dtmf": isRelay = false
        default: return .otherType
        }
        guard info.body.count <= 256, let text = info.body.span.text(0..<info.body.count) else { return .malformed }
        var signal: Substring?
        var duration = usual
        if isRelay {
            for line in text.split(whereSeparator: \.isNewline) {
                let parts = line.split(separator: "=", maxSplits: 1).map { $0.drop { $0 == " " }.prefix { $0 != " " } }
                guard parts.count == 2 else { continue }
                switch parts[0].lowercased() {
                case "signal": signal = parts[1]
                case "duration":
                    guard let value = Int(parts[1]) else { continue }
                    duration = .milliseconds(min(max(value, durations.lowerBound), durations.upperBound))
                default: continue
                }
            }
        } else {
            signal = text.drop { $0.isWhitespace }.prefix { !$0.isWhitespace }
        }
        guard let signal, let digit = digit(signal) else { return .malformed }
        return .digit(SignalledDigit(digit: digit, duration: duration))
    }

    /// The event numbers of RFC 4733 stand for `*` and `#` with some senders.
    private static func digit(_ signal: Substring) -> Character? {
        switch signal {
        case "10": return "*"
        case "11": return "#"
        default:
            guard signal.utf8.count == 1, let character = signal.uppercased().first,
                "0123456789*#ABCD".contains(character)
            else { return nil }
            return character
        }
    }
}
