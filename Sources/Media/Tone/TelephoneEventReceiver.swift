/// Turns event packets into key presses: each press once, when it ended, however often and in whatever order its packets
/// come (RFC 4733 §2.5.2).
///
/// A press ends with its E bit, with the next event, with audio after it, or after ``patience`` without a packet.
public struct TelephoneEventReceiver: Hashable, Sendable {
    public struct Press: Hashable, Sendable {
        public var key: Character
        public var duration: Duration
    }

    private struct Running: Hashable, Sendable {
        var code: UInt8
        var timestamp: UInt32
        /// 8 kHz units of segments that are over (§2.5.1.3), and of this one.
        var before: UInt32
        var units: UInt16
        var heardAt: MediaInstant
    }

    static let patience: UInt64 = 500_000_000

    private let clockRate: UInt32
    private var running: Running?
    /// Timestamp of the newest event that was delivered.
    private var delivered: UInt32?

    /// `clockRate`: of the stream's timestamps.
    public init(clockRate: UInt32) {
        self.clockRate = clockRate
    }

    public var isRunning: Bool { running != nil }

    public mutating func received(_ event: TelephoneEvent, timestamp: UInt32, now: MediaInstant) -> Press? {
        guard TelephoneEvent.key(of: event.code) != nil else { return nil }
        if let delivered, Int32(bitPattern: timestamp &- delivered) <= 0 { return nil }
        if let current = running, current.timestamp == timestamp {
            guard current.code == event.code else { return nil }
            running?.units = max(current.units, event.duration)
            running?.heardAt = now
            return event.end ? finish() : nil
        }
        var before: UInt32 = 0
        var finished: Press?
        if let current = running {
            guard Int32(bitPattern: timestamp &- current.timestamp) > 0 else { return nil }
            if continues(current, event, timestamp) {
                before = current.before &+ UInt32(current.units)
            } else {
                finished = finish()
            }
        }
        running = Running(
            code: event.code, timestamp: timestamp, before: before, units: event.duration, heardAt: now)
        // Two presses in one packet: the earlier one is told now, the later with the repeats of its end.
        return finished ?? (event.end ? finish() : nil)
    }

    /// Tells a press whose end was lost, when the clock or later audio shows that it is over. Cheap when none runs.
    @inline(__always)
    public mutating func flush(now: MediaInstant, audioTimestamp: UInt32? = nil) -> Press? {
        running == nil ? nil : flushRunning(now, audioTimestamp)
    }

    private mutating func flushRunning(_ now: MediaInstant, _ audioTimestamp: UInt32?) -> Press? {
        guard let running else { return nil }
        if now.since(running.heardAt) > Self.patience { return finish() }
        if let audioTimestamp {
            // 100 ms after the end as far as it is known: repeats of the end may be on their way.
            let ticks = UInt64(running.units) * UInt64(clockRate) / UInt64(TelephoneEvent.clockRate)
            let end = running.timestamp &+ UInt32(truncatingIfNeeded: ticks) &+ clockRate / 10
            if Int32(bitPattern: audioTimestamp &- end) > 0 { return finish() }
        }
        return nil
    }

    /// A press longer than 8 s goes on as an event that begins where the last segment ended (§2.5.1.3).
    private func continues(_ current: Running, _ event: TelephoneEvent, _ timestamp: UInt32) -> Bool {
        guard current.code == event.code, current.units >= 0xff00 else { return false }
        let ticks = UInt64(current.units) * UInt64(clockRate) / UInt64(TelephoneEvent.clockRate)
        let distance = timestamp &- current.timestamp &- UInt32(truncatingIfNeeded: ticks)
        return Int32(bitPattern: distance).magnitude <= clockRate / 10
    }

    private mutating func finish() -> Press? {
        guard let current = running else { return nil }
        running = nil
        delivered = current.timestamp
        guard let key = TelephoneEvent.key(of: current.code) else { return nil }
        let units = Int64(current.before) + Int64(current.units)
        return Press(key: key, duration: .microseconds(units * 125))
    }
}
