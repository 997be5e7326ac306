import Media
import SIPCore
import Testing

@testable import Simulators

/// Each rule about media, on virtual time (meta-calling §2, §11.2, §11.6).
@Suite("Media as Meta takes it") struct MediaRulesTests {
    /// Packets of a business, one after the other.
    struct Stream {
        var rules = MediaRules(watchdogs: MetaWatchdogs())
        var now: Duration = .zero
        var sequence: UInt16 = 65_530
        var timestamp: UInt32 = .max - 5_000
        var ssrc: UInt32 = 7
        var payloadType: UInt8 = 111
        var payload = OpusFrame.silence20ms
        private(set) var verdicts: [MediaRules.Verdict] = []

        var instant: MediaInstant {
            MediaInstant(
                nanoseconds: UInt64(now.components.seconds) * 1_000_000_000
                    + UInt64(now.components.attoseconds / 1_000_000_000))
        }

        mutating func packet() {
            let header = RTPHeader(
                marker: false, payloadType: payloadType, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc)
            let now = instant
            let payload = self.payload
            verdicts.append(rules.received(header, payload: payload.span, now: now))
        }

        /// So many packets of 20 ms.
        mutating func run(_ count: Int) {
            for _ in 0..<count {
                packet()
                sequence &+= 1
                timestamp &+= 960
                now += .milliseconds(20)
            }
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Nil: nothing is wrong.
        let rule: MetaRule?
        let play: @Sendable (inout Stream) -> Void

        init(_ description: String, _ rule: MetaRule?, _ play: @escaping @Sendable (inout Stream) -> Void) {
            testDescription = description
            self.rule = rule
            self.play = play
        }
    }

    static let cases = [
        Case("a steady stream, its counters running over", nil) { $0.run(100) },
        Case("packets out of order", nil) { stream in
            stream.run(10)
            stream.sequence &-= 3
            stream.timestamp &-= 2_880
            stream.packet()
            stream.sequence &+= 3
            stream.timestamp &+= 2_880
            stream.run(10)
        },
        Case("a pause in which the clock ran", nil) { stream in
            stream.run(10)
            stream.now += .seconds(5)
            stream.timestamp &+= 5 * 48_000
            stream.run(10)
        },
        Case("loss", nil) { stream in
            stream.run(10)
            stream.sequence &+= 50
            stream.timestamp &+= 50 * 960
            stream.now += .seconds(1)
            stream.run(10)
        },
        Case("keys of 8 kHz", nil) { stream in
            stream.payloadType = 126
            for step in 1...8 {
                stream.payload = [5, step == 8 ? 0x8A : 10, 0, 0]
                stream.payload[2] = UInt8(step * 160 >> 8)
                stream.payload[3] = UInt8(step * 160 & 0xFF)
                stream.packet()
                stream.sequence &+= 1
                stream.now += .milliseconds(20)
            }
        },
        Case("a second SSRC", .mediaSSRC) { stream in
            stream.run(10)
            stream.ssrc = 8
            stream.run(10)
        },
        Case("an SSRC that was not announced", .mediaAnnouncedSSRC) { stream in
            stream.ssrc = 9
            stream.run(10)
        },
        Case("a payload type of nobody", .mediaPayloadType) { stream in
            stream.payloadType = 0
            stream.run(1)
        },
        Case("a timestamp that goes back", .mediaTimeline) { stream in
            stream.run(10)
            stream.timestamp &-= 48_000
            stream.run(10)
        },
        Case("a timestamp that jumps ahead of time", .mediaTimeline) { stream in
            stream.run(10)
            stream.timestamp &+= 480_000
            stream.run(10)
        },
        Case("sequence numbers that begin anew", .mediaTimeline) { stream in
            stream.run(10)
            stream.sequence &+= 20_000
            stream.run(10)
        },
        Case("sequence numbers that go back far", .mediaTimeline) { stream in
            stream.run(10)
            stream.sequence &-= 2_000
            stream.run(10)
        },
        Case("60 ms in a packet", .mediaPacketTime) { stream in
            stream.payload = [0x0B, 0x43] + [UInt8](repeating: 0, count: 10)  // code 3, three frames of 20 ms
            stream.run(1)
        },
        Case("keys that count in 48 kHz", .mediaEventClock) { stream in
            stream.payloadType = 126
            stream.payload = [5, 10, 0x03, 0xC0]  // 960 units in the first packet
            stream.packet()
        },
        Case("a packet before the answer", .mediaBeforeAnswer) { $0.rules.early() },
        Case("a packet that does not authenticate", .mediaPlain) { $0.rules.unauthenticated() },
        Case("another port", .mediaSource) { $0.rules.came(from: "127.0.0.1", 20_001) },
        Case("another address", .mediaSource) { $0.rules.came(from: "127.0.0.2", 20_000) },
        Case("the port of the SDP", nil) { $0.rules.came(from: "127.0.0.1", 20_000) },
    ]

