import Synchronization
import Testing

@testable import SIPCore

extension UASInvite: Machine {
    static func fired(_ timer: TimerID) -> Event { .timerFired(timer) }
    static func effect(_ action: Action) -> Effect<TimerID> {
        switch action {
        case .respond(let response): .visible("respond \(response.status)")
        case .retransmit(let response): .visible("retransmit \(response.status)")
        case .respondTo(let request, let response): .visible("\(request.method) gets \(response.status)")
        case .send(let request): .visible("send \(line(request))")
        case .sendACK(let request): .visible("ACK \(request.headers.cseq?.number ?? 0)")
        case .arm(let timer, let at): .arm(timer, at)
        case .cancel(let timer): .cancel(timer)
        case .report(.acknowledged): .visible("acknowledged")
        case .report(.cancelled): .visible("cancelled")
        case .report(.ended(let cause)): .visible("ended \(name(cause))")
        case .report(.request(let request)): .visible("saw \(request.method)")
        case .report(.inDialog(let report)): .visible(name(report))
        case .finish: .finish("finish")
        }
    }
}

extension UACInvite: Machine {
    static func fired(_ timer: TimerID) -> Event { .timerFired(timer) }
    static func effect(_ action: Action) -> Effect<TimerID> {
        switch action {
        case .send(let request): .visible("send \(line(request))")
        case .sendACK(let request):
            .visible("ACK \(request.headers.cseq?.number ?? 0) to \(request.headers.to?.tag ?? "-")")
        case .respondTo(let request, let response): .visible("\(request.method) gets \(response.status)")
        case .arm(let timer, let at): .arm(timer, at)
        case .cancel(let timer): .cancel(timer)
        case .report(.provisional(let response)): .visible("provisional \(response.status)")
        case .report(.challenged(let response)): .visible("challenged \(response.status)")
        case .report(.answered(let response)): .visible("answered \(response.status)")
        case .report(.failed(let status, let response)):
            .visible("failed \(status)" + (response.map { " by \($0.status)" } ?? ""))
        case .report(.ended(let cause)): .visible("ended \(name(cause))")
        case .report(.request(let request)): .visible("saw \(request.method)")
        case .report(.inDialog(let report)): .visible(name(report))
        case .finish: .finish("finish")
        }
    }
}

private func name(_ cause: EndCause) -> String {
    switch cause {
    case .byPeer: "byPeer"
    case .noACK: "noACK"
    case .byUs: "byUs"
    case .sessionExpired: "sessionExpired"
    case .refreshFailed(let status): "refreshFailed \(status)"
    case .unusableAnswer: "unusableAnswer"
    }
}

private func name(_ report: InDialogReport) -> String {
    switch report {
    case .media(let stream): "media \(stream.address):\(stream.port) \(stream.direction)"
    case .digit(let digit): "digit \(digit.digit)"
    case .transferAsked(let referral): "transfer to \(referral.target)"
    }
}

/// Ids that count up, so that tests can name them.
func countingIDs(_ prefix: String = "id") -> IDSource {
    let counter = Counter()
    return IDSource { "\(prefix)\(counter.next())" }
}

private final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> Int {
        value.withLock {
            $0 += 1
            return $0
        }
    }
}

enum Parties {
    static let meta = LocalParty(
        contact: "<sip:+15550100001@sip.example.com:5061;transport=tls>", viaSentBy: "sip.example.com:5061",
        transport: "TLS", userAgent: "")
    static let pbx = LocalParty(
        contact: "<sip:ibis@192.0.2.10:5060>", viaSentBy: "192.0.2.10:5060", transport: "UDP", userAgent: "Ibis")
}
