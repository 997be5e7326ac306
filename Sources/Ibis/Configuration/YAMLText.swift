import Yams

/// YAML with the lines kept, and the parser's errors in one shape.
enum YAMLText {
    struct SyntaxError: Error, Hashable, CustomStringConvertible {
        var line: Int
        var message: String

        var description: String { message }
    }

    /// Nil for a text with nothing but comments.
    static func parse(_ text: String) throws(SyntaxError) -> Node? {
        do {
            return try Yams.compose(yaml: text)
        } catch let error as YamlError {
            var found = SyntaxError(error)
            let lines = text.split(separator: "\n", maxSplits: found.line, omittingEmptySubsequences: false)
            if lines.dropFirst(found.line - 1).first?.hasPrefix("\t") == true {
                found.message = "is not YAML: lines are indented with spaces, never with tabs"
            }
            throw found
        } catch {
            throw SyntaxError(line: 1, message: "is not YAML: \(error)")
        }
    }
}

extension YAMLText.SyntaxError {
    fileprivate init(_ error: YamlError) {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            self.init(line: mark.line, message: "is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.sorted().joined(separator: ", ")
            self.init(line: context.mark.line, message: "has the same key twice: \(keys)")
        case .reader(let problem, let offset, _, let yaml):
            let line = yaml.prefix(offset ?? 0).count { $0 == "\n" } + 1
            self.init(line: line, message: "is not YAML: \(problem)")
        case .dataCouldNotBeDecoded:
            self.init(line: 1, message: "is not UTF-8 text")
        case .no, .memory, .writer, .emitter, .representer:
            self.init(line: 1, message: "is not YAML: \(error)")
        }
    }
}
