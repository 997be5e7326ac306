/// Widens 16-bit sequence numbers to a count that does not wrap (RFC 3550 A.1), reordered packets included.
public struct SequenceExtender: Hashable, Sendable {
    /// The highest extended number so far; nil before the first.
    public private(set) var highest: Int64?

    public init() {}

    /// The number nearest to the highest so far that ends in these 16 bits. The first is taken as it is.
    public mutating func extend(_ sequenceNumber: UInt16) -> Int64 {
        guard let highest else {
            self.highest = Int64(sequenceNumber)
            return Int64(sequenceNumber)
        }
        let step = Int16(bitPattern: sequenceNumber &- UInt16(truncatingIfNeeded: highest))
        let extended = highest &+ Int64(step)
        if step > 0 { self.highest = extended }
        return extended
    }
}
