import SIPCore
import Testing

@testable import SIPEdge

@Suite("Whether a peer is fit for calls") struct QualifyTests {
    /// Drives the machine on virtual time; each OPTIONS gets what `answer` says.
    struct Bench {
        enum Answer: Sendable {
            case status(Int)
            case retryAfter(Int)
            case silence, error
        }

        var machine: Qualify
        var now = Instant(.zero)
        var timers: [Qualify.TimerID: Instant] = [:]
        /// Seconds of each OPTIONS.
        var probes: [Double] = []
        /// Seconds and state.
        var changes: [String] = []
        var answer = Answer.status(200)

        init(_ policy: Qualify.Policy = .init(), seed: UInt64 = 1) { machine = Qualify(policy: policy, seed: seed) }

        static func seconds(_ instant: Instant) -> Double { instant.sinceOrigin / .seconds(1) }

        mutating func handle(_ event: Qualify.Event) {
            for action in machine.handle(event, now: now) {
                switch action {
                case .probe(let number):
                    probes.append(Self.seconds(now))
                    pending = number
                case .arm(let timer, let at): timers[timer] = at
                case .cancel(let timer): timers[timer] = nil
                case .changed(let state): changes.append("\(Int(Self.seconds(now))) \(state)")
                }
            }
            guard let number = pending else { return }
            pending = nil
            switch answer {
            case .status(let status): handle(.answered(number, status: status, retryAfter: nil))
            case .retryAfter(let seconds): handle(.answered(number, status: 503, retryAfter: .seconds(seconds)))
            case .error: handle(.failed(number))
            case .silence: break
            }
        }

        private var pending: UInt64?

        mutating func run(until seconds: Double) {
            let end = Instant(.seconds(seconds))
            while let (timer, at) = timers.min(by: { $0.value < $1.value }), at <= end {
                now = at
                timers[timer] = nil
                handle(.timerFired(timer))
            }
            now = end
        }
    }

    @Test("the first answer is enough, then OPTIONS every half minute, a tenth more or less")
    func steady() {
        var bench = Bench()
        bench.handle(.start)
        bench.run(until: 3_600)
        #expect(bench.changes == ["0 up"])
        let gaps = zip(bench.probes, bench.probes.dropFirst()).map { $1 - $0 }
        #expect(gaps.count > 100)
        #expect(gaps.allSatisfy { (27...33).contains($0) })
        #expect(Set(gaps).count > 50, "in step")
        #expect(Bench.other(seed: 2) != Bench.other(seed: 3))
    }

    struct Sign: Sendable, CustomTestStringConvertible {
        let answer: Bench.Answer
        let isAlive: Bool
        var testDescription: String { "\(answer)" }
    }

    @Test(
        "what counts as a sign of life",
        arguments: [
            Sign(answer: .status(200), isAlive: true), .init(answer: .status(404), isAlive: true),
            .init(answer: .status(401), isAlive: true), .init(answer: .status(405), isAlive: true),
            .init(answer: .status(500), isAlive: true), .init(answer: .status(603), isAlive: true),
            .init(answer: .status(503), isAlive: false), .init(answer: .status(408), isAlive: false),
            .init(answer: .silence, isAlive: false), .init(answer: .error, isAlive: false),
        ])
    func sign(_ sign: Sign) {
        var bench = Bench()
        bench.handle(.start)
        bench.answer = sign.answer
        bench.run(until: 120)
        #expect(bench.machine.state == (sign.isAlive ? .up : .down))
    }

    @Test("one lost OPTIONS is no change; two in a row are, after a quick second look")
    func hysteresisDown() {
        var bench = Bench()
        bench.handle(.start)
        bench.answer = .silence
        bench.run(until: 34)
        bench.answer = .status(200)
        bench.run(until: 100)
        #expect(bench.changes == ["0 up"])
        bench.answer = .silence
        let asked = bench.probes.count
        bench.run(until: 200)
        #expect(bench.changes.count == 2)
        #expect(bench.changes.last?.hasSuffix("down") == true)
        // OPTIONS, 4 s of silence, 2 s, OPTIONS, 4 s of silence.
        let first = bench.probes[asked]
        #expect(bench.changes.last == "\(Int(first + 10)) down")
    }

