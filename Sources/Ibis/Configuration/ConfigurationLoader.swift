import Foundation

/// Puts the layers together: flags, before environment, before the file, before what is built in.
///
/// Every layer is checked whole, also where a higher one wins: a wrong line in the file is wrong.
struct ConfigurationLoader {
    /// Where the configuration came from, for the start's log line.
    struct Loaded: Sendable {
        var configuration: Configuration
        /// Keys that somebody set, with the layer that won.
        var origins: [String: Origin]
        var file: String?
    }

    /// Looked for in this order when neither flag nor environment names a file.
    static let usualFiles = ["ibis.yaml", "/etc/ibis/ibis.yaml"]
    static let fileVariable = "IBIS_CONFIG"
    /// The key itself instead of `store.keyFile`. It is no setting: a flag would show it to every user of the machine.
    static let keyVariable = "IBIS_STORE_KEY"

    private(set) var problems: [ConfigurationProblem] = []
    private var configuration = Configuration()
    private var origins: [String: Origin] = [:]
    /// What each origin called the key, for problems found later.
    private var raw: [String: RawValue] = [:]

    /// - Parameters:
    ///   - file: of `--config`.
    ///   - flags: arguments that the command line parser left over, `--sip-tls-port 5062` or `--sip-tls-port=5062`.
    ///   - usualFiles: for tests.
    static func load(
        file: String?, flags: [String], environment: [String: String], usualFiles: [String] = usualFiles
    ) throws(ConfigurationProblems) -> Loaded {
        var loader = ConfigurationLoader()
        let path = loader.readFile(named: file, environment: environment, usualFiles: usualFiles)
        loader.read(environment: environment)
        loader.read(flags: flags)
        loader.checkTogether()
        guard loader.problems.isEmpty else { throw ConfigurationProblems(list: loader.problems) }
        return Loaded(configuration: loader.configuration, origins: loader.origins, file: path)
    }

    // MARK: Layers, lowest first

    private mutating func readFile(named flag: String?, environment: [String: String], usualFiles: [String]) -> String?
    {
        let named: (path: String, origin: Origin)? =
            if let flag {
                (flag, .flag("--config"))
            } else if let variable = environment[Self.fileVariable], !variable.isEmpty {
                (variable, .environment(Self.fileVariable))
            } else {
                usualFiles.first(where: FileManager.default.fileExists(atPath:)).map { ($0, .file($0, line: 1)) }
            }
        guard let named else { return nil }
        do throws(ConfigurationProblem) {
            let file = try ConfigurationFile(path: named.path, origin: named.origin)
            problems += file.problems
            var lines: [String: Int] = [:]
            for (key, value) in file.values {
                guard case .file(_, let line) = value.origin else { continue }
                if let first = lines[key] {
                    report(key, value.shown, value.origin, "is in line \(first) already: keep one of them")
                    continue
                }
                lines[key] = line
                guard let setting = Setting.byKey[key] else {
                    report(key, value.shown, value.origin, unknown(key, among: Setting.all.map(\.key), "key"))
                    continue
                }
                apply(setting, value, relativeTo: (named.path as NSString).deletingLastPathComponent)
            }
        } catch {
            problems.append(error)
        }
        problems.sort { $0.origin.line < $1.origin.line }
        return named.path
    }

