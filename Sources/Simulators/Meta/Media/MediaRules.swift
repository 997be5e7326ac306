import Media
import SIPCore

/// Judges what the business sends as media (meta-calling §2, §11.2, §11.6, §11.7), and watches over its absence.
///
/// A value without socket and clock. Each rule is noted once a call; the figures count every packet.
struct MediaRules: Sendable {
    /// What signalling agreed on.
    struct Agreement: Sendable, Hashable {
        var address: String
        var port: UInt16
        var audio: UInt8
        var event: UInt8?
        /// From `a=ssrc`, when there was one.
        var announced: UInt32?
    }

    enum Verdict: Sendable, Hashable {
        /// To be heard.
        case audio(RTPHeader)
        case event(RTPHeader, TelephoneEvent)
        /// Of a second SSRC, or of nothing agreed on: Meta's relay garbles or drops it.
        case garbled
    }

    /// Why Meta hangs up.
    enum Silence: Sendable, Hashable {
        case absent, stopped
    }

    private let watchdogs: MetaWatchdogs
    private(set) var agreement: Agreement?
    private(set) var violations: [Violation] = []
    private(set) var figures = MediaFigures()
    private var noted: Set<MetaRule> = []
    private var startedAt: MediaInstant?
    private var heardAt: MediaInstant?
    private var last: (sequence: UInt16, timestamp: UInt32, at: MediaInstant)?
    private var event: (timestamp: UInt32, firstSequence: UInt16)?

    init(watchdogs: MetaWatchdogs) { self.watchdogs = watchdogs }

    mutating func agreed(_ agreement: Agreement) { self.agreement = agreement }

    /// ACK is here (business called), or has been sent (WhatsApp user called): the watchdog runs.
    mutating func started(now: MediaInstant) { startedAt = startedAt ?? now }

    // MARK: Packets

    /// A datagram that came before the 200.
    mutating func early() {
        figures.early += 1
        note(.mediaBeforeAnswer)
    }

    /// A packet that does not authenticate, plain RTP among them.
    mutating func unauthenticated() {
        figures.unauthenticated += 1
        note(.mediaPlain)
    }

    mutating func came(from address: String, _ port: UInt16) {
        guard let agreement, agreement.address != address || agreement.port != port else { return }
        figures.otherSource += 1
        note(.mediaSource, "port \(port) instead of \(agreement.port)")
    }

    mutating func rtcp(now: MediaInstant) {
        figures.reports += 1
        heardAt = now
    }

    /// An RTP packet after decryption.
    mutating func received(_ header: RTPHeader, payload: Span<UInt8>, now: MediaInstant) -> Verdict {
        heardAt = now
        guard follows(header.ssrc) else { return .garbled }
        guard let agreement, header.payloadType == agreement.audio || header.payloadType == agreement.event else {
            figures.otherPayload += 1
            note(.mediaPayloadType, "payload type \(header.payloadType)")
            return .garbled
        }
        timeline(header, now)
        if header.payloadType == agreement.event, let event = TelephoneEvent(parsing: payload) {
            checkClock(event, header)
            return .event(header, event)
        }
        if payload.count > 0, let samples = OpusFrame.duration(of: payload), samples != OpusFrame.samples20ms {
            figures.otherPacketTime += 1
            note(.mediaPacketTime, "\(samples / 48) ms")
        }
        return .audio(header)
    }

    private mutating func follows(_ ssrc: UInt32) -> Bool {
        if figures.ssrcs.isEmpty {
            figures.ssrcs = [ssrc]
            if let announced = agreement?.announced, announced != ssrc { note(.mediaAnnouncedSSRC) }
        }
        guard figures.ssrcs.first != ssrc else { return true }
        if !figures.ssrcs.contains(ssrc), figures.ssrcs.count < 16 { figures.ssrcs.append(ssrc) }
        figures.garbled += 1
        note(.mediaSSRC)
        return false
    }

