import Foundation
import SIPEdge
import WabaBridge

extension ConsoleCalls {
    /// What the edge keeps of the last calls.
    init(_ edge: SIPEdge) {
        self.init(
            list: {
                await edge.recentCalls().map { call in
                    ConsoleCall(
                        id: call.id, began: ConsoleCalls.date(call.began), line: call.line, status: call.status,
                        messageCount: call.messages)
                }
            },
            trace: { id in
                guard let trace = await edge.messages(ofCall: id) else { return nil }
                return ConsoleTrace(
                    id: trace.id, began: ConsoleCalls.date(trace.began), dropped: trace.dropped,
                    messages: trace.entries.map { entry in
                        ConsoleTrace.Message(
                            milliseconds: Int(entry.time / .milliseconds(1)), leg: entry.leg,
                            direction: entry.isSent ? "sent" : "received", line: entry.line, text: entry.text)
                    }, ladder: trace.ladder)
            })
    }

    private static func date(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}
