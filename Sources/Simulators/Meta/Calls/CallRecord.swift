import NIOCore
import SIPCore
package import SIPEdge

/// One line of a call's message ladder, numbers masked.
package typealias LadderLine = LadderLines.Line

/// What is noted about one call while it goes on.
final class CallRecord {
    private let loop: any EventLoop
    private let report: (Violation) -> Void
    private(set) var violations: [Violation] = []
    private(set) var ladder: [LadderLine] = []
    private var began: NIODeadline?
    /// Lines that are kept at most.
    private static let longest = 1_000

    /// - Parameter report: each violation, for the simulator's own list.
    init(loop: any EventLoop, report: @escaping (Violation) -> Void) {
        self.loop = loop
        self.report = report
    }

    func note(_ violation: Violation) {
        violations.append(violation)
        report(violation)
    }

    func note(_ rule: MetaRule, _ detail: String = "") { note(Violation(rule, detail)) }

    func sent(_ request: Request) { line(request.line, isSent: true) }
    func sent(_ response: Response) { line(response.line, isSent: true) }
    func received(_ request: Request) { line(request.line, isSent: false) }
    func received(_ response: Response) { line(response.line, isSent: false) }

    private func line(_ text: String, isSent: Bool) {
        guard ladder.count < Self.longest else { return }
        let began = began ?? loop.now
        self.began = began
        ladder.append(LadderLine(time: .nanoseconds((loop.now - began).nanoseconds), isSent: isSent, text: text))
    }
}

extension Request {
    fileprivate var line: String { Redaction.numbers("\(method) \(uri)") }
}

extension Response {
    fileprivate var line: String { "\(status) \(Redaction.numbers(reason))" }
}