    /// Packets out of order are the network's; a clock that runs backwards, or ahead of time by more than a second, and
    /// numbers that begin anew are the sender's.
    private mutating func timeline(_ header: RTPHeader, _ now: MediaInstant) {
        defer { last = (header.sequenceNumber, header.timestamp, now) }
        guard let last else { return }
        let step = Int16(bitPattern: header.sequenceNumber &- last.sequence)
        let ticks = Int64(Int32(bitPattern: header.timestamp &- last.timestamp))
        guard step > 0 else {
            // A small step back is reordering.
            if step < -100 { broken("sequence number \(step)") }
            return
        }
        let elapsed = now.nanoseconds > last.at.nanoseconds ? now.nanoseconds - last.at.nanoseconds : 0
        let most = Int64(clamping: elapsed / 1_000 * 48 / 1_000) + 48_000
        if step > 3_000 {
            broken("sequence number +\(step)")
        } else if ticks < 0 {
            broken("timestamp \(ticks)")
        } else if ticks > most {
            broken("timestamp +\(ticks)")
        } else if ticks != Int64(step) * 960, ticks != 0 {
            figures.timestampSteps += 1
        }
    }

    private mutating func broken(_ detail: String) {
        figures.breaks += 1
        note(.mediaTimeline, detail)
    }

    /// No event packet stands for more than 60 ms, so what claims more than that a packet counts in another clock.
    private mutating func checkClock(_ telephoneEvent: TelephoneEvent, _ header: RTPHeader) {
        if event?.timestamp != header.timestamp { event = (header.timestamp, header.sequenceNumber) }
        guard let event else { return }
        let packets = Int(header.sequenceNumber &- event.firstSequence) + 1
        if Int(telephoneEvent.duration) > packets * 480 { note(.mediaEventClock, "\(telephoneEvent.duration) units") }
    }

    // MARK: Silence

    /// Asked in time: whether Meta hangs up now. Fires once.
    mutating func silence(now: MediaInstant) -> Silence? {
        guard let startedAt else { return nil }
        if let heardAt, heardAt >= startedAt {
            guard now.nanoseconds >= heardAt.nanoseconds &+ Self.nanoseconds(watchdogs.later) else { return nil }
            note(.mediaStopped)
            return .stopped
        }
        guard now.nanoseconds >= startedAt.nanoseconds &+ Self.nanoseconds(watchdogs.atStart) else { return nil }
        note(.mediaAbsent)
        return .absent
    }

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        return UInt64(max(seconds, 0)) &* 1_000_000_000 &+ UInt64(max(attoseconds, 0) / 1_000_000_000)
    }

    private mutating func note(_ rule: MetaRule, _ detail: String = "") {
        guard noted.insert(rule).inserted else { return }
        violations.append(Violation(rule, detail))
    }
}

/// When Meta gives up a call without media (meta-calling §2). RTCP counts as media.
package struct MetaWatchdogs: Sendable, Hashable {
    /// Nothing at all since the ACK.
    package var atStart: Duration
    /// Nothing any more.
    package var later: Duration

    package init(atStart: Duration = .seconds(20), later: Duration = .seconds(30)) {
        self.atStart = atStart
        self.later = later
    }
}

/// What the business's media looked like, beside ``LegStatistics``.
package struct MediaFigures: Sendable, Hashable {
    /// SSRCs in the order they were heard; one is right.
    package var ssrcs: [UInt32] = []
    /// Packets of a second SSRC, which nobody understands at Meta.
    package var garbled = 0
    /// Datagrams before the 200.
    package var early = 0
    package var unauthenticated = 0
    package var otherSource = 0
    package var otherPayload = 0
    package var otherPacketTime = 0
    /// Sequence numbers or timestamps that jump.
    package var breaks = 0
    /// Steps of the timestamp that are not 20 ms a packet: pauses, and where a source changed.
    package var timestampSteps = 0
    package var reports = 0

    package init() {}
}
