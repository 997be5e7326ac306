import Glibc

/// Orders named things at random so that each comes first as often as its weight says: drawing without putting back.
///
/// Each gets a key of its own from seed and name alone, so one that is taken away changes nothing in the order of the
/// others. With the seed made from a caller this is rendezvous hashing; the result is the same in every process.
enum WeightedOrder {
    /// - Parameter weight: not negative; 0 is drawn last but for very few times (RFC 2782).
    static func sorted<Element>(
        _ elements: [Element], seed: UInt64, name: (Element) -> String, weight: (Element) -> Int
    ) -> [Element] {
        let keyed = elements.map { element in
            (element: element, key: key(seed: seed, name: name(element), weight: weight(element)))
        }
        return keyed.sorted { $0.key < $1.key }.map(\.element)
    }

    /// Exponentially distributed with the weight as its rate: the smallest of several is that of an element with the
    /// probability of its share in the weights.
    private static func key(seed: UInt64, name: String, weight: Int) -> Double {
        let bits = mixed(seed &+ hash(name))
        let uniform = (Double(bits >> 11) + 0.5) / 9_007_199_254_740_992  // 2^53: never 0, never 1
        return -log(uniform) / (weight > 0 ? Double(weight) : 0.001)
    }

    /// FNV-1a of 64 bits: the same in every process, as Swift's own hash is not.
    static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    /// The finaliser of SplitMix64: names that differ in one letter get keys that have nothing in common.
    static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value &+ 0x9E37_79B9_7F4A_7C15
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
