package import Logging
import SIPCore

/// Writes one line for each message of a leg at `debug`, and the whole message at `trace`; secrets and numbers removed.
package struct MessageLadder {
    /// Nil where nothing of it would be written.
    private let logger: Logger?
    private let lines: LadderLines?
    private let record: CallLog.Record?
    private let leg: String

    /// `leg` names the far side: `meta`, `peer`.
    package init(logger: Logger, leg: String) { self.init(logger: logger, leg: leg, record: nil) }

    /// - Parameter record: the call's, where the messages are kept for the console.
    init(logger: Logger, leg: String, record: CallLog.Record?) {
        if logger.logLevel <= .debug {
            var logger = logger
            logger[metadataKey: "leg"] = "\(leg)"
            self.logger = logger
        } else {
            self.logger = nil
        }
        self.leg = leg
        self.record = record
        lines = nil
    }

    private init(lines: LadderLines) {
        logger = nil
        record = nil
        leg = ""
        self.lines = lines
    }

    /// A ladder that is kept to be shown, instead of logged.
    package static func collecting() -> (MessageLadder, LadderLines) {
        let lines = LadderLines()
        return (MessageLadder(lines: lines), lines)
    }

    private var isOff: Bool { lines == nil && logger == nil }

    func sent(_ request: Request) { log(request, arrow: .sent) }
    func received(_ request: Request) { log(request, arrow: .received) }
    func sent(_ response: Response) { log(response, arrow: .sent) }
    func received(_ response: Response) { log(response, arrow: .received) }

    private func log(_ request: Request, arrow: Arrow) {
        record?.append(.request(request), isSent: arrow == .sent, leg: leg)
        guard !isOff else { return }
        let uri = Redaction.numbers(request.uri.description)
        line(arrow, "\(request.method) \(uri)", request.headers)
        whole(.request(request))
    }

    private func log(_ response: Response, arrow: Arrow) {
        record?.append(.response(response), isSent: arrow == .sent, leg: leg)
        guard !isOff else { return }
        line(arrow, "\(response.status) \(Redaction.numbers(response.reason))", response.headers)
        whole(.response(response))
    }

    private enum Arrow: String {
        case sent = "->"
        case received = "<-"
    }

    private func line(_ arrow: Arrow, _ text: String, _ headers: Headers) {
        lines?.append(text, isSent: arrow == .sent)
        logger?.debug(
            "sip message",
            metadata: [
                "sip.line": "\(arrow.rawValue) \(text)", "sip.cseq": "\(headers.cseq.map { $0.description } ?? "?")",
            ])
    }

    private func whole(_ message: Message) {
        guard let logger, logger.logLevel <= .trace else { return }
        let text = Redaction.message(String(decoding: message.encoded(), as: UTF8.self))
        logger.trace("sip octets", metadata: ["text": "\(text)"])
    }
}

/// The lines of one leg, in order, with the time since the first.
package final class LadderLines {
    package struct Line: Sendable, Hashable {
        package let time: Duration
        package let isSent: Bool
        package let text: String

        package init(time: Duration, isSent: Bool, text: String) {
            self.time = time
            self.isSent = isSent
            self.text = text
        }
    }

    package private(set) var all: [Line] = []
    private var began: ContinuousClock.Instant?

    fileprivate func append(_ text: String, isSent: Bool) {
        let now = ContinuousClock.now
        let began = began ?? now
        self.began = began
        all.append(Line(time: now - began, isSent: isSent, text: text))
    }
}
