import FuzzTargets

struct FuzzOptions {
    var seconds = 60.0
    /// For each target; nil for as many as the time allows.
    var messages: UInt64?
    var targets: [FuzzTarget] = []
    var seed: UInt64 = 1
    var corpus = Corpus.folder
    var findings = "Fuzz/Findings"
    /// Set in a child: the file that its parent watches.
    var progress: String?

    /// Nil when an argument is not understood.
    init?(_ arguments: some Collection<String>) {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { return nil }
            switch name {
            case "--seconds":
                guard let seconds = Double(value), seconds > 0 else { return nil }
                self.seconds = seconds
            case "--messages":
                guard let messages = UInt64(value), messages > 0 else { return nil }
                self.messages = messages
            case "--target":
                guard let target = FuzzTarget(rawValue: value) else { return nil }
                targets.append(target)
            case "--seed":
                guard let seed = UInt64(value) else { return nil }
                self.seed = seed
            case "--corpus": corpus = value
            case "--findings": findings = value
            case "--progress": progress = value
            default: return nil
            }
        }
        if targets.isEmpty { targets = FuzzTarget.allCases }
    }
}
