import SIPCore

/// The four transactions of RFC 3261 §17. What one of them sends after its end, or a second and different final answer,
/// is a finding.
enum TransactionScripts {
    static func inviteClient(_ script: inout Script, reliable: Bool) throws(FuzzFinding) {
        let request = Samples.request(.invite)
        var machine = InviteClientTransaction(request: request, reliable: reliable)
        let manners = Manners<InviteClientTransaction.TimerID>()
        func feed(_ event: InviteClientTransaction.Event) throws(FuzzFinding) {
            for action in machine.handle(event, now: manners.now) {
                try require(!manners.isFinished, "a finished client transaction acts")
                switch action {
                case .send(let request): try requireReadable(.request(request))
                case .deliver: break
                case .arm(let timer, let at): try manners.arm(timer, at: at)
                case .cancel(let timer): try manners.cancel(timer)
                case .finish: try manners.finish()
                }
            }
        }
        try feed(.start)
        while let (event, detail) = script.next() {
            switch event % 4 {
            case 0: try feed(.received(request.response(Samples.status(detail), toTag: "t\(detail % 3)")))
            case 1: try feed(.transportFailed)
            case 2:
                manners.pass(.milliseconds(Int(detail) * 20))
                while let timer = manners.due(by: manners.now) { try feed(.timerFired(timer)) }
            default: if let timer = manners.due(by: Instant(.seconds(1_000_000))) { try feed(.timerFired(timer)) }
            }
        }
        try rest(manners) { timer throws(FuzzFinding) in try feed(.timerFired(timer)) }
        // One that rings has no timer of its own (§17.1.1.2): the call above it gives up.
        if !manners.isFinished { try feed(.received(request.response(487, toTag: "t"))) }
        try rest(manners) { timer throws(FuzzFinding) in try feed(.timerFired(timer)) }
        try require(manners.isFinished && machine.isTerminated, "a final answer ends a client transaction")
    }

    static func nonInviteClient(_ script: inout Script, reliable: Bool) throws(FuzzFinding) {
        let request = Samples.request(.bye, to: "b")
        var machine = NonInviteClientTransaction(request: request, reliable: reliable)
        let manners = Manners<NonInviteClientTransaction.TimerID>()
        var finals = 0
        func feed(_ event: NonInviteClientTransaction.Event) throws(FuzzFinding) {
            for action in machine.handle(event, now: manners.now) {
                try require(!manners.isFinished, "a finished client transaction acts")
                switch action {
                case .send(let request): try requireReadable(.request(request))
                case .deliver(let response): if response.isFinal { finals += 1 }
                case .arm(let timer, let at): try manners.arm(timer, at: at)
                case .cancel(let timer): try manners.cancel(timer)
                case .finish: try manners.finish()
                }
            }
        }
        try feed(.start)
        while let (event, detail) = script.next() {
            switch event % 4 {
            case 0: try feed(.received(request.response(Samples.status(detail))))
            case 1: try feed(.transportFailed)
            case 2:
                manners.pass(.milliseconds(Int(detail) * 20))
                while let timer = manners.due(by: manners.now) { try feed(.timerFired(timer)) }
            default: if let timer = manners.due(by: Instant(.seconds(1_000_000))) { try feed(.timerFired(timer)) }
            }
        }
        try rest(manners) { timer throws(FuzzFinding) in try feed(.timerFired(timer)) }
        try require(finals <= 1, "one final answer is delivered")
        try require(manners.isFinished && machine.isTerminated, "a client transaction ends by itself")
    }

