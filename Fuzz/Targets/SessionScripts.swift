import SIPCore
import Synchronization

/// The two sides of a call and what joins them.
enum SessionScripts {
    private static let party = LocalParty(
        contact: "<sip:ibis@192.0.2.10:5060>", viaSentBy: "192.0.2.10:5060", transport: "UDP", userAgent: "Ibis")

    static func called(_ script: inout Script, setUp: UInt8) throws(FuzzFinding) {
        let invite = Samples.request(.invite, body: setUp & 2 == 0 ? Samples.offer : [])
        var machine = UASInvite(
            invite: invite, localTag: "b", party: party, ids: ids(), reoffers: setUp & 4 == 0 ? .refuse : .answer)
        let manners = Manners<UASInvite.TimerID>()
        var final: Int?
        func feed(_ event: UASInvite.Event) throws(FuzzFinding) {
            for action in machine.handle(event, now: manners.now) {
                switch action {
                case .respond(let response):
                    try requireReadable(.response(response))
                    guard response.isFinal else { continue }
                    try require(final == nil, "an INVITE gets one final answer")
                    final = response.status
                case .respondTo(_, let response): try requireReadable(.response(response))
                case .send(let request):
                    try require(!manners.isFinished, "a finished call sends \(request.method)")
                    try requireReadable(.request(request))
                case .arm(let timer, let at): try manners.arm(timer, at: at)
                case .cancel(let timer): try manners.cancel(timer)
                case .finish: try manners.finish()
                default: break
                }
            }
        }
        while let (event, detail) = script.next() {
            switch event % 10 {
            case 0: try feed(.ring(status: detail & 1 == 0 ? 180 : 183))
            case 1: try feed(.answer(body: detail & 1 == 0 ? Samples.offer : [], headers: []))
            case 2: try feed(.reject(status: max(300, Samples.status(detail)), reason: nil, headers: []))
            case 3: try feed(.bye(headers: []))
            case 4: try feed(.cancelled(detail & 1 == 0 ? nil : Samples.request(.cancel)))
            case 5, 6: try feed(.received(inDialog(event, detail, from: "a", to: "b")))
            case 7: try feed(.byeFinished(status: detail & 1 == 0 ? nil : Samples.status(detail)))
            case 8:
                manners.pass(.milliseconds(Int(detail) * 100))
                while let timer = manners.due(by: manners.now) { try feed(.timerFired(timer)) }
            default: if let timer = manners.due(by: Instant(.seconds(1_000_000))) { try feed(.timerFired(timer)) }
            }
        }
        // Whatever was, a call that is hung up ends.
        try feed(.bye(headers: []))
        for _ in 0..<4 where !manners.isFinished {
            try feed(.received(Samples.request(.ack, from: "a", to: "b")))
            try feed(.byeFinished(status: nil))
            try TransactionScripts.rest(manners) { timer throws(FuzzFinding) in try feed(.timerFired(timer)) }
        }
        try require(manners.isFinished, "a call that is hung up ends")
        try require(final != nil, "an INVITE gets a final answer")
    }

