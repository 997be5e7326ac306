import Testing

@testable import Media

@Suite("Receiver statistics", .tags(.engine))
struct ReceiverStatisticsTests {
    private static func feed(_ numbers: [UInt16]) -> (ReceiverStatistics, [ReceiverStatistics.Arrival]) {
        var statistics = ReceiverStatistics(ssrc: 1, clockRate: 48_000)
        let arrivals = numbers.map {
            statistics.arrived(sequenceNumber: $0, timestamp: nil, now: MediaInstant(nanoseconds: 0))
        }
        return (statistics, arrivals)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var numbers: [UInt16]
        var lost: Int64
        var duplicates: UInt64 = 0
        var reordered: UInt64 = 0
        var highest: UInt32
    }

    static let cases = [
        Case(testDescription: "one packet", numbers: [9], lost: 0, highest: 9),
        Case(testDescription: "in order", numbers: [1, 2, 3, 4], lost: 0, highest: 4),
        Case(testDescription: "two lost", numbers: [1, 2, 5], lost: 2, highest: 5),
        Case(testDescription: "late one counts", numbers: [1, 3, 2, 4], lost: 0, reordered: 1, highest: 4),
        Case(testDescription: "duplicates", numbers: [1, 2, 2, 1, 3], lost: -2, duplicates: 2, highest: 3),
        Case(testDescription: "wrap", numbers: [65_534, 65_535, 0, 1], lost: 0, highest: 65_537),
        Case(
            testDescription: "late one across the wrap", numbers: [65_534, 0, 65_535, 1], lost: 0, reordered: 1,
            highest: 65_537),
        Case(testDescription: "a stray number", numbers: [1, 2, 40_000, 3], lost: 0, highest: 3),
        Case(
            testDescription: "a restart keeps the loss before", numbers: [1, 4, 40_000, 40_001, 40_002], lost: 2,
            highest: 40_002),
    ]

    @Test(arguments: cases) func counts(_ example: Case) {
        let (statistics, _) = Self.feed(example.numbers)
        #expect(statistics.lost == example.lost)
        #expect(statistics.duplicates == example.duplicates)
        #expect(statistics.reordered == example.reordered)
        #expect(statistics.extendedHighest == example.highest)
    }

    @Test func tellsArrivalsApart() {
        #expect(
            Self.feed([10, 11, 11, 13, 12, 30_000, 30_001]).1 == [
                .inOrder, .inOrder, .duplicate, .inOrder, .reordered, .suspect, .restarted,
            ])
    }

    @Test func reportsAreOfTheInterval() {
        var (statistics, _) = Self.feed([1, 2, 3, 4])
        let first = statistics.takeReport()
        #expect(first == (0, 0))
        for number: UInt16 in [7, 8] {
            _ = statistics.arrived(sequenceNumber: number, timestamp: nil, now: MediaInstant(nanoseconds: 0))
        }
        let second = statistics.takeReport()
        #expect(second == (128, 2))
        let third = statistics.takeReport()
        #expect(third == (0, 2))
    }

    /// A.8: each packet late or early by 10 ms moves the estimate by a sixteenth of the difference.
    @Test func jitterFollowsTheRFC() {
        var statistics = ReceiverStatistics(ssrc: 1, clockRate: 48_000)
        var expected = 0.0
        for number in 0..<100 {
            let late: UInt64 = number % 2 == 0 ? 0 : 10_000_000
            _ = statistics.arrived(
                sequenceNumber: UInt16(number), timestamp: UInt32(number) * 960,
                now: MediaInstant(nanoseconds: UInt64(number) * 20_000_000 + late))
            if number > 0 { expected += (10 - expected) / 16 }
        }
        #expect(abs(statistics.jitterMilliseconds - expected) < 0.05)
        #expect(abs(Double(statistics.jitter) / 48 - expected) < 0.05)
    }

    @Test func evenArrivalHasNoJitter() {
        var statistics = ReceiverStatistics(ssrc: 1, clockRate: 48_000)
        for number in 0..<100 {
            _ = statistics.arrived(
                sequenceNumber: UInt16(number), timestamp: UInt32(number) &* 960 &+ 0xffff_0000,
                now: MediaInstant(nanoseconds: UInt64(number) * 20_000_000))
        }
        #expect(statistics.jitterMilliseconds == 0)
    }

    @Test func extendsSequenceNumbers() {
        var extender = SequenceExtender()
        let extended = ([65_533, 65_535, 0, 65_534, 2, 1, 40_000, 20_000] as [UInt16]).map { extender.extend($0) }
        #expect(extended == [65_533, 65_535, 65_536, 65_534, 65_538, 65_537, 40_000, 85_536])
    }
}
