/// One thing that is wrong with the configuration: the start stops, and all of them are shown at once.
struct ConfigurationProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// Dotted, as in docs/configuration.md; empty when a whole file is meant.
    var key: String
    var value: String?
    var origin: Origin
    /// What would be right.
    var remedy: String

    var description: String {
        let shown = value.map { ": \($0)" } ?? ""
        let head = key.isEmpty ? "\(origin)\(shown)" : "\(key)\(shown)  (\(origin))"
        return "\(head)\n    \(remedy)"
    }
}

/// Everything that is wrong, in the order of the layers.
struct ConfigurationProblems: Error, Sendable, CustomStringConvertible {
    var list: [ConfigurationProblem]
    /// What they are in, for the headline.
    var subject = "the configuration"

    var description: String {
        let head =
            list.count == 1
            ? "One thing in \(subject) is wrong:" : "\(list.count) things in \(subject) are wrong:"
        let items = list.map { "  " + $0.description.split(separator: "\n").joined(separator: "\n  ") }
        return ([head] + items).joined(separator: "\n\n")
    }
}