    static func calling(_ script: inout Script, setUp: UInt8) throws(FuzzFinding) {
        var invite = Samples.request(.invite, body: Samples.offer)
        for name: HeaderName in [.via, .cseq, .contact, .maxForwards] { invite.headers.remove(name) }
        var machine = UACInvite(
            invite: invite, party: party, ids: ids(), reoffers: setUp & 4 == 0 ? .refuse : .answer)
        let manners = Manners<UACInvite.TimerID>()
        var sent = invite
        func feed(_ event: UACInvite.Event) throws(FuzzFinding) {
            for action in machine.handle(event, now: manners.now) {
                switch action {
                case .send(let request):
                    try requireReadable(.request(request))
                    if request.method == .invite { sent = request }
                case .sendACK(let request): try requireReadable(.request(request))
                case .respondTo(_, let response): try requireReadable(.response(response))
                case .arm(let timer, let at): try manners.arm(timer, at: at)
                case .cancel(let timer): try manners.cancel(timer)
                case .finish: try manners.finish()
                default: break
                }
            }
        }
        func response(_ status: Int, _ detail: UInt8) -> Response {
            var extra = [HeaderField(.contact, "<sip:b@192.0.2.2:5060>"), HeaderField(.contentType, "application/sdp")]
            if status == 401 || status == 407 {
                extra.append(HeaderField(.proxyAuthenticate, "Digest realm=\"x\", nonce=\"y\", qop=\"auth\""))
            }
            return sent.response(status, toTag: "b\(detail % 3)", headers: extra, body: Samples.offer)
        }
        try feed(.start)
        while let (event, detail) = script.next() {
            switch event % 10 {
            case 0, 1: try feed(.received(response(Samples.status(detail), event / 10)))
            case 2: try feed(.failed(detail & 1 == 0 ? .timedOut : .transportFailed))
            case 3: try feed(.authorize(HeaderField(.proxyAuthorization, "Digest x=\"y\"")))
            case 4: try feed(.cancel(headers: []))
            case 5: try feed(.bye(headers: []))
            case 6: try feed(.request(inDialog(event, detail, from: "b\(event / 10 % 3)", to: "a")))
            case 7: try feed(.byeFinished(detail & 1 == 0 ? nil : Samples.status(detail)))
            case 8:
                manners.pass(.milliseconds(Int(detail) * 100))
                while let timer = manners.due(by: manners.now) { try feed(.timerFired(timer)) }
            default: if let timer = manners.due(by: Instant(.seconds(1_000_000))) { try feed(.timerFired(timer)) }
            }
        }
        for _ in 0..<4 where !manners.isFinished {
            try feed(.cancel(headers: []))
            try feed(.bye(headers: []))
            try feed(.failed(.timedOut))
            try feed(.byeFinished(nil))
            try TransactionScripts.rest(manners) { timer throws(FuzzFinding) in try feed(.timerFired(timer)) }
        }
        try require(manners.isFinished, "a call that is given up ends")
    }

    /// What joins the two sides has no time of its own.
    static func joined(_ script: inout Script) throws(FuzzFinding) {
        var machine = B2BUA()
        var isFinished = false
        var finals = 0
        func feed(_ event: B2BUA.Event) throws(FuzzFinding) {
            for action in machine.handle(event) {
                try require(!isFinished, "a finished call acts")
                switch action {
                case .answerCaller, .rejectCaller: finals += 1
                case .finish: isFinished = true
                default: break
                }
            }
            try require(finals <= 1, "the caller gets one final answer")
        }
        try feed(.start)
        while let (event, detail) = script.next() {
            let refusal = B2BUA.Refusal(callee: max(300, Samples.status(detail)))
            let cause = Q850Cause.normalClearing
            switch event % 9 {
            case 0: try feed(.calleeProgress(status: 180))
            case 1: try feed(.calleeAnswered)
            case 2: try feed(.calleeFailed(refusal))
            case 3: try feed(.calleeEnded(cause))
            case 4: try feed(.callerCancelled)
            case 5: try feed(.callerAcknowledged)
            case 6: try feed(.callerEnded(cause))
            case 7: try feed(.ringTimedOut)
            default: try feed(.hangUp(cause))
            }
        }
        try feed(.hangUp(.normalClearing))
        try require(isFinished, "a call that is hung up ends")
    }

    private static func inDialog(_ event: UInt8, _ detail: UInt8, from: String, to: String) -> Request {
        let strange = event >= 200
        return Samples.request(
            Samples.method(detail), number: UInt32(1 + (event / 10 % 8)), from: from, to: strange ? "other" : to,
            body: detail & 0x40 == 0 ? [] : Samples.offer,
            headers: detail & 0x80 == 0 ? [] : [HeaderField(.require, "x-unheard, 100rel")])
    }

    private static func ids() -> IDSource {
        let counter = Counter()
        return IDSource { "id\(counter.next())" }
    }
}

private final class Counter: Sendable {
    private let value = Mutex(0)

    func next() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}
