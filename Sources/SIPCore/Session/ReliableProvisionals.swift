/// The value of RAck (RFC 3262 §7.2): which reliable provisional response a PRACK means.
struct RAck: Hashable, Sendable, CustomStringConvertible {
    var rSeq: UInt32
    var cseq: CSeq

    init(rSeq: UInt32, cseq: CSeq) {
        self.rSeq = rSeq
        self.cseq = cseq
    }

    init?(_ value: String) {
        let text = value.utf8Span.span
        var position = 0
        text.skipWhitespace(&position)
        guard let rSeq = text.decimal(text.scan(.digit, &position), limit: Int(UInt32.max)), position < text.count,
            let cseq = CSeq(parsing: text.extracting(position..<text.count))
        else { return nil }
        self.init(rSeq: UInt32(truncatingIfNeeded: rSeq), cseq: cseq)
    }

    var description: String { "\(rSeq) \(cseq)" }
}

extension Headers {
    var rSeq: UInt32? {
        guard let value = self[first: .rSeq] else { return nil }
        let text = value.utf8Span.span
        guard let number = text.decimal(text.trimmed(0..<text.count), limit: Int(UInt32.max)), number > 0 else {
            return nil
        }
        return UInt32(truncatingIfNeeded: number)
    }
}

/// The calling side of RFC 3262 §4, for one early dialog: which reliable responses are new.
struct ReliableReceiver: Sendable {
    enum Verdict: Hashable, Sendable {
        case unreliable
        /// The next one: it gets a PRACK with this RAck.
        case acknowledge(RAck)
        /// Seen before; its PRACK is on the way.
        case again
        /// One before it is missing: as if it had not come, so that it comes again.
        case tooEarly
    }

    private var last: UInt32?

    mutating func receive(_ response: Response) -> Verdict {
        guard response.headers.requires("100rel"), let rSeq = response.headers.rSeq, let cseq = response.headers.cseq
        else { return .unreliable }
        if let last {
            guard rSeq > last else { return .again }
            guard rSeq == last &+ 1 else { return .tooEarly }
        }
        last = rSeq
        return .acknowledge(RAck(rSeq: rSeq, cseq: cseq))
    }
}

//   ┌──────┐ send ┌─────────┐  T1, doubled: again
//   │ idle │ ───▶ │ waiting │  64·T1: given up
//   └──────┘ ◀─── └─────────┘
//             PRACK

/// The called side of RFC 3262 §3: one response on the way at a time, the newest status next.
struct ReliableSender: Sendable {
    private(set) var waiting: (response: Response, interval: Duration)?
    private var next: Int?
    private var rSeq: UInt32
    private var acknowledged: UInt32 = 0

    /// - Parameter first: RSeq of the first one, 1…2³¹ − 1, by chance (§3).
    init(first: UInt32) { rSeq = min(max(first, 1), UInt32(Int32.max)) &- 1 }

    /// The RSeq to send the status with; nil: it waits for the PRACK of the one before.
    mutating func reserve(_ status: Int) -> UInt32? {
        guard waiting == nil else {
            next = status
            return nil
        }
        rSeq = rSeq &+ 1
        return rSeq
    }

    mutating func sent(_ response: Response, interval: Duration) { waiting = (response, interval) }

    mutating func repeated() -> (response: Response, interval: Duration)? {
        guard var waiting else { return nil }
        waiting.interval = waiting.interval * 2
        self.waiting = waiting
        return waiting
    }

    enum Acknowledgement: Hashable, Sendable {
        /// 200, and the status that has waited.
        case taken(next: Int?)
        /// 200: a repeated PRACK, or one that the final response overtook.
        case known
        /// 481.
        case unknown
    }

    mutating func acknowledge(_ prack: Request, invite: CSeq?) -> Acknowledgement {
        guard let value = prack.headers[first: .rAck], let rAck = RAck(value), rAck.cseq == invite else {
            return .unknown
        }
        guard rAck.rSeq == rSeq, rSeq > 0 else { return .unknown }
        if rAck.rSeq == acknowledged { return .known }
        acknowledged = rAck.rSeq
        waiting = nil
        defer { next = nil }
        return .taken(next: next)
    }

    /// A final response goes out: nothing is repeated any more.
    mutating func stop() {
        waiting = nil
        next = nil
    }
}
