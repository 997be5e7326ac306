/// Makes one RTP stream of many sources: one SSRC, one run of sequence numbers, one timeline, whatever prompt, silence or
/// peer speaks (design decision 7; meta-calling §11.2).
///
/// Within a source, sequence numbers and timestamps keep their distances, so that the receiver sees loss and reordering as
/// they were. At a change of source the next packet follows the last one: sequence number by one, timestamp by the time that
/// passed. A number is never given out twice, as two packets under one number would share their SRTP keystream.
public struct Rewriter: Hashable, Sendable {
    public struct Output: Hashable, Sendable {
        public var sequenceNumber: UInt16
        public var timestamp: UInt32
        /// The packet begins a run of its source: the marker of a talkspurt belongs on it (RFC 3551 §4.1).
        public var begins: Bool
    }

    /// One incoming packet.
    public struct Input: Hashable, Sendable {
        public var ssrc: UInt32
        public var sequenceNumber: UInt16
        public var timestamp: UInt32
        /// RFC 4733: the timestamp is the event's beginning, repeated in each of its packets.
        public var isEvent: Bool

        public init(ssrc: UInt32, sequenceNumber: UInt16, timestamp: UInt32, isEvent: Bool = false) {
            self.ssrc = ssrc
            self.sequenceNumber = sequenceNumber
            self.timestamp = timestamp
            self.isEvent = isEvent
        }
    }

    private enum Speaker: Hashable, Sendable { case nobody, ourselves, source }

    public let ssrc: UInt32
    public let clockRate: UInt32
    /// Ticks of 20 ms.
    private let frame: UInt32

    private var speaker = Speaker.nobody
    /// The highest sequence number that went out.
    private var highest: UInt16
    /// The newest timestamp that went out, and when it did.
    private var timeline: UInt32
    private var timelineAt: MediaInstant

    /// The source that spoke last, even when we spoke since.
    private var sourceSSRC: UInt32 = 0
    private var hasSource = false
    private var sequenceOffset: UInt16 = 0
    private var timestampOffset: UInt32 = 0
    private var sourceHighest: UInt16 = 0
    /// Bit n: the source's `sourceHighest - n` was sent or may not be any more.
    private var window: UInt64 = 0
    private var restartAt: UInt16?
    private var audioTimestamp: UInt32 = 0
    private var audioAt: MediaInstant
    private var eventInput: UInt32?
    private var eventOutput: UInt32 = 0

    /// The first packet out gets these; RFC 3550 §5.1 asks for random ones.
    public init(ssrc: UInt32, firstSequenceNumber: UInt16, firstTimestamp: UInt32, clockRate: UInt32) {
        self.ssrc = ssrc
        self.clockRate = clockRate
        frame = max(1, clockRate / 50)
        highest = firstSequenceNumber &- 1
        timeline = firstTimestamp
        timelineAt = MediaInstant(nanoseconds: 0)
        audioAt = timelineAt
    }

    /// Numbers of a packet that is relayed; nil: it came twice or too late and must not be sent.
    public mutating func rewrite(_ input: Input, now: MediaInstant) -> Output? {
        guard hasSource, input.ssrc == sourceSSRC else { return anchor(input, now: now) }
        let step = input.sequenceNumber &- sourceHighest
        if step != 0, step < ReceiverStatistics.maxDropout {
            restartAt = nil
            return speaker == .source ? advance(input, by: step, now: now) : resume(input, now: now)
        }
        let behind = UInt64(0 &- step)
        if behind < 64 {
            guard speaker == .source, window & 1 << behind == 0 else { return nil }
            window |= 1 << behind
            return Output(
                sequenceNumber: input.sequenceNumber &+ sequenceOffset, timestamp: mapped(input), begins: false)
        }
        // Far off: believed when the next one follows it, as in RFC 3550 A.1.
        guard restartAt == input.sequenceNumber else {
            restartAt = input.sequenceNumber &+ 1
            return nil
        }
        return anchor(input, now: now)
    }

    /// Numbers of a frame that we make ourselves, `ticks` after the one before. Call it when the frame is due.
    public mutating func generate(ticks: UInt32, now: MediaInstant) -> Output {
        let begins = speaker != .ourselves
        let next = speaker == .ourselves ? timeline &+ ticks : following(now)
        speak(.ourselves, timestamp: next, at: now)
        highest &+= 1
        return Output(sequenceNumber: highest, timestamp: next, begins: begins)
    }

