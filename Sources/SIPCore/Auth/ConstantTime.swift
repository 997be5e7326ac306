/// Comparing secrets without telling by the time it takes how much of them is right.
enum ConstantTime {
    /// Takes the same time wherever the first difference is; only the counts may show.
    static func areEqual(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
