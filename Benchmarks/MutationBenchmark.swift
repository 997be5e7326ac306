import FuzzTargets

/// A million messages made of the kept inputs by mutation, in this process: that it lives on is the first result.
enum MutationBenchmark {
    private static let messages: UInt64 = 1_000_000
    /// Until then memory settles.
    private static let warmUp: UInt64 = 20_000

    static func run() throws {
        let mutator = Mutator(corpus: try Corpus.load(.message))
        var resident = 0
        let clock = ContinuousClock()
        let start = clock.now
        for number in 0..<messages {
            if number == warmUp { resident = residentMemory() }
            try FuzzTarget.message.run(mutator.input(seed: 3, number: number))
        }
        let (seconds, attoseconds) = (clock.now - start).components
        let elapsed = Double(seconds) + Double(attoseconds) / 1e18
        print(
            "mutated messages: \(messages) in \(Figure.text(elapsed)) s, no trap, each also as a stream in pieces and "
                + "written again; resident \(Figure.text(Double(resident) / 1e6)) MB after \(warmUp), "
                + "\(Figure.text(Double(residentMemory()) / 1e6)) MB at the end")
    }
}
