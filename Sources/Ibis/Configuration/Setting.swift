import Logging
import SIPEdge
import WabaBridge

/// One key of the configuration: its names, its meaning, and how a text becomes its value.
struct Setting: Sendable {
    /// Dotted: `sip.tlsPort`.
    let key: String
    /// One sentence for the help and docs/configuration.md.
    let summary: String
    /// What is right, for messages: `a port, 1 to 65535`.
    let expected: String
    let defaultText: String
    let isList: Bool
    /// Paths in a file are relative to that file's directory.
    let isPath: Bool
    /// Puts the values (one unless ``isList``) into the configuration; answers what would be right when it cannot.
    let apply: @Sendable ([String], inout Configuration) -> String?

    /// `sip.tlsPort` is IBIS_SIP_TLS_PORT.
    var environmentName: String { "IBIS_" + words.joined(separator: "_").uppercased() }
    /// `sip.tlsPort` is --sip-tls-port.
    var flagName: String { "--" + words.joined(separator: "-").lowercased() }

    /// `sip.tlsPort` → sip, tls, Port.
    private var words: [String] {
        key.split(separator: ".").flatMap { part in
            part.reduce(into: [""]) { words, character in
                if character.isUppercase { words.append("") }
                words[words.count - 1].append(character)
            }
        }
    }

    static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
    static let sections = Set(all.compactMap { $0.key.split(separator: ".").first.map(String.init) })
}

// MARK: - Kinds of values

extension Setting {
    typealias Path<Value> = WritableKeyPath<Configuration, Value> & Sendable

    /// - Parameter parse: nil when the text is not `expected`.
    static func value<Value>(
        _ key: String, _ path: any Path<Value>, _ summary: String, expected: String, default text: String,
        isPath: Bool = false, parse: @escaping @Sendable (String) -> Value?
    ) -> Setting {
        Setting(
            key: key, summary: summary, expected: expected, defaultText: text, isList: false, isPath: isPath
        ) { values, configuration in
            guard let first = values.first, let value = parse(first) else { return "must be \(expected)" }
            configuration[keyPath: path] = value
            return nil
        }
    }

    static func list<Element>(
        _ key: String, _ path: any Path<[Element]?>, _ summary: String, expected: String, default text: String,
        parse: @escaping @Sendable (String) -> Element?
    ) -> Setting {
        Setting(
            key: key, summary: summary, expected: expected, defaultText: text, isList: true, isPath: false
        ) { values, configuration in
            var elements: [Element] = []
            for value in values {
                guard let element = parse(value) else { return "\(value) must be \(expected)" }
                elements.append(element)
            }
            guard !elements.isEmpty else { return "must have at least one entry" }
            configuration[keyPath: path] = elements
            return nil
        }
    }

    static func port(_ key: String, _ path: any Path<UInt16>, _ summary: String, default port: UInt16) -> Setting {
        value(key, path, summary, expected: "a port, 1 to 65535", default: "\(port)") { text in
            UInt16(text).flatMap { $0 > 0 ? $0 : nil }
        }
    }

    static func count(
        _ key: String, _ path: any Path<Int>, _ summary: String, _ range: ClosedRange<Int>, default count: Int
    ) -> Setting {
        value(
            key, path, summary, expected: "a whole number, \(range.lowerBound) to \(range.upperBound)",
            default: "\(count)"
        ) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    static func seconds(
        _ key: String, _ path: any Path<Duration>, _ summary: String, _ range: ClosedRange<Int>, default text: String
    ) -> Setting {
        value(
            key, path, summary,
            expected: "a time with its unit (ms, s, m or h), \(range.lowerBound)s to \(range.upperBound)s, such as 10s",
            default: text
        ) { text in
            Duration(written: text).flatMap {
                .seconds(range.lowerBound)...(.seconds(range.upperBound)) ~= $0 ? $0 : nil
            }
        }
    }

    /// - Parameter range: megabytes.
    static func size(
        _ key: String, _ path: any Path<Int>, _ summary: String, _ range: ClosedRange<Int>, default text: String
    ) -> Setting {
        value(
            key, path, summary,
            expected: "a size in MB, \(range.lowerBound)MB to \(range.upperBound)MB, such as 64MB", default: text
        ) { text in
            guard text.hasSuffix("MB"), let count = Int(text.dropLast(2)), range.contains(count) else { return nil }
            return count << 20
        }
    }

    static func address(_ key: String, _ path: any Path<String>, _ summary: String, default text: String) -> Setting {
        value(key, path, summary, expected: "an IPv4 or IPv6 address, such as \(text)", default: text) { text in
            HostSyntax.isAddress(text) ? text : nil
        }
    }

    static func optionalAddress(
        _ key: String, _ path: any Path<String?>, _ summary: String, default text: String
    ) -> Setting {
        value(key, path, summary, expected: "an IPv4 or IPv6 address, such as 192.0.2.10", default: text) { text in
            HostSyntax.isAddress(text) ? .some(text) : nil
        }
    }

    static func file(_ key: String, _ path: any Path<String?>, _ summary: String, default text: String) -> Setting {
        value(key, path, summary, expected: "a path", default: text, isPath: true) { $0.isEmpty ? nil : .some($0) }
    }

    static func choice<Choice: RawRepresentable & CaseIterable & SendableMetatype>(
        _ key: String, _ path: any Path<Choice>, _ summary: String, default choice: Choice
    ) -> Setting where Choice.RawValue == String {
        value(
            key, path, summary,
            expected: "one of: \(Choice.allCases.map(\.rawValue).joined(separator: ", "))", default: choice.rawValue
        ) { Choice(rawValue: $0.lowercased()) }
    }
}

extension Duration {
    /// `500ms`, `10s`, `2m`, `1h`; nil without a unit, since seconds and milliseconds are easily mistaken.
    init?(written text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int(digits), count <= 1_000_000_000 else { return nil }
        switch text.dropFirst(digits.count).drop(while: { $0 == " " }) {
        case "ms": self = .milliseconds(count)
        case "s": self = .seconds(count)
        case "m": self = .seconds(count * 60)
        case "h": self = .seconds(count * 3600)
        default: return nil
        }
    }
}
