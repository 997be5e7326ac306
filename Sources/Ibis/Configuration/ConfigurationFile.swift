import Foundation
import Yams

/// A YAML file, flattened to dotted keys with the line of each.
struct ConfigurationFile {
    var values: [(key: String, value: RawValue)] = []
    var problems: [ConfigurationProblem] = []

    private let path: String

    /// - Parameter path: for messages, and as the base of relative paths.
    init(path: String, text: String) {
        self.path = path
        do throws(YAMLText.SyntaxError) {
            guard let root = try YAMLText.parse(text) else { return }
            guard let mapping = root.mapping else {
                problem(
                    "", nil, root.mark?.line ?? 1, "the file must hold keys and values, such as sip: {tlsPort: 5061}")
                return
            }
            walk(mapping, prefix: "")
        } catch {
            problem("", nil, error.line, error.message)
        }
    }

    /// - Throws: when the file cannot be read as UTF-8 text.
    init(path: String, origin: Origin) throws(ConfigurationProblem) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationProblem(
                key: "", value: path, origin: origin, remedy: "there is no such file, or this user may not read it")
        }
        self.init(path: path, text: String(decoding: data, as: UTF8.self))
    }

    private mutating func walk(_ mapping: Node.Mapping, prefix: String) {
        for (keyNode, node) in mapping {
            let line = keyNode.mark?.line ?? node.mark?.line ?? 1
            guard let name = keyNode.string else {
                problem(prefix, nil, line, "keys must be words")
                continue
            }
            let key = prefix.isEmpty ? name : "\(prefix).\(name)"
            switch node {
            case .mapping(let inner):
                if let setting = Setting.byKey[key] {
                    problem(key, nil, line, "must be \(setting.expected), not a section")
                } else {
                    walk(inner, prefix: key)
                }
            case .sequence(let items):
                let texts = items.compactMap { $0.scalar.map(\.string) }
                guard texts.count == items.count else {
                    problem(key, nil, line, "must be a list of plain values")
                    continue
                }
                add(key, .list(texts), line)
            case .scalar(let scalar):
                let isNull = node.tag.description == Tag.Name.null.rawValue || scalar.string.isEmpty
                if Setting.sections.contains(key) {
                    // A section whose keys are all commented out is empty.
                    if !isNull { problem(key, scalar.string, line, "is a section: its keys go indented below it") }
                } else if isNull, let setting = Setting.byKey[key] {
                    problem(key, nil, line, "has no value: give \(setting.expected), or remove the line")
                } else {
                    add(key, .text(scalar.string), line)
                }
            case .alias:
                problem(key, nil, line, "must be a plain value")
            }
        }
    }

    private mutating func add(_ key: String, _ content: RawValue.Content, _ line: Int) {
        values.append((key, RawValue(content: content, origin: .file(path, line: line))))
    }

    private mutating func problem(_ key: String, _ value: String?, _ line: Int, _ remedy: String) {
        problems.append(
            ConfigurationProblem(key: key, value: value, origin: .file(path, line: line), remedy: remedy))
    }
}