    @Test("each rule", arguments: cases)
    func rules(_ example: Case) {
        var stream = Stream()
        stream.rules.agreed(
            MediaRules.Agreement(address: "127.0.0.1", port: 20_000, audio: 111, event: 126, announced: 7))
        example.play(&stream)
        #expect(stream.rules.violations.map(\.rule) == (example.rule.map { [$0] } ?? []))
    }

    @Test("what is of a second SSRC is not heard")
    func garbled() {
        var stream = Stream()
        stream.rules.agreed(
            MediaRules.Agreement(address: "127.0.0.1", port: 20_000, audio: 111, event: 126, announced: nil))
        stream.run(2)
        stream.ssrc = 8
        stream.run(3)
        #expect(stream.verdicts.count { $0 == .garbled } == 3)
        #expect(stream.rules.figures.garbled == 3 && stream.rules.figures.ssrcs == [7, 8])
        #expect(stream.rules.violations.count == 1, "noted once a call")
    }

    struct Silence: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let play: @Sendable (inout Stream) -> Void
        /// When the watchdog bites, and for what.
        let at: Duration?
        var kind: MediaRules.Silence?
    }

    static let silences = [
        Silence(testDescription: "nothing at all", play: { _ in }, at: .seconds(20), kind: .absent),
        Silence(
            testDescription: "packets that stop",
            play: { stream in
                stream.now = .seconds(5)
                stream.run(50)
            }, at: .milliseconds(35_980), kind: .stopped),
        Silence(
            testDescription: "RTCP counts",
            play: { stream in
                stream.run(1)
                stream.now = .seconds(10)
                let now = stream.instant
                stream.rules.rtcp(now: now)
            }, at: .seconds(40), kind: .stopped),
        Silence(
            testDescription: "RTCP alone",
            play: { stream in
                stream.now = .seconds(3)
                let now = stream.instant
                stream.rules.rtcp(now: now)
            }, at: .seconds(33), kind: .stopped),
        Silence(
            testDescription: "what does not authenticate is no media", play: { $0.rules.unauthenticated() },
            at: .seconds(20), kind: .absent),
    ]

    @Test("20 s without any media, 30 s without any more", arguments: silences)
    func watchdog(_ example: Silence) throws {
        var stream = Stream()
        stream.rules.agreed(
            MediaRules.Agreement(address: "127.0.0.1", port: 20_000, audio: 111, event: 126, announced: 7))
        #expect(stream.rules.silence(now: stream.instant) == nil, "nothing is watched before the ACK")
        stream.rules.started(now: MediaInstant(nanoseconds: 0))
        example.play(&stream)
        let at = try #require(example.at)
        stream.now = at - .milliseconds(1)
        #expect(stream.rules.silence(now: stream.instant) == nil)
        stream.now = at
        #expect(stream.rules.silence(now: stream.instant) == example.kind)
        let rule: MetaRule = example.kind == .absent ? .mediaAbsent : .mediaStopped
        #expect(stream.rules.violations.contains { $0.rule == rule })
    }
}
