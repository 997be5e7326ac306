import FuzzTargets
import Testing

@testable import SIPCore

/// A short run of what `make fuzz` does for longer, the same in every run.
@Suite struct FuzzTargetTests {
    private static let corpus =
        #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" } + "/" + Corpus.folder

    @Test(arguments: FuzzTarget.allCases)
    func keptInputsBreakNoRule(_ target: FuzzTarget) throws {
        let inputs = try Corpus.load(target, from: Self.corpus)
        #expect(inputs.count >= 6)
        for input in inputs { try target.run(input) }
    }

    @Test(arguments: FuzzTarget.allCases, [1, 2] as [UInt64])
    func mutatedInputsBreakNoRule(_ target: FuzzTarget, seed: UInt64) throws {
        let mutator = Mutator(corpus: try Corpus.load(target, from: Self.corpus))
        for number in 0..<600 as Range<UInt64> {
            let input = mutator.input(seed: seed, number: number)
            #expect(throws: Never.self, "number \(number)") { try target.run(input) }
        }
    }

    /// Otherwise the runs would only show that nonsense is refused.
    @Test func mutationsAreReadAndRefused() throws {
        let mutator = Mutator(corpus: try Corpus.load(.message, from: Self.corpus))
        var accepted = 0
        for number in 1_000..<3_000 as Range<UInt64>
        where (try? Message(parsing: mutator.input(seed: 1, number: number).span)) != nil {
            accepted += 1
        }
        #expect((200..<1_600).contains(accepted))
    }

    @Test func anInputIsMadeAgainFromItsNumber() {
        let mutator = Mutator(corpus: [Array("INVITE sip:a".utf8), Array("BYE sip:b".utf8)])
        #expect(mutator.input(seed: 1, number: 1) == Array("BYE sip:b".utf8))
        var inputs: Set<[UInt8]> = []
        for number in 2..<200 as Range<UInt64> {
            let input = mutator.input(seed: 7, number: number)
            #expect(input == mutator.input(seed: 7, number: number))
            inputs.insert(input)
        }
        #expect(inputs.count > 100)
    }
}
