import Testing

@testable import Media

@Suite("Rewriter", .tags(.engine))
struct RewriterTests {
    /// One thing that happens to the stream, and what must go out; nil: nothing may.
    enum Step: Sendable {
        /// A packet of a source: SSRC, sequence number, timestamp.
        case packet(UInt32, UInt16, UInt32)
        case event(UInt32, UInt16, UInt32)
        /// A frame of our own.
        case frame
        case wait(milliseconds: UInt64)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var steps: [(Step, (UInt16, UInt32)?)]
    }

    /// First sequence number 1,000 and first timestamp 50,000 unless said otherwise.
    static let cases: [Case] = [
        Case(
            testDescription: "a source alone keeps its distances",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 20), nil),
                (.packet(1, 501, 8_960), (1_001, 50_960)), (.wait(milliseconds: 20), nil),
                (.packet(1, 502, 9_920), (1_002, 51_920)),
            ]),
        Case(
            testDescription: "loss stays a gap",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 80), nil),
                (.packet(1, 504, 11_840), (1_004, 53_840)),
            ]),
        Case(
            testDescription: "reordered packets keep their order numbers, once",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 40), nil),
                (.packet(1, 502, 9_920), (1_002, 51_920)), (.packet(1, 501, 8_960), (1_001, 50_960)),
                (.packet(1, 501, 8_960), nil), (.packet(1, 502, 9_920), nil),
            ]),
        Case(
            testDescription: "what came before the first packet is too late",
            steps: [(.packet(1, 500, 8_000), (1_000, 50_000)), (.packet(1, 499, 7_040), nil)]),
        Case(
            testDescription: "the source's sequence number wraps",
            steps: [
                (.packet(1, 65_534, 8_000), (1_000, 50_000)), (.wait(milliseconds: 20), nil),
                (.packet(1, 65_535, 8_960), (1_001, 50_960)), (.wait(milliseconds: 20), nil),
                (.packet(1, 0, 9_920), (1_002, 51_920)), (.wait(milliseconds: 20), nil),
                (.packet(1, 1, 10_880), (1_003, 52_880)), (.packet(1, 65_535, 8_960), nil),
            ]),
        Case(
            testDescription: "the source's timestamp wraps",
            steps: [
                (.packet(1, 1, 0xffff_ff00), (1_000, 50_000)), (.wait(milliseconds: 20), nil),
                (.packet(1, 2, 0x0000_02c0), (1_001, 50_960)),
            ]),
        Case(
            testDescription: "another source follows on by one, and by the time that passed",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 60), nil),
                (.packet(2, 40_000, 77), (1_001, 52_880)), (.wait(milliseconds: 20), nil),
                (.packet(2, 40_001, 1_037), (1_002, 53_840)), (.wait(milliseconds: 5), nil),
                (.packet(3, 9, 9), (1_003, 54_800)),
            ]),
        Case(
            testDescription: "our frames follow each other by their length, however late the clock",
            steps: [
                (.frame, (1_000, 50_000)), (.wait(milliseconds: 27), nil), (.frame, (1_001, 50_960)),
                (.wait(milliseconds: 13), nil), (.frame, (1_002, 51_920)),
            ]),
        Case(
            testDescription: "a gap filled by us: the source's own timeline goes on",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 160), nil),
                (.frame, (1_001, 57_680)), (.wait(milliseconds: 20), nil), (.frame, (1_002, 58_640)),
                (.wait(milliseconds: 20), nil), (.packet(1, 501, 17_600), (1_003, 59_600)),
                (.wait(milliseconds: 20), nil), (.packet(1, 502, 18_560), (1_004, 60_560)),
                (.packet(1, 501, 17_600), nil),
            ]),
        Case(
            testDescription: "a gap filled by us: a source whose timestamps stood still meanwhile",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 160), nil),
                (.frame, (1_001, 57_680)), (.wait(milliseconds: 20), nil),
                (.packet(1, 501, 8_960), (1_002, 58_640)), (.wait(milliseconds: 20), nil),
                (.packet(1, 502, 9_920), (1_003, 59_600)),
            ]),
        Case(
            testDescription: "a packet from before the gap does not come after it",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.packet(1, 502, 9_920), (1_002, 51_920)),
                (.wait(milliseconds: 160), nil), (.frame, (1_003, 59_600)), (.packet(1, 501, 8_960), nil),
            ]),
        Case(
            testDescription: "the source's timestamp jumps forward, its sequence number does not",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 20), nil),
                (.packet(1, 501, 900_000), (1_001, 50_960)), (.wait(milliseconds: 20), nil),
                (.packet(1, 502, 900_960), (1_002, 51_920)),
            ]),
        Case(
            testDescription: "the source's timestamp jumps back",
            steps: [
                (.packet(1, 500, 900_000), (1_000, 50_000)), (.wait(milliseconds: 20), nil),
                (.packet(1, 501, 4_000), (1_001, 50_960)), (.wait(milliseconds: 20), nil),
                (.packet(1, 502, 4_960), (1_002, 51_920)),
            ]),
        Case(
            testDescription: "a restart of the source is believed at its second packet",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 20), nil),
                (.packet(1, 30_000, 70_000), nil), (.wait(milliseconds: 20), nil),
                (.packet(1, 30_001, 70_960), (1_001, 51_920)),
            ]),
        Case(
            testDescription: "a stray number changes nothing",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.packet(1, 30_000, 70_000), nil),
                (.wait(milliseconds: 20), nil), (.packet(1, 501, 8_960), (1_001, 50_960)),
            ]),
        Case(
            testDescription: "an event's packets share a timestamp, audio after it goes on",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 20), nil),
                (.event(1, 501, 8_960), (1_001, 50_960)), (.wait(milliseconds: 2_000), nil),
                (.event(1, 502, 8_960), (1_002, 50_960)), (.event(1, 503, 8_960), (1_003, 50_960)),
                (.wait(milliseconds: 20), nil), (.packet(1, 504, 105_920), (1_004, 147_920)),
            ]),
        Case(
            testDescription: "an event that our frames interrupt stays the same event",
            steps: [
                (.packet(1, 500, 8_000), (1_000, 50_000)), (.wait(milliseconds: 20), nil),
                (.event(1, 501, 8_960), (1_001, 50_960)), (.wait(milliseconds: 160), nil),
                (.frame, (1_002, 58_640)), (.event(1, 502, 8_960), (1_003, 50_960)),
            ]),
    ]

    @Test(arguments: cases) func goesOn(_ example: Case) {
        var rewriter = Rewriter(ssrc: 1, firstSequenceNumber: 1_000, firstTimestamp: 50_000, clockRate: 48_000)
        var now = MediaInstant(nanoseconds: 9_000_000_000)
        for (number, (step, expected)) in example.steps.enumerated() {
            let output: Rewriter.Output?
            switch step {
            case .wait(let milliseconds):
                now = now + milliseconds * 1_000_000
                continue
            case .packet(let ssrc, let sequence, let timestamp):
                output = rewriter.rewrite(
                    .init(ssrc: ssrc, sequenceNumber: sequence, timestamp: timestamp), now: now)
            case .event(let ssrc, let sequence, let timestamp):
                output = rewriter.rewrite(
                    .init(ssrc: ssrc, sequenceNumber: sequence, timestamp: timestamp, isEvent: true), now: now)
            case .frame:
                output = rewriter.generate(ticks: 960, now: now)
            }
            #expect(output?.sequenceNumber == expected?.0, "step \(number): \(step)")
            #expect(output?.timestamp == expected?.1, "step \(number): \(step)")
        }
    }

    @Test func marksTheBeginningOfARun() {
        var rewriter = Rewriter(ssrc: 1, firstSequenceNumber: 0, firstTimestamp: 0, clockRate: 48_000)
        var now = MediaInstant(nanoseconds: 1)
        func packet(_ number: UInt16, _ ssrc: UInt32 = 1) -> Bool? {
            now = now + 20_000_000
            let input = Rewriter.Input(ssrc: ssrc, sequenceNumber: number, timestamp: UInt32(number) * 960)
            return rewriter.rewrite(input, now: now)?.begins
        }
        let first = rewriter.generate(ticks: 960, now: now).begins
        let second = rewriter.generate(ticks: 960, now: now).begins
        #expect(first && !second)
        #expect(packet(1) == true)
        #expect(packet(2) == false)
        #expect(packet(8, 2) == true)
    }

    @Test func sendsEventsBetweenFrames() {
        var rewriter = Rewriter(ssrc: 1, firstSequenceNumber: 10, firstTimestamp: 0, clockRate: 48_000)
        let start = MediaInstant(nanoseconds: 5)
        _ = rewriter.generate(ticks: 960, now: start)
        let event = rewriter.beginEvent(now: start + 20_000_000)
        let numbers = [rewriter.nextEventPacket(), rewriter.nextEventPacket(), rewriter.nextEventPacket()]
        let after = rewriter.generate(ticks: 960, now: start + 200_000_000)
        #expect(event == 960)
        #expect(numbers == [11, 12, 13])
        #expect(after.sequenceNumber == 14)
    }

    /// Whatever the sources do, no number goes out twice, and the timeline keeps to the clock.
    @Test(arguments: 1...20) func neverRepeatsANumber(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        var rewriter = Rewriter(
            ssrc: 1, firstSequenceNumber: 65_000, firstTimestamp: 0xffff_0000, clockRate: 48_000)
        var now = MediaInstant(nanoseconds: 1_000_000)
        let start = now
        var sent: [Int64: Int] = [:]
        var extender = SequenceExtender()
        var numbers = [UInt16.random(in: 0...(.max), using: &random), UInt16.random(in: 0...(.max), using: &random)]
        var clocks = [UInt32.random(in: 0...(.max), using: &random), UInt32.random(in: 0...(.max), using: &random)]
        var newest: UInt32 = 0
        var source = 0
        for _ in 0..<5_000 {
            now = now + UInt64.random(in: 15_000_000...25_000_000, using: &random)
            for index in 0..<2 {
                numbers[index] &+= 1
                clocks[index] &+= 960
            }
            if Int.random(in: 0..<100, using: &random) == 0 { source = 1 - source }
            let output: Rewriter.Output?
            switch Int.random(in: 0..<20, using: &random) {
            case 0: output = nil
            case 1, 2: output = rewriter.generate(ticks: 960, now: now)
            case 3:
                let back = UInt16.random(in: 0..<70, using: &random)
                output = rewriter.rewrite(
                    .init(
                        ssrc: UInt32(source), sequenceNumber: numbers[source] &- back,
                        timestamp: clocks[source] &- UInt32(back) * 960), now: now)
            default:
                output = rewriter.rewrite(
                    .init(ssrc: UInt32(source), sequenceNumber: numbers[source], timestamp: clocks[source]), now: now)
            }
            guard let output else { continue }
            sent[extender.extend(output.sequenceNumber), default: 0] += 1
            newest = output.timestamp
        }
        #expect(sent.values.allSatisfy { $0 == 1 })
        let expected = Int64(mediaTicks(now.since(start), rate: 48_000))
        let actual = Int64(newest &- 0xffff_0000)
        #expect(abs(actual - expected) < 48_000 * 3, "the timeline is \(actual - expected) ticks off the clock")
    }
}

/// Random numbers that are the same in each run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
