import NIOCore
import SIPCore

/// What a person sees of a call's signalling: each message of both legs, without keys, passwords and numbers.
public struct CallTrace: Sendable, Hashable {
    public struct Entry: Sendable, Hashable {
        /// Since the call's first message.
        public var time: Duration
        public var isSent: Bool
        /// The far side: `meta` or `peer`.
        public var leg: String
        /// `INVITE sip:…0001@sip.example.com` or `200 OK`.
        public var line: String
        /// The whole message.
        public var text: String
    }

    public struct Summary: Sendable, Hashable {
        public var id: String
        /// Seconds since 1970.
        public var began: Int
        /// The first message: who asks for what.
        public var line: String
        /// The first final answer to it; nil while there is none.
        public var status: Int?
        public var messages: Int
    }

    public var id: String
    /// Seconds since 1970.
    public var began: Int
    public var entries: [Entry]
    /// Messages beyond those that are kept.
    public var dropped: Int
    private var status: Int?

    init(_ capture: CallLog.Capture, withText: Bool = false) {
        id = capture.id
        began = capture.began
        dropped = capture.dropped
        let start = capture.entries.first?.at
        entries = capture.entries.map { entry in
            Entry(
                time: start.map { Duration(entry.at - $0) } ?? .zero, isSent: entry.isSent, leg: entry.leg,
                line: entry.message.ladderLine, text: withText ? Self.text(entry.message) : "")
        }
        let leg = capture.entries.first?.leg
        status =
            capture.entries.lazy.compactMap { entry in
                guard case .response(let response) = entry.message, entry.leg == leg, response.status >= 200 else {
                    return nil
                }
                return response.status
            }.first
    }

    var summary: Summary {
        Summary(
            id: id, began: began, line: entries.first?.line ?? "", status: status, messages: entries.count + dropped)
    }

    private static func text(_ message: Message) -> String {
        var octets = message.encoded()
        SecretMask.cover(&octets)
        return Redaction.message(String(decoding: octets, as: UTF8.self))
    }

    /// The messages as arrows between Meta, Ibis and the PBX, one line each.
    public var ladder: String {
        var lines = [
            "      time  Meta" + String(repeating: " ", count: 44) + "Ibis" + String(repeating: " ", count: 44) + "PBX"
        ]
        for entry in entries {
            let time = "\(entry.time.milliseconds) ms"
            let lead = String(repeating: " ", count: max(10 - time.count, 0)) + time + "  "
            let isLeft = entry.leg == "meta"
            let text = String(entry.line.prefix(40))
            let dashes = String(repeating: "-", count: max(45 - text.count, 2))
            // To the right: from Meta, or towards the PBX.
            let arrow = entry.isSent == isLeft ? "<\(dashes) \(text)" : "\(text) \(dashes)>"
            lines.append(lead + (isLeft ? "" : String(repeating: " ", count: 48)) + arrow)
        }
        if dropped > 0 { lines.append("            and \(dropped) more that were not kept") }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Message {
    /// What a ladder shows of it.
    var ladderLine: String {
        switch self {
        case .request(let request): "\(request.method) \(Redaction.numbers(request.uri.description))"
        case .response(let response): "\(response.status) \(Redaction.numbers(response.reason))"
        }
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds &* 1_000 &+ attoseconds / 1_000_000_000_000_000
    }
}
