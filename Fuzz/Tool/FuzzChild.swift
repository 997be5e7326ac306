import Foundation
import FuzzTargets

/// Runs one target until its time is over or an input does harm. The parent knows from the shared numbers which one it
/// was, whatever becomes of this process.
struct FuzzChild {
    enum End: Int32 {
        case clean = 0
        case ruleBroken = 10
        case tooSlow = 11
        case memoryGrew = 12
    }

    /// CPU time, so that a busy machine is not mistaken for a slow parser.
    static let mostNanoseconds: UInt64 = 100_000_000
    static let mostGrowth: UInt64 = 16 << 20

    private let options: FuzzOptions
    private let target: FuzzTarget
    private let mutator: Mutator
    private let progress: Progress

    init(_ options: FuzzOptions) throws {
        self.options = options
        target = options.targets[0]
        mutator = Mutator(corpus: try Corpus.load(target, from: options.corpus))
        progress = try Progress(path: options.progress ?? "")
    }

    func run() -> Int32 {
        let deadline = ContinuousClock.now.advanced(by: .seconds(options.seconds))
        var number: UInt64 = 0
        var before = cpuTime()
        while options.messages.map({ number < $0 }) ?? true {
            if number % 256 == 0 {
                if options.messages == nil, ContinuousClock.now >= deadline { break }
                if number <= 8_192 { progress[.residentAtStart] = UInt64(residentMemory()) }
                before = cpuTime()
            }
            progress[.number] = number
            let input = mutator.input(seed: options.seed, number: number)
            do throws(FuzzFinding) {
                try target.run(input)
            } catch {
                print("\(target.rawValue): \(error)")
                return End.ruleBroken.rawValue
            }
            let now = cpuTime()
            progress[.slowest] = max(progress[.slowest], now - before)
            if now - before > Self.mostNanoseconds { return End.tooSlow.rawValue }
            before = now
            number += 1
        }
        progress[.number] = number
        let (start, end) = (progress[.residentAtStart], UInt64(residentMemory()))
        progress[.residentAtEnd] = end
        return (end > start + Self.mostGrowth ? End.memoryGrew : .clean).rawValue
    }

    private func cpuTime() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