    private mutating func read(environment: [String: String]) {
        let known = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.environmentName, $0) })
        let sections = Setting.sections.map { "IBIS_\($0.uppercased())_" }
        // An empty variable is how compose files and unit files say "not set".
        for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix("IBIS_") && !text.isEmpty {
            if let setting = known[name] {
                apply(setting, RawValue(content: .text(text), origin: .environment(name)))
            } else if name != Self.keyVariable, sections.contains(where: name.hasPrefix) {
                // Other IBIS_ variables belong to somebody else, the tests for one.
                report("", text, .environment(name), unknown(name, among: Array(known.keys), "variable"))
            }
        }
    }

    private mutating func read(flags: [String]) {
        let known = Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.flagName, $0) })
        var rest = flags[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                report("", nil, .flag(argument), "was not expected here; see ibis serve --help")
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts.first ?? argument
            guard let setting = known[name] else {
                // Its value, if it has one, is no flag on its own.
                if parts.count == 1, let next = rest.first, !next.hasPrefix("-") { rest.removeFirst() }
                report("", nil, .flag(name), unknown(name, among: Array(known.keys) + ["--config"], "flag"))
                continue
            }
            let value = parts.count == 2 ? parts.last : rest.first.flatMap { $0.hasPrefix("--") ? nil : $0 }
            if parts.count == 1, value != nil { rest.removeFirst() }
            guard let value else {
                report(setting.key, nil, .flag(name), "needs a value: \(setting.expected)")
                continue
            }
            apply(setting, RawValue(content: .text(value), origin: .flag(name)))
        }
    }

    private mutating func apply(_ setting: Setting, _ value: RawValue, relativeTo directory: String = "") {
        var texts: [String]
        switch value.content {
        case .text(let text) where setting.isList:
            texts = text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        case .text(let text):
            texts = [text]
        case .list(let items):
            guard setting.isList else {
                report(setting.key, value.shown, value.origin, "must be \(setting.expected), not a list")
                return
            }
            texts = items
        }
        if setting.isPath, !directory.isEmpty {
            texts = texts.map { $0.isEmpty || $0.hasPrefix("/") ? $0 : "\(directory)/\($0)" }
        }
        if let remedy = setting.apply(texts, &configuration) {
            report(setting.key, value.shown, value.origin, remedy)
        } else {
            origins[setting.key] = value.origin
            raw[setting.key] = value
        }
    }

    // MARK: Rules between keys

    private mutating func checkTogether() {
        let (sip, media, console) = (configuration.sip, configuration.media, configuration.console)
        if (sip.certificate == nil) != (sip.key == nil) {
            let (given, missing) = sip.key == nil ? ("sip.certificate", "sip.key") : ("sip.key", "sip.certificate")
            report(given, "\(missing) must be given too, or neither of them")
        }
        if media.portHigh <= media.portLow || media.portHigh - media.portLow < 3 {
            report("media.portHigh", "must be at least 3 above media.portLow (\(media.portLow)): a call takes 4 ports")
        } else if (media.portLow...media.portHigh).contains(sip.peerPort) {
            report(
                "sip.peerPort", "must be outside of media.portLow…media.portHigh (\(media.portLow)–\(media.portHigh))")
        }
        if sip.tlsPort == sip.peerPort, Self.collide(sip.tlsAddress, sip.peerAddress) {
            report("sip.peerPort", "must differ from sip.tlsPort, as both listen on TCP")
        }
        if console.port == sip.tlsPort, Self.collide(console.address, sip.tlsAddress) {
            report("console.port", "must differ from sip.tlsPort, as both listen on TCP")
        }
        if console.port == sip.peerPort, Self.collide(console.address, sip.peerAddress) {
            report("console.port", "must differ from sip.peerPort, as both listen on TCP")
        }
    }

    /// True where two listeners cannot have the same port.
    private static func collide(_ a: String, _ b: String) -> Bool {
        let wildcards = ["0.0.0.0", "::"]
        return a == b || wildcards.contains(a) || wildcards.contains(b)
    }

    private mutating func report(_ key: String, _ remedy: String) {
        let value = raw[key]?.shown ?? Setting.byKey[key]?.defaultText
        report(key, value, origins[key] ?? .builtIn, remedy)
    }

    private mutating func report(_ key: String, _ value: String?, _ origin: Origin, _ remedy: String) {
        problems.append(ConfigurationProblem(key: key, value: value, origin: origin, remedy: remedy))
    }

    private func unknown(_ name: String, among known: [String], _ kind: String) -> String {
        let remedy = "there is no such \(kind)"
        guard let near = Suggestion.nearest(to: name, among: known.sorted()) else {
            return "\(remedy); docs/configuration.md lists them all"
        }
        return "\(remedy); did you mean \(near)?"
    }
}
