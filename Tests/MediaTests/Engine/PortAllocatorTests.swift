import Testing

@testable import Media

@Suite("Ports", .tags(.engine))
struct PortAllocatorTests {
    private static func second(_ seconds: UInt64) -> MediaInstant { MediaInstant(nanoseconds: seconds * 1_000_000_000) }

    @Test(arguments: [
        (UInt16(20_000), UInt16(20_003), [20_000, 20_002] as [UInt16]), (20_001, 20_004, [20_002]),
        (20_001, 20_002, []), (20_000, 20_000, []), (65_530, 65_535, [65_530, 65_532, 65_534]),
    ]) func takesEvenPortsWithTheOddOneAbove(_ low: UInt16, _ high: UInt16, _ expected: [UInt16]) {
        var allocator = PortAllocator(ports: low...high, rest: .seconds(5))
        var taken: [UInt16] = []
        while let port = allocator.take(now: Self.second(0)) { taken.append(port) }
        #expect(taken == expected)
        #expect(allocator.capacity == expected.count)
        #expect(allocator.usedCount == expected.count)
    }

    @Test func restsPortsAfterUse() {
        var allocator = PortAllocator(ports: 20_000...20_003, rest: .seconds(5))
        let first = allocator.take(now: Self.second(0))
        let second = allocator.take(now: Self.second(0))
        #expect([first, second] == [20_000, 20_002])
        #expect(allocator.take(now: Self.second(0)) == nil, "exhausted")
        allocator.release(20_000, now: Self.second(10))
        #expect(allocator.restingCount == 1)
        #expect(allocator.take(now: Self.second(14)) == nil, "still resting")
        let again = allocator.take(now: Self.second(15))
        #expect(again == 20_000, "recovered")
    }

    @Test func handsOutTheLongestUnusedFirst() {
        var allocator = PortAllocator(ports: 20_000...20_007, rest: .seconds(1))
        let first = allocator.take(now: Self.second(0))
        allocator.release(20_000, now: Self.second(0))
        let next = (0..<4).map { _ in allocator.take(now: Self.second(2)) }
        #expect(first == 20_000)
        #expect(next == [20_002, 20_004, 20_006, 20_000])
    }

    @Test func leavesOtherProgramsPortsAloneForAWhile() {
        var allocator = PortAllocator(ports: 20_000...20_003, rest: .seconds(1))
        _ = allocator.take(now: Self.second(0))
        allocator.refuse(20_000, now: Self.second(0))
        #expect(allocator.squattedCount == 1)
        let next = allocator.take(now: Self.second(1))
        #expect(next == 20_002)
        #expect(allocator.take(now: Self.second(20)) == nil)
        let later = allocator.take(now: Self.second(31))
        #expect(later == 20_000)
    }

    @Test func ignoresPortsThatWereNotTaken() {
        var allocator = PortAllocator(ports: 20_000...20_003, rest: .zero)
        allocator.release(20_000, now: Self.second(0))
        allocator.release(20_001, now: Self.second(0))
        allocator.release(9, now: Self.second(0))
        allocator.refuse(20_002, now: Self.second(0))
        #expect(allocator.freeCount == 2)
        let port = allocator.take(now: Self.second(0))
        allocator.release(20_000, now: Self.second(0))
        allocator.release(20_000, now: Self.second(0))
        allocator.wake(now: Self.second(1))
        #expect(port == 20_000)
        #expect(allocator.freeCount == 2)
    }

    @Test func servesManyCallsInTurn() {
        var allocator = PortAllocator(ports: 20_000...20_099, rest: .seconds(1))
        for step in 0..<10_000 {
            let now = MediaInstant(nanoseconds: UInt64(step) * 100_000_000)
            guard let port = allocator.take(now: now) else {
                Issue.record("no port at step \(step)")
                return
            }
            allocator.release(port, now: now)
        }
        #expect(allocator.usedCount == 0)
    }
}
