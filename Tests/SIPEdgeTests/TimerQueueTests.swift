import NIOCore
import NIOEmbedded
import Testing

@testable import SIPEdge

@Suite("Timer queue")
struct TimerQueueTests {
    private let loop = EmbeddedEventLoop()

    private final class Log {
        var fired: [String] = []
    }

    private func deadline(_ milliseconds: Int64) -> NIODeadline { .uptimeNanoseconds(0) + .milliseconds(milliseconds) }

    @Test("timers fire at their time, never early, those of one time in the order of arming")
    func order() {
        let queue = TimerQueue(loop: loop)
        let log = Log()
        for (name, at) in [("c", 30), ("a", 10), ("b1", 20), ("b2", 20), ("b3", 20)] as [(String, Int64)] {
            _ = queue.arm(at: deadline(at)) { log.fired.append(name) }
        }
        loop.advanceTime(by: .milliseconds(9))
        #expect(log.fired == [])
        loop.advanceTime(by: .milliseconds(1))
        #expect(log.fired == ["a"])
        loop.advanceTime(by: .milliseconds(20))
        #expect(log.fired == ["a", "b1", "b2", "b3", "c"])
        #expect(queue.count == 0)
        #expect(queue.entries == 0)
    }

    @Test("a cancelled timer does not fire, nor does its token reach the slot's next timer")
    func cancelling() {
        let queue = TimerQueue(loop: loop)
        let log = Log()
        let first = queue.arm(at: deadline(10)) { log.fired.append("first") }
        queue.cancel(first)
        _ = queue.arm(at: deadline(20)) { log.fired.append("second") }
        queue.cancel(first)
        loop.advanceTime(by: .milliseconds(30))
        #expect(log.fired == ["second"])
    }

    @Test("a timer that fires may arm others, due at once or earlier than all, and cancel one that is due as well")
    func reentrance() {
        let queue = TimerQueue(loop: loop)
        let log = Log()
        let late = queue.arm(at: deadline(10)) { log.fired.append("late") }
        _ = queue.arm(at: deadline(5)) {
            log.fired.append("outer")
            _ = queue.arm(at: deadline(5)) { log.fired.append("at once") }
            _ = queue.arm(at: deadline(7)) { log.fired.append("soon") }
            queue.cancel(late)
        }
        loop.advanceTime(by: .milliseconds(5))
        #expect(log.fired == ["outer", "at once"])
        loop.advanceTime(by: .milliseconds(10))
        #expect(log.fired == ["outer", "at once", "soon"])
    }

    @Test("cancelled timers do not pile up, and what is left still fires in order")
    func cancelledAreDropped() {
        let queue = TimerQueue(loop: loop)
        let log = Log()
        var random = SystemRandomNumberGenerator()
        var expected: [(at: Int64, name: String)] = []
        for index in 0..<20_000 {
            let at = Int64.random(in: 1...32_000, using: &random)
            let token = queue.arm(at: deadline(at)) { log.fired.append("\(index)") }
            if index % 100 == 0 { expected.append((at, "\(index)")) } else { queue.cancel(token) }
        }
        #expect(queue.count == 200)
        #expect(queue.entries <= 1_100)
        loop.advanceTime(by: .seconds(33))
        let order = expected.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        #expect(log.fired == order.map(\.element.name))
    }
}