    static func inviteServer(_ script: inout Script, reliable: Bool) throws(FuzzFinding) {
        let request = Samples.request(.invite)
        var machine = InviteServerTransaction(request: request, reliable: reliable)
        let manners = Manners<InviteServerTransaction.TimerID>()
        var final: Int?
        var invites = 0
        func feed(_ event: InviteServerTransaction.Event) throws(FuzzFinding) {
            for action in machine.handle(event, now: manners.now) {
                try require(!manners.isFinished, "a finished server transaction acts")
                switch action {
                case .send(let response):
                    try requireReadable(.response(response))
                    try noteFinal(response.status, &final)
                case .deliver(let request):
                    if request.method != .ack { invites += 1 }
                    try require(invites <= 1, "an INVITE is delivered once")
                case .arm(let timer, let at): try manners.arm(timer, at: at)
                case .cancel(let timer): try manners.cancel(timer)
                case .finish: try manners.finish()
                }
            }
        }
        try feed(.start)
        while let (event, detail) = script.next() {
            switch event % 5 {
            case 0: try feed(.respond(request.response(Samples.status(detail), toTag: "b")))
            case 1: try feed(.received(detail & 1 == 0 ? request : Samples.request(.ack, to: "b")))
            case 2: try feed(.transportFailed)
            case 3:
                manners.pass(.milliseconds(Int(detail) * 20))
                while let timer = manners.due(by: manners.now) { try feed(.timerFired(timer)) }
            default: if let timer = manners.due(by: Instant(.seconds(1_000_000))) { try feed(.timerFired(timer)) }
            }
        }
        if !manners.isFinished { try feed(.respond(request.response(486, toTag: "b"))) }
        try rest(manners) { timer throws(FuzzFinding) in try feed(.timerFired(timer)) }
        try require(manners.isFinished && machine.isTerminated, "a server transaction ends once it has answered")
    }

    static func nonInviteServer(_ script: inout Script, reliable: Bool) throws(FuzzFinding) {
        let request = Samples.request(.options)
        var machine = NonInviteServerTransaction(request: request, reliable: reliable)
        let manners = Manners<NonInviteServerTransaction.TimerID>()
        var final: Int?
        func feed(_ event: NonInviteServerTransaction.Event) throws(FuzzFinding) {
            for action in machine.handle(event, now: manners.now) {
                try require(!manners.isFinished, "a finished server transaction acts")
                switch action {
                case .send(let response):
                    try requireReadable(.response(response))
                    if response.isFinal {
                        try require(final == nil || final == response.status, "one final answer is sent")
                        final = response.status
                    }
                case .deliver: break
                case .arm(let timer, let at): try manners.arm(timer, at: at)
                case .cancel(let timer): try manners.cancel(timer)
                case .finish: try manners.finish()
                }
            }
        }
        try feed(.start)
        while let (event, detail) = script.next() {
            switch event % 5 {
            case 0: try feed(.respond(request.response(Samples.status(detail), toTag: "b")))
            case 1: try feed(.received(request))
            case 2: try feed(.transportFailed)
            case 3:
                manners.pass(.milliseconds(Int(detail) * 20))
                while let timer = manners.due(by: manners.now) { try feed(.timerFired(timer)) }
            default: if let timer = manners.due(by: Instant(.seconds(1_000_000))) { try feed(.timerFired(timer)) }
            }
        }
        if !manners.isFinished { try feed(.respond(request.response(200, toTag: "b"))) }
        try rest(manners) { timer throws(FuzzFinding) in try feed(.timerFired(timer)) }
        try require(manners.isFinished && machine.isTerminated, "a server transaction ends once it has answered")
    }

    /// Several 2xx may leave (RFC 6026 §7.1), but no refusal beside one, nor two refusals.
    private static func noteFinal(_ status: Int, _ final: inout Int?) throws(FuzzFinding) {
        guard status >= 200 else { return }
        if let before = final {
            try require(before == status || (before < 300 && status < 300), "\(status) is sent after \(before)")
        }
        final = status
    }

    /// Lets time pass until nothing is armed.
    static func rest<TimerID>(
        _ manners: Manners<TimerID>, _ fire: (TimerID) throws(FuzzFinding) -> Void
    ) throws(FuzzFinding) {
        var steps = 0
        while let timer = manners.due(by: Instant(.seconds(1_000_000))) {
            try fire(timer)
            steps += 1
            try require(steps < 500, "a machine comes to rest")
        }
    }
}