    /// The timestamp of an event that we send; its packets take ``nextEventPacket()``.
    public mutating func beginEvent(now: MediaInstant) -> UInt32 {
        let next = following(now)
        speak(.ourselves, timestamp: next, at: now)
        return next
    }

    public mutating func nextEventPacket() -> UInt16 {
        highest &+= 1
        return highest
    }

    /// Our own speech has a hole: the next frame takes its place by the clock.
    public mutating func skip() {
        if speaker == .ourselves { speaker = .nobody }
    }

    /// What the timeline reads now, for a sender report (RFC 3550 §6.4.1).
    public func timestamp(at now: MediaInstant) -> UInt32 {
        timeline &+ UInt32(truncatingIfNeeded: mediaTicks(now.since(timelineAt), rate: clockRate))
    }

    // MARK: steps

    private mutating func advance(_ input: Input, by step: UInt16, now: MediaInstant) -> Output {
        if !input.isEvent, jumps(input, now: now) {
            // Same run of sequence numbers, new timeline of the source.
            timestampOffset = following(now) &- input.timestamp
            eventInput = nil
            window = ~0
        } else {
            window = step < 64 ? window << UInt64(step) | 1 : 1
        }
        return accept(input, begins: false, now: now)
    }

    /// The source speaks again after we filled its gap: its own timeline goes on where that fits.
    private mutating func resume(_ input: Input, now: MediaInstant) -> Output {
        let continuesEvent = input.isEvent && eventInput == input.timestamp
        let ahead = Int64(Int32(bitPattern: input.timestamp &+ timestampOffset &- timeline))
        let room = Int64(mediaTicks(now.since(timelineAt), rate: clockRate)) + Int64(frame) * 10
        if !continuesEvent, ahead <= 0 || ahead > room {
            timestampOffset = following(now) &- input.timestamp
            eventInput = nil
        }
        sequenceOffset = highest &+ 1 &- input.sequenceNumber
        window = ~0
        return accept(input, begins: true, now: now)
    }

    /// A source that did not speak before, or began anew.
    private mutating func anchor(_ input: Input, now: MediaInstant) -> Output {
        hasSource = true
        sourceSSRC = input.ssrc
        timestampOffset = following(now) &- input.timestamp
        sequenceOffset = highest &+ 1 &- input.sequenceNumber
        eventInput = nil
        restartAt = nil
        window = ~0
        return accept(input, begins: true, now: now)
    }

    private mutating func accept(_ input: Input, begins: Bool, now: MediaInstant) -> Output {
        sourceHighest = input.sequenceNumber
        highest = input.sequenceNumber &+ sequenceOffset
        let timestamp = mapped(input)
        if input.isEvent {
            eventInput = input.timestamp
            eventOutput = timestamp
        } else {
            audioTimestamp = input.timestamp
            audioAt = now
        }
        if speaker == .nobody || Int32(bitPattern: timestamp &- timeline) > 0 {
            timeline = timestamp
            timelineAt = now
        }
        speaker = .source
        return Output(sequenceNumber: highest, timestamp: timestamp, begins: begins)
    }

    private func mapped(_ input: Input) -> UInt32 {
        if input.isEvent, let eventInput, eventInput == input.timestamp { return eventOutput }
        return input.timestamp &+ timestampOffset
    }

    /// True when the source's timestamp went back, or forward by over a second more than time did.
    private func jumps(_ input: Input, now: MediaInstant) -> Bool {
        let moved = Int64(Int32(bitPattern: input.timestamp &- audioTimestamp))
        return moved < 0 || moved > Int64(mediaTicks(now.since(audioAt), rate: clockRate)) + Int64(clockRate)
    }

    /// The timestamp after the newest one by the time that passed, in whole frames and at least one.
    private func following(_ now: MediaInstant) -> UInt32 {
        guard speaker != .nobody || timelineAt.nanoseconds != 0 else { return timeline }
        let ticks = mediaTicks(now.since(timelineAt), rate: clockRate)
        let frames = max(1, (ticks + UInt64(frame) / 2) / UInt64(frame))
        return timeline &+ UInt32(truncatingIfNeeded: frames * UInt64(frame))
    }

    private mutating func speak(_ who: Speaker, timestamp: UInt32, at now: MediaInstant) {
        speaker = who
        timeline = timestamp
        timelineAt = now
    }
}
