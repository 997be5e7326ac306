import Testing

@testable import Media

@Suite("Telephone events", .tags(.engine))
struct TelephoneEventTests {
    /// One packet: timestamp at 48 kHz, event code, duration in 8 kHz units, E bit; or audio at a timestamp.
    enum Step: Sendable {
        case event(UInt32, UInt8, UInt16, end: Bool = false)
        case audio(UInt32)
        case wait(milliseconds: UInt64)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var steps: [Step]
        /// Keys with their length in milliseconds.
        var presses: [(Character, Int)]
    }

    static let cases: [Case] = [
        Case(
            testDescription: "a press, its end three times",
            steps: [
                .event(9_000, 5, 160), .event(9_000, 5, 320), .event(9_000, 5, 800, end: true),
                .event(9_000, 5, 800, end: true), .event(9_000, 5, 800, end: true),
            ], presses: [("5", 100)]),
        Case(
            testDescription: "only an end arrives", steps: [.event(9_000, 11, 1_280, end: true)],
            presses: [("#", 160)]),
        Case(
            testDescription: "the same key twice",
            steps: [
                .event(9_000, 1, 160), .event(9_000, 1, 320, end: true), .event(12_000, 1, 160),
                .event(12_000, 1, 480, end: true),
            ], presses: [("1", 40), ("1", 60)]),
        Case(
            testDescription: "no end, then the next key",
            steps: [
                .event(9_000, 1, 160), .event(9_000, 1, 640), .event(20_000, 2, 320, end: true),
                .event(20_000, 2, 320, end: true), .event(20_000, 2, 320, end: true),
            ],
            presses: [("1", 80), ("2", 40)]),
        Case(
            testDescription: "no end, then audio well after it",
            steps: [.event(9_000, 10, 800), .audio(13_900), .audio(18_700)], presses: [("*", 100)]),
        Case(
            testDescription: "no end, then nothing",
            steps: [.event(9_000, 12, 800), .wait(milliseconds: 400), .wait(milliseconds: 200)],
            presses: [("A", 100)]),
        Case(
            testDescription: "packets out of order",
            steps: [
                .event(9_000, 3, 480), .event(9_000, 3, 160), .event(9_000, 3, 640, end: true),
                .event(9_000, 3, 320),
            ], presses: [("3", 80)]),
        Case(
            testDescription: "a packet of the key before, late",
            steps: [
                .event(9_000, 3, 640, end: true), .event(20_000, 4, 160), .event(9_000, 3, 640, end: true),
                .event(20_000, 4, 320, end: true),
            ], presses: [("3", 80), ("4", 40)]),
        Case(
            testDescription: "an older event that was never heard",
            steps: [
                .event(20_000, 4, 160), .event(9_000, 3, 640, end: true), .event(20_000, 4, 320, end: true),
            ],
            presses: [("4", 40)]),
        Case(
            testDescription: "across the timestamp's wrap",
            steps: [.event(0xffff_fff0, 7, 160, end: true), .event(0x0000_2000, 8, 160, end: true)],
            presses: [("7", 20), ("8", 20)]),
        Case(
            testDescription: "a press longer than a packet can say",
            steps: [
                .event(0, 9, 65_280), .event(391_680, 9, 160), .event(391_680, 9, 720, end: true),
            ], presses: [("9", 8_250)]),
        Case(testDescription: "no key: flash", steps: [.event(9_000, 16, 640, end: true)], presses: []),
        Case(
            testDescription: "audio alone", steps: [.audio(1), .audio(961), .wait(milliseconds: 600)],
            presses: []),
    ]

    @Test(arguments: cases) func tellsEachPressOnce(_ example: Case) {
        var receiver = TelephoneEventReceiver(clockRate: 48_000)
        var now = MediaInstant(nanoseconds: 1)
        var presses: [TelephoneEventReceiver.Press] = []
        for step in example.steps {
            switch step {
            case .event(let timestamp, let code, let units, let end):
                let event = TelephoneEvent(code: code, end: end, duration: units)
                receiver.received(event, timestamp: timestamp, now: now).map { presses.append($0) }
            case .audio(let timestamp):
                receiver.flush(now: now, audioTimestamp: timestamp).map { presses.append($0) }
            case .wait(let milliseconds):
                now = now + milliseconds * 1_000_000
                receiver.flush(now: now).map { presses.append($0) }
            }
        }
        #expect(presses.map(\.key) == example.presses.map(\.0))
        #expect(presses.map(\.duration) == example.presses.map { .milliseconds($0.1) })
    }

    @Test func sendsGrowingDurationsAndThreeEnds() {
        var sender = TelephoneEventSender()
        #expect(!sender.isActive)
        sender.enqueue("1x#", duration: .milliseconds(70), gap: .milliseconds(40))
        #expect(sender.isActive && !sender.isPressing)
        var steps: [TelephoneEventSender.Step] = []
        while sender.isActive { steps.append(sender.step()) }
        func press(_ code: UInt8) -> [TelephoneEventSender.Step] {
            [
                .send(.init(code: code, end: false, duration: 160), begins: true),
                .send(.init(code: code, end: false, duration: 320), begins: false),
                .send(.init(code: code, end: false, duration: 480), begins: false),
                .send(.init(code: code, end: true, duration: 640), begins: false),
                .send(.init(code: code, end: true, duration: 640), begins: false),
                .send(.init(code: code, end: true, duration: 640), begins: false),
            ]
        }
        #expect(steps == press(1) + [.pause] + press(11) + [.pause, .finished])
    }

    @Test func whatIsSentIsHeard() {
        var sender = TelephoneEventSender()
        var receiver = TelephoneEventReceiver(clockRate: 48_000)
        sender.enqueue("0123456789*#abcd", duration: .milliseconds(160), gap: .milliseconds(80))
        var heard = ""
        var timestamp: UInt32 = 0
        var event: UInt32 = 0
        let now = MediaInstant(nanoseconds: 1)
        while sender.isActive {
            if case .send(let packet, let begins) = sender.step() {
                if begins { event = timestamp }
                receiver.received(packet, timestamp: event, now: now).map {
                    heard.append($0.key)
                    #expect($0.duration == .milliseconds(160))
                }
            }
            timestamp += 960
        }
        #expect(heard == "0123456789*#ABCD")
    }

    @Test func boundsTheQueue() {
        var sender = TelephoneEventSender()
        sender.enqueue(String(repeating: "1", count: 1_000), duration: .seconds(100), gap: .zero)
        var presses = 0
        var steps = 0
        while sender.isActive {
            if case .send(_, begins: true) = sender.step() { presses += 1 }
            steps += 1
        }
        #expect(presses == TelephoneEventSender.capacity)
        #expect(steps <= presses * 403 + 1)
    }

    @Test(arguments: [[], [1], [1, 2, 3]] as [[UInt8]]) func refusesShortPayloads(_ octets: [UInt8]) {
        #expect(TelephoneEvent(parsing: octets.span) == nil)
    }
}
