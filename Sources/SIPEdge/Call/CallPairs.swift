/// Which business numbers and users are in a call now: Meta refuses a second one for the same pair (meta-calling §9), and
/// repeated refusals cost a business its standing.
///
/// A call from the user counts too, but is never kept out: when user and business call each other at the same moment
/// (glare), the user's call is served, and what becomes of ours is Meta's to say.
final class CallPairs {
    struct Pair: Hashable {
        let number: String
        let user: String
    }

    /// The pair counts as being in a call until the last holder has let go of this.
    final class Claim {
        private let pairs: CallPairs
        private let pair: Pair

        fileprivate init(_ pairs: CallPairs, _ pair: Pair) {
            self.pairs = pairs
            self.pair = pair
            pairs.calls[pair, default: 0] += 1
        }

        deinit {
            guard let count = pairs.calls[pair] else { return }
            pairs.calls[pair] = count > 1 ? count - 1 : nil
        }
    }

    private var calls: [Pair: Int] = [:]

    /// Nil when there is a call of this pair already.
    func claim(_ pair: Pair) -> Claim? { calls[pair] == nil ? Claim(self, pair) : nil }

    /// Whatever there is already.
    func join(_ pair: Pair) -> Claim { Claim(self, pair) }
}
