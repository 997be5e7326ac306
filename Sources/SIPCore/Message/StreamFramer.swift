/// Cuts a TCP or TLS stream into messages (RFC 3261 §18.3) and keep-alives (RFC 5626 §3.5.1).
///
/// Append what the socket gave, then call `next()` until nil. Each octet is looked at a bounded number of times,
/// however the stream is dripped, and no more is held than one message of the limits and one append.
public struct StreamFramer: Sendable {
    public enum Frame: Hashable, Sendable {
        case message(Message)
        /// A ping of CRLF CRLF: answer with one CRLF.
        case keepAlive
        /// This message is wrong but its end is known: answer it if it can be answered, and go on.
        case malformed(MalformedMessage)
    }

    private enum Phase: Sendable {
        /// Between messages; `afterCRLF` when half a ping has been seen.
        case idle(afterCRLF: Bool)
        /// `scanned` counts from the message's first octet.
        case head(scanned: Int, startLineSeen: Bool)
        case body(MessageHead, length: Int)
        /// A thrown error; the stream is dead.
        case failed(MalformedMessage)
    }

    private let limits: MessageLimits
    private var phase: Phase = .idle(afterCRLF: false)
    private var buffer: [UInt8] = []
    /// Where the unread octets begin in `buffer`.
    private var start = 0
    private var isOverfull = false

    public init(limits: MessageLimits = .init()) { self.limits = limits }

    /// Whether a message has begun and not ended: its sender owes us octets.
    public var isMidMessage: Bool {
        switch phase {
        case .idle, .failed: false
        case .head, .body: true
        }
    }

    /// Octets held.
    public var buffered: Int { buffer.count - start }

    /// The most octets that are held: one whole message and one generous read of the socket.
    private var capacity: Int { limits.maxHead &+ limits.maxBody &+ 262_144 }

    /// Adds octets to the end. What exceeds the capacity is dropped, and `next()` then throws after the whole messages.
    public mutating func append(_ bytes: Span<UInt8>) {
        if start > 0, start >= buffer.count / 2 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        let room = max(0, capacity - buffered)
        if bytes.count > room { isOverfull = true }
        bytes.extracting(0..<min(room, bytes.count)).append(to: &buffer)
    }

    /// The next whole frame, nil when more octets are needed.
    ///
    /// - Throws: when nobody can tell where the message ends. Answer it if it can be answered, then close; every later
    ///   call throws the same.
    public mutating func next() throws(MalformedMessage) -> Frame? {
        do throws(MalformedMessage) {
            if let frame = try frame() { return frame }
            if isOverfull { throw MalformedMessage(.bufferFull(limit: capacity)) }
            releaseIdleMemory()
            return nil
        } catch {
            phase = .failed(error)
            buffer = []
            start = 0
            throw error
        }
    }

    private mutating func frame() throws(MalformedMessage) -> Frame? {
        while true {
            switch phase {
            case .failed(let error): throw error
            case .idle(let afterCRLF):
                guard start < buffer.count else { return nil }
                guard buffer[start] == .cr else {
                    phase = .head(scanned: 0, startLineSeen: false)
                    continue
                }
                guard start + 1 < buffer.count else { return nil }
                guard buffer[start + 1] == .lf else { throw MalformedMessage(.notSIP) }
                start += 2
                phase = .idle(afterCRLF: !afterCRLF)
                if afterCRLF { return .keepAlive }
            case .head(let scanned, let startLineSeen):
                let (next, consumed) = try readHead(scanned, startLineSeen)
                phase = next
                start += consumed
                if case .head = next { return nil }
            case .body(let head, let length):
                guard buffered >= length else { return nil }
                let body = Array(buffer[start..<start + length])
                start += length
                phase = .idle(afterCRLF: false)
                do {
                    return .message(try head.message(body: body))
                } catch {
                    return .malformed(error)
                }
            }
        }
    }

    /// The phase after looking at what has come of a head, `.body` when it is complete, and the octets it took.
    private func readHead(
        _ scanned: Int, _ startLineSeen: Bool
    ) throws(MalformedMessage) -> (next: Phase, consumed: Int) {
        let octets = buffer.span.extracting(start..<buffer.count)
        var scanned = scanned
        if !startLineSeen {
            guard try checkStartLine(octets, from: scanned) else {
                try checkHeadSize(octets)
                return (.head(scanned: octets.count, startLineSeen: false), 0)
            }
            scanned = 0
        }
        guard let end = MessageHead.end(in: octets, scanned: &scanned) else {
            try checkHeadSize(octets)
            return (.head(scanned: scanned, startLineSeen: true), 0)
        }
        try checkHeadSize(octets.extracting(0..<end))
        let head = MessageHead(reading: octets.extracting(0..<end), limits: limits)
        let length = try head.bodyLength(limits: limits)
        // A body without a length has no end on a stream (RFC 3261 §20.14).
        if length == nil, head.hasContentType { throw head.malformed(.missing(.contentLength)) }
        return (.body(head, length: length ?? 0), end)
    }

    /// Refuses what is not SIP at its first line instead of waiting for a blank one; false while there is no line yet.
    private func checkStartLine(_ octets: Span<UInt8>, from scanned: Int) throws(MalformedMessage) -> Bool {
        if scanned == 0, octets.count > 0, !OctetSet.token.contains(octets[0]) { throw MalformedMessage(.notSIP) }
        // One beyond the limit counts for nothing, so that it makes no difference in which pieces the octets come.
        let end = min(octets.count, limits.maxHead)
        guard let lineFeed = octets.firstIndex(of: .lf, in: min(scanned, end)..<end) else { return false }
        guard lineFeed > 0, octets[lineFeed - 1] == .cr, MessageHead.isStartLine(octets, 0..<lineFeed - 1) else {
            throw MalformedMessage(.notSIP)
        }
        return true
    }

    private func checkHeadSize(_ octets: Span<UInt8>) throws(MalformedMessage) {
        guard octets.count > limits.maxHead else { return }
        throw MessageHead(reading: octets.extracting(0..<limits.maxHead), limits: limits)
            .malformed(.headTooLarge(limit: limits.maxHead))
    }

    /// An idle connection should not keep the memory of its largest message.
    private mutating func releaseIdleMemory() {
        guard start == buffer.count else { return }
        start = 0
        if buffer.capacity > 16_384 { buffer = [] } else { buffer.removeAll(keepingCapacity: true) }
    }
}
