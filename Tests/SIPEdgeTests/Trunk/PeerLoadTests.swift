import SIPCore
import Testing

@testable import SIPEdge

@Suite("A peer's own limits") struct PeerLoadTests {
    static func at(_ milliseconds: Int) -> Instant { Instant(.milliseconds(milliseconds)) }

    @Test("calls at once")
    func calls() {
        var load = PeerLoad(maximumCalls: 2)
        let begun = (0..<3).map { _ in load.begin(now: Self.at(0)) }
        #expect(begun == [true, true, false])
        #expect(load.calls == 2)
        load.end()
        #expect(load.hasRoom(now: Self.at(0)))
        load.setLimits(maximumCalls: 1, callsPerSecond: nil)
        #expect(!load.hasRoom(now: Self.at(0)))
        #expect(load.calls == 1, "a lower limit ends no call")
    }

    @Test("calls per second: a second's worth at once, then at their distance")
    func rate() {
        var rate = CallRate(limit: 4)
        var taken: [Int] = []
        for time in stride(from: 0, through: 2_000, by: 10) {
            while rate.take(now: Self.at(time)) { taken.append(time) }
        }
        #expect(taken == [0, 0, 0, 0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000])
    }

    @Test("a quiet hour saves up no more than one second's calls")
    func quiet() {
        var rate = CallRate(limit: 2)
        _ = rate.take(now: Self.at(0))
        let later = (0..<3).map { _ in rate.take(now: Self.at(3_600_000)) }
        #expect(later == [true, true, false])
    }

    @Test("no limits")
    func unlimited() {
        var load = PeerLoad()
        let begun = (0..<1_000).map { _ in load.begin(now: Self.at(0)) }
        #expect(begun.allSatisfy { $0 })
    }

    @Test("a refused call takes no token, and one more end than begin does not make room")
    func accounts() {
        var load = PeerLoad(maximumCalls: 1, callsPerSecond: 2)
        let begun = (0..<5).map { _ in load.begin(now: Self.at(0)) }
        #expect(begun == [true, false, false, false, false])
        load.end()
        load.end()
        let again = load.begin(now: Self.at(0))
        #expect(again, "the refused ones left the second token")
        #expect(!load.hasRoom(now: Self.at(0)))
    }
}
