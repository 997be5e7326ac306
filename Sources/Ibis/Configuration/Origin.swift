/// Where a value of the configuration came from, as it is shown to the person who has to correct it.
enum Origin: Sendable, Hashable, CustomStringConvertible {
    case builtIn
    case file(String, line: Int)
    case environment(String)
    case flag(String)

    /// 0 where there are no lines.
    var line: Int {
        if case .file(_, let line) = self { line } else { 0 }
    }

    var description: String {
        switch self {
        case .builtIn: "default"
        case .file(let path, let line): "\(path), line \(line)"
        case .environment(let name): "environment variable \(name)"
        case .flag(let name): "flag \(name)"
        }
    }
}

/// A value before it is understood.
struct RawValue: Sendable, Hashable {
    enum Content: Sendable, Hashable {
        case text(String)
        /// From a YAML sequence; elsewhere lists are text with commas.
        case list([String])
    }

    var content: Content
    var origin: Origin

    /// For messages.
    var shown: String {
        switch content {
        case .text(let text): text
        case .list(let items): items.joined(separator: ", ")
        }
    }
}
