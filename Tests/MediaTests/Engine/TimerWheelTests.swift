import Testing

@testable import Media

@Suite("Timers", .tags(.engine))
struct TimerWheelTests {
    private static func at(_ milliseconds: Double) -> MediaInstant {
        MediaInstant(nanoseconds: 5_000_000_000 + UInt64(milliseconds * 1_000_000))
    }

    private static func popAll(_ wheel: inout TimerWheel, _ now: MediaInstant) -> [Int] {
        var fired: [Int] = []
        while let id = wheel.pop(now: now) { fired.append(id) }
        return fired
    }

    @Test func firesInOrderAndNeverEarly() {
        var wheel = TimerWheel(now: Self.at(0))
        wheel.reserve(8)
        wheel.arm(3, at: Self.at(20))
        wheel.arm(1, at: Self.at(5))
        wheel.arm(2, at: Self.at(5))
        #expect(Self.popAll(&wheel, Self.at(4.9)) == [])
        #expect(Self.popAll(&wheel, Self.at(7.2)).sorted() == [1, 2])
        #expect(Self.popAll(&wheel, Self.at(19.9)) == [])
        #expect(Self.popAll(&wheel, Self.at(22.2)) == [3])
        #expect(Self.popAll(&wheel, Self.at(900)) == [])
    }

    @Test func movesAndCancels() {
        var wheel = TimerWheel(now: Self.at(0))
        wheel.reserve(4)
        wheel.arm(0, at: Self.at(10))
        wheel.arm(0, at: Self.at(50))
        wheel.arm(1, at: Self.at(10))
        wheel.cancel(1)
        wheel.cancel(1)
        #expect(Self.popAll(&wheel, Self.at(30)) == [])
        #expect(Self.popAll(&wheel, Self.at(53)) == [0])
    }

    @Test func saysHowLongToWait() {
        var wheel = TimerWheel(now: Self.at(0))
        wheel.reserve(4)
        #expect(wheel.wait(now: Self.at(0), limit: 250) == 250)
        wheel.arm(2, at: Self.at(20))
        let wait = wheel.wait(now: Self.at(0), limit: 250)
        #expect((20...22).contains(wait))
        #expect(wheel.wait(now: Self.at(0), limit: 7) == 7)
        #expect(wheel.wait(now: Self.at(30), limit: 250) == 0)
        #expect(Self.popAll(&wheel, Self.at(Double(wait))) == [2])
    }

    /// Against a table of due times, at random, with timers that arm themselves again.
    @Test(arguments: 1...10) func agreesWithATable(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        var wheel = TimerWheel(now: Self.at(0))
        wheel.reserve(100)
        var due: [Int: MediaInstant] = [:]
        var now = Self.at(0)
        for _ in 0..<3_000 {
            now = now + UInt64.random(in: 0...9_000_000, using: &random)
            while let id = wheel.pop(now: now) {
                guard let wanted = due.removeValue(forKey: id) else {
                    Issue.record("timer \(id) was not armed")
                    return
                }
                #expect(wanted <= now)
            }
            for (id, wanted) in due where now.nanoseconds > wanted.nanoseconds + 2_200_000 {
                Issue.record("timer \(id) is late")
                return
            }
            for _ in 0..<4 {
                let id = Int.random(in: 0..<100, using: &random)
                let wanted = now + UInt64.random(in: 0...400_000_000, using: &random)
                wheel.arm(id, at: wanted)
                due[id] = wanted
            }
        }
    }

    @Test func playoutDoesNotDrift() {
        let start = Self.at(0)
        var opus = PlayoutClock(origin: start, rate: 48_000)
        var odd = PlayoutClock(origin: start, rate: 44_100)
        // An hour of 20 ms frames.
        for _ in 0..<180_000 {
            opus.advance(960)
            odd.advance(882)
        }
        #expect(opus.due.since(start) == 3_600_000_000_000)
        #expect(odd.due.since(start) == 3_600_000_000_000)
        opus.restart(at: Self.at(7))
        #expect(opus.due == Self.at(7))
    }
}
