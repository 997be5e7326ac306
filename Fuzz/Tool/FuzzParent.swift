import Foundation
import FuzzTargets

/// Gives each target a process of its own, keeps the input when one dies, and goes on with other inputs.
struct FuzzParent {
    private let options: FuzzOptions
    /// Without a new input for so long, a child hangs.
    private static let patience = 10.0

    init(_ options: FuzzOptions) { self.options = options }

    /// Whether all went well.
    func run() throws -> Bool {
        var isClean = true
        for target in options.targets {
            if try !run(target) { isClean = false }
        }
        return isClean
    }

    private func run(_ target: FuzzTarget) throws -> Bool {
        let share = options.seconds / Double(options.targets.count)
        let end = Date(timeIntervalSinceNow: share)
        let start = Date()
        var total: UInt64 = 0
        var slowest: UInt64 = 0
        var resident: (start: UInt64, end: UInt64) = (0, 0)
        var harm: [String: Int] = [:]
        var seed = options.seed
        repeat {
            var child = options
            child.targets = [target]
            child.seed = seed
            child.seconds = max(1, end.timeIntervalSinceNow)
            child.messages = options.messages.map { $0 > total ? $0 - total : 1 }
            let result = try spawn(child)
            total += result.progress[.number]
            slowest = max(slowest, result.progress[.slowest])
            if resident.start == 0 { resident.start = result.progress[.residentAtStart] }
            resident.end = result.progress[.residentAtEnd]
            if let kind = result.harm {
                harm[kind, default: 0] += 1
                try keep(target, seed: seed, number: result.progress[.number], kind)
            } else {
                break
            }
            seed += 1
        } while options.messages.map({ total < $0 }) ?? (end.timeIntervalSinceNow > 1)
        let seconds = String(format: "%.1f", Date().timeIntervalSince(start))
        let memory = String(
            format: "%.1f MB resident at the start, %.1f MB at the end", Double(resident.start) / 1e6,
            Double(resident.end) / 1e6)
        print(
            "\(target.rawValue): \(total) inputs in \(seconds) s, \(harm["trap"] ?? 0) traps, "
                + "\(harm["rule broken"] ?? 0) rules broken, slowest "
                + String(format: "%.1f ms, ", Double(slowest) / 1e6) + memory)
        return harm.isEmpty
    }

    /// Runs one child to its end.
    private func spawn(_ child: FuzzOptions) throws -> (progress: Progress, harm: String?) {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("ibis-fuzz-\(UUID().uuidString)").path
        let progress = try Progress(path: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let process = Process()
        process.executableURL = Bundle.main.executableURL
        process.arguments = [
            "--target", child.targets[0].rawValue, "--seed", "\(child.seed)", "--seconds", "\(child.seconds)",
            "--corpus", child.corpus, "--progress", path,
        ]
        if let messages = child.messages { process.arguments? += ["--messages", "\(messages)"] }
        try process.run()
        var last = progress[.number]
        var since = Date()
        var hangs = false
        while process.isRunning {
            Thread.sleep(forTimeInterval: 0.1)
            if progress[.number] != last {
                (last, since) = (progress[.number], Date())
            } else if Date().timeIntervalSince(since) > Self.patience {
                hangs = true
                kill(process.processIdentifier, SIGKILL)
                break
            }
        }
        process.waitUntilExit()
        if hangs { return (progress, "hang") }
        if process.terminationReason == .uncaughtSignal { return (progress, "trap") }
        switch FuzzChild.End(rawValue: process.terminationStatus) {
        case .clean: return (progress, nil)
        case .ruleBroken: return (progress, "rule broken")
        case .tooSlow: return (progress, "too slow")
        case .memoryGrew: return (progress, "memory grew")
        case nil: return (progress, "exit status \(process.terminationStatus)")
        }
    }

    /// Makes the input once more and writes it to a file.
    private func keep(_ target: FuzzTarget, seed: UInt64, number: UInt64, _ kind: String) throws {
        let input = Mutator(corpus: try Corpus.load(target, from: options.corpus)).input(seed: seed, number: number)
        let folder = URL(fileURLWithPath: options.findings)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appendingPathComponent("\(target.rawValue)-\(seed)-\(number)")
        try Data(input).write(to: file)
        print("\(target.rawValue): \(kind) with \(file.path)")
    }
}
