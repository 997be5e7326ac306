/// Sends key presses by RFC 4733: asked every 20 ms what is due, while it is active. Each event's packets share a
/// timestamp, the duration grows in 8 kHz units, and the end is sent three times (§2.5.1.4).
public struct TelephoneEventSender: Hashable, Sendable {
    public enum Step: Hashable, Sendable {
        /// Send this; `begins`: a new event, so a new timestamp and the marker.
        case send(TelephoneEvent, begins: Bool)
        /// Between keys: the wire is the audio's.
        case pause
        /// The last key is out.
        case finished
    }

    /// Keys waiting at most.
    static let capacity = 64
    /// 20 ms in 8 kHz units.
    static let unitsPerStep: UInt16 = 160

    private struct Key: Hashable, Sendable {
        var code: UInt8
        /// Steps of 20 ms.
        var steps: UInt16
        var pause: UInt16
    }

    private enum State: Hashable, Sendable {
        case idle
        case down(Key, step: UInt16)
        case ending(Key, copies: Int)
        case up(pause: UInt16)
    }

    private var queue: [Key] = []
    private var state = State.idle

    public init() {}

    @inline(__always)
    public var isActive: Bool { state != .idle || !queue.isEmpty }

    /// A key is down: audio waits.
    @inline(__always)
    public var isPressing: Bool {
        switch state {
        case .down, .ending: true
        case .idle, .up: false
        }
    }

    /// Queues the keys among `digits`; those beyond the capacity are dropped. Durations are rounded up to 20 ms; a press
    /// lasts 40 ms to 8 s.
    public mutating func enqueue(_ digits: String, duration: Duration, gap: Duration) {
        let steps = Self.steps(duration, 2...400)
        let pause = Self.steps(gap, 1...400)
        for digit in digits where queue.count < Self.capacity {
            guard let code = TelephoneEvent.code(of: digit) else { continue }
            queue.append(Key(code: code, steps: steps, pause: pause))
        }
    }

    private static func steps(_ duration: Duration, _ range: ClosedRange<UInt16>) -> UInt16 {
        let steps = (duration.wholeNanoseconds &+ 19_999_999) / 20_000_000
        return UInt16(min(UInt64(range.upperBound), max(UInt64(range.lowerBound), steps)))
    }

    public mutating func step() -> Step {
        switch state {
        case .idle:
            return press()
        case .down(let key, let step):
            let next = step + 1
            if next == key.steps {
                state = .ending(key, copies: 2)
                return .send(event(key, steps: key.steps, end: true), begins: false)
            }
            state = .down(key, step: next)
            return .send(event(key, steps: next, end: false), begins: false)
        case .ending(let key, let copies):
            state = copies > 1 ? .ending(key, copies: copies - 1) : .up(pause: key.pause)
            return .send(event(key, steps: key.steps, end: true), begins: false)
        case .up(let pause):
            if pause > 1 {
                state = .up(pause: pause - 1)
                return .pause
            }
            return press()
        }
    }

    private mutating func press() -> Step {
        guard !queue.isEmpty else {
            state = .idle
            return .finished
        }
        let key = queue.removeFirst()
        state = .down(key, step: 1)
        return .send(event(key, steps: 1, end: false), begins: true)
    }

    private func event(_ key: Key, steps: UInt16, end: Bool) -> TelephoneEvent {
        TelephoneEvent(code: key.code, end: end, duration: steps &* Self.unitsPerStep)
    }
}