    @Test("two good ones bring it back, one does not")
    func hysteresisUp() {
        var bench = Bench()
        bench.answer = .error
        bench.handle(.start)
        bench.run(until: 40)
        #expect(bench.changes == ["2 down"])
        let asked = bench.probes.count
        bench.answer = .status(200)
        bench.run(until: bench.timers[.next].map(Bench.seconds) ?? 0)
        #expect(bench.probes.count == asked + 1)
        #expect(bench.machine.state == .down)
        bench.answer = .error
        bench.run(until: Bench.seconds(bench.now) + 2)
        #expect(bench.machine.state == .down)
        bench.answer = .status(200)
        bench.run(until: 200)
        #expect(bench.changes.count == 2 && bench.machine.state == .up)
        let up = bench.probes.count
        bench.run(until: 260)
        #expect(bench.probes.count <= up + 2, "settled again, so seldom asked")
    }

    @Test("Retry-After: down at once, asked when it is over, not before and not by calls")
    func retryAfter() {
        var bench = Bench()
        bench.handle(.start)
        bench.answer = .retryAfter(60)
        bench.run(until: 34)
        let told = bench.probes.last ?? 0
        #expect(bench.machine.state == .down)
        bench.answer = .status(200)
        bench.handle(.callReached)
        bench.handle(.callReached)
        bench.run(until: told + 59)
        #expect(bench.machine.state == .down)
        #expect(bench.probes.last == told)
        bench.run(until: told + 61)
        #expect(bench.probes.last == told + 60)
        bench.run(until: told + 63)
        #expect(bench.machine.state == .up)
    }

    @Test("a Retry-After of a year is not believed")
    func longRetryAfter() {
        var bench = Bench()
        bench.handle(.start)
        bench.handle(.callFailed(retryAfter: .seconds(31_536_000)))
        #expect(bench.machine.state == .down)
        bench.run(until: 310)
        #expect(bench.machine.state == .up)
    }

    @Test("calls that went elsewhere count, and are checked within seconds")
    func passive() {
        var bench = Bench()
        bench.handle(.start)
        bench.run(until: 10)
        bench.handle(.callFailed(retryAfter: nil))
        #expect(bench.machine.state == .up)
        bench.run(until: 13)
        #expect(bench.probes == [0, 12])
        #expect(bench.machine.state == .up)
        bench.handle(.callFailed(retryAfter: nil))
        bench.handle(.callFailed(retryAfter: nil))
        #expect(bench.machine.state == .down)
        bench.run(until: 120)
        #expect(bench.machine.state == .up, "it answers OPTIONS")
    }

    @Test("a call that was answered, even with a refusal, is a sign of life")
    func reached() {
        var bench = Bench()
        bench.answer = .silence
        bench.handle(.start)
        bench.handle(.callReached)
        #expect(bench.changes == ["0 up"])
        bench.handle(.callFailed(retryAfter: nil))
        bench.handle(.callReached)
        bench.handle(.callFailed(retryAfter: nil))
        #expect(bench.machine.state == .up, "not in a row")
    }

    @Test("without OPTIONS nothing is asked, and failed calls change nothing for good")
    func disabled() {
        var bench = Bench(.init(isEnabled: false))
        bench.handle(.start)
        for _ in 0..<5 { bench.handle(.callFailed(retryAfter: nil)) }
        bench.run(until: 600)
        #expect(bench.probes.isEmpty && bench.changes.isEmpty)
        bench.handle(.callFailed(retryAfter: .seconds(30)))
        #expect(bench.machine.state == .down)
        bench.run(until: 629)
        #expect(bench.machine.state == .down)
        bench.run(until: 631)
        #expect(bench.machine.state == .unknown)
        #expect(bench.probes.isEmpty)
    }

    @Test("an answer that comes after the OPTIONS was given up says nothing")
    func late() {
        var bench = Bench()
        bench.answer = .silence
        bench.handle(.start)
        bench.run(until: 5)
        bench.handle(.answered(1, status: 200, retryAfter: nil))
        bench.handle(.failed(1))
        #expect(bench.changes.isEmpty)
        #expect(bench.machine.state == .unknown)
    }
}

extension QualifyTests.Bench {
    fileprivate static func other(seed: UInt64) -> [Double] {
        var bench = Self(seed: seed)
        bench.handle(.start)
        bench.run(until: 300)
        return bench.probes
    }
}
