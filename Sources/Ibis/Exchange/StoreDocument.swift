import WabaBridge
import Yams

/// Numbers and peers as one YAML file, for `ibis export` and `ibis import`.
///
///     ibis: 1
///     peers:
///       - name: asterisk
///         host: 192.0.2.10
///     numbers:
///       - number: "+15550100001"
///         peer: asterisk
///
/// What is usual (port, transport, plain RTP, 45 s of ringing) may be left out. Passwords are in it only when that was
/// asked for; one that is not in the file stays as it is in the store.
enum StoreDocument {
    /// Of the file's shape; a later shape is refused rather than half understood.
    static let version = 1

    // MARK: Writing

    /// - Parameter secrets: opens the passwords, which are then written readably; nil: none is written.
    static func text(_ snapshot: StoreSnapshot, secrets: SecretBox? = nil) throws(StoreError) -> String {
        var lines = ["# Numbers and peers of Ibis; `ibis import` reads it.", "ibis: \(version)"]
        if secrets != nil { lines.insert("# It has passwords in it: keep it to yourself.", at: 1) }
        lines.append(snapshot.peers.isEmpty ? "peers: []" : "peers:")
        for peer in snapshot.peers {
            lines += [
                "  - name: \(quoted(peer.name))",
                "    host: \(quoted(peer.host))",
                "    port: \(peer.port)",
                "    transport: \(peer.transport.rawValue)",
                "    secureMedia: \(peer.secureMedia)",
                "    ringTimeout: \(peer.ringTimeout.components.seconds)s",
            ]
            if let name = peer.tlsName { lines.append("    tlsName: \(quoted(name))") }
            if let file = peer.tlsAuthority { lines.append("    tlsAuthority: \(quoted(file))") }
        }
        lines.append(snapshot.numbers.isEmpty ? "numbers: []" : "numbers:")
        for number in snapshot.numbers {
            lines.append("  - number: \(quoted(number.number))")
            switch number.destination {
            case .peer(let name, let dialled):
                lines.append("    peer: \(quoted(name))")
                if let dialled { lines.append("    extension: \(quoted(dialled))") }
            case .application(let name):
                lines.append("    application: \(quoted(name))")
            }
            if let secrets, let sealed = number.password {
                lines.append("    password: \(quoted(try secrets.open(sealed, for: .number(number.number))))")
            }
            if number.challenge { lines.append("    challenge: true") }
            if let domain = number.domain { lines.append("    domain: \(quoted(domain))") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Always quoted: `+15550100001`, `100` and `no` would be read as other types by some YAML reader.
    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    // MARK: Reading

    typealias Sealing = (_ secret: String, _ owner: SecretOwner) throws(StoreError) -> SealedSecret

    /// - Parameters:
    ///   - file: its name for messages.
    ///   - seal: called for each password in the file.
    /// - Throws: everything that is wrong with it, with lines.
    static func parse(
        _ text: String, file: String, seal: Sealing = noSealing
    ) throws(ConfigurationProblems) -> StoreSnapshot {
        try withoutActuallyEscaping(seal) { seal throws(ConfigurationProblems) in try read(text, file: file, seal: seal)
        }
    }

    static func noSealing(_ secret: String, _ owner: SecretOwner) throws(StoreError) -> SealedSecret {
        throw StoreError(code: .key, message: "there is no key", remedy: "leave the password out")
    }

    private static func read(
        _ text: String, file: String, seal: @escaping Sealing
    ) throws(ConfigurationProblems) -> StoreSnapshot {
        var reader = StoreDocumentReader(file: file, seal: seal)
        let snapshot = reader.read(text)
        guard reader.problems.isEmpty else {
            throw ConfigurationProblems(list: reader.problems, subject: file)
        }
        return snapshot
    }
}

private struct StoreDocumentReader {
    let file: String
    let seal: StoreDocument.Sealing
    var problems: [ConfigurationProblem] = []
    /// Where each name was first.
    private var lines: [String: Int] = [:]

    init(file: String, seal: @escaping StoreDocument.Sealing) {
        self.file = file
        self.seal = seal
    }

    mutating func read(_ text: String) -> StoreSnapshot {
        var snapshot = StoreSnapshot()
        do throws(YAMLText.SyntaxError) {
            guard let root = try YAMLText.parse(text)?.mapping else {
                report("", nil, 1, "must hold ibis, peers and numbers, as ibis export writes them")
                return snapshot
            }
            check(root, at: "", known: ["ibis", "peers", "numbers"])
            if root["ibis"]?.int != StoreDocument.version {
                report(
                    "ibis", root["ibis"]?.scalar?.string, line(root["ibis"]),
                    "must be \(StoreDocument.version), the shape of file that this version of Ibis reads")
            }
            for (index, entry) in entries(root, "peers").enumerated() {
                if let record = peer(entry, at: "peers[\(index)]") { snapshot.peers.append(record) }
            }
            let peers = Set(snapshot.peers.map(\.name))
            for (index, entry) in entries(root, "numbers").enumerated() {
                if let record = number(entry, at: "numbers[\(index)]", peers: peers) { snapshot.numbers.append(record) }
            }
        } catch {
            report("", nil, error.line, error.message)
        }
        return snapshot
    }

    private mutating func peer(_ entry: Node.Mapping, at path: String) -> PeerRecord? {
        check(
            entry, at: path,
            known: ["name", "host", "port", "transport", "secureMedia", "ringTimeout", "tlsName", "tlsAuthority"])
        let before = problems.count
        let name = required(entry, "name", at: path)
        let host = required(entry, "host", at: path)
        let transport =
            value(entry, "transport", at: path, "one of: udp, tcp, tls") { PeerRecord.Transport(rawValue: $0) } ?? .udp
        let port = value(entry, "port", at: path, "a port, 1 to 65535") { Int($0) }
        let secure = value(entry, "secureMedia", at: path, "true or false") { Bool($0) } ?? false
        let ring = value(entry, "ringTimeout", at: path, "5s to 300s") { Duration(written: $0) } ?? .seconds(45)
        once(name, entry["name"], "peers")
        guard problems.count == before, let name, let host else { return nil }
        let record = PeerRecord(
            name: name, host: host, port: port, transport: transport, secureMedia: secure, ringTimeout: ring,
            tlsName: entry["tlsName"]?.scalar?.string, tlsAuthority: entry["tlsAuthority"]?.scalar?.string)
        return accepted(record, record.problems(), entry, path)
    }

    private mutating func number(_ entry: Node.Mapping, at path: String, peers: Set<String>) -> NumberRecord? {
        check(
            entry, at: path,
            known: ["number", "peer", "extension", "application", "password", "challenge", "domain"])
        guard let number = required(entry, "number", at: path) else { return nil }
        once(number, entry["number"], "numbers")
        let peer = entry["peer"]?.scalar?.string
        let application = entry["application"]?.scalar?.string
        let dialled = entry["extension"]?.scalar?.string
        switch (peer, application) {
        case (let peer?, nil):
            if !peers.contains(peer) {
                report("\(path).peer", peer, line(entry["peer"]), "must be the name of a peer in this file")
            }
            return trunk(NumberRecord(number: number, destination: .peer(peer, extension: dialled)), entry, path)
        case (nil, let application?):
            if dialled != nil {
                report("\(path).extension", dialled, line(entry["extension"]), "goes with a peer, not an application")
            }
            return trunk(NumberRecord(number: number, destination: .application(application)), entry, path)
        case (.some, .some), (nil, nil):
            report(path, number, line(entry["number"]), "must have either peer or application")
            return nil
        }
    }

    /// What Meta knows of a number.
    private mutating func trunk(_ routed: NumberRecord, _ entry: Node.Mapping, _ path: String) -> NumberRecord? {
        var record = routed
        record.domain = entry["domain"]?.scalar?.string
        record.challenge = value(entry, "challenge", at: path, "true or false") { Bool($0) } ?? false
        if let secret = entry["password"]?.scalar?.string {
            do throws(StoreError) {
                record.password = try seal(secret, .number(record.number))
            } catch {
                report("\(path).password", nil, line(entry["password"]), "\(error.message): \(error.remedy)")
                return nil
            }
        }
        // A password that is not in the file may be in the store, which checks this rule in the end.
        let wrong = record.problems().filter { $0.field != "challenge" }
        return accepted(record, wrong, entry, path)
    }

    private mutating func accepted<Record>(
        _ record: Record, _ wrong: [FieldProblem], _ entry: Node.Mapping, _ path: String
    ) -> Record? {
        for problem in wrong {
            report("\(path).\(problem.field)", problem.value, line(entry[problem.field]), "must be \(problem.expected)")
        }
        return wrong.isEmpty ? record : nil
    }

    // MARK: Nodes

    private mutating func entries(_ root: Node.Mapping, _ key: String) -> [Node.Mapping] {
        guard let node = root[key], node.tag.description != Tag.Name.null.rawValue else { return [] }
        guard let items = node.sequence else {
            report(key, node.scalar?.string, line(node), "must be a list, each entry beginning with -")
            return []
        }
        var entries: [Node.Mapping] = []
        for (index, item) in items.enumerated() {
            if let mapping = item.mapping {
                entries.append(mapping)
            } else {
                report("\(key)[\(index)]", item.scalar?.string, line(item), "must hold keys and values")
            }
        }
        return entries
    }

    private mutating func required(_ entry: Node.Mapping, _ key: String, at path: String) -> String? {
        if let text = entry[key]?.scalar?.string, !text.isEmpty { return text }
        report("\(path).\(key)", nil, entry.mark?.line ?? line(entry.first?.key), "is missing")
        return nil
    }

    private mutating func value<Value>(
        _ entry: Node.Mapping, _ key: String, at path: String, _ expected: String, _ parse: (String) -> Value?
    ) -> Value? {
        guard let node = entry[key] else { return nil }
        if let text = node.scalar?.string, let value = parse(text) { return value }
        report("\(path).\(key)", node.scalar?.string, line(node), "must be \(expected)")
        return nil
    }

    private mutating func check(_ entry: Node.Mapping, at path: String, known: [String]) {
        for (key, _) in entry {
            let name = key.string ?? ""
            guard !known.contains(name) else { continue }
            let near = Suggestion.nearest(to: name, among: known)
            report(
                path.isEmpty ? name : "\(path).\(name)", nil, line(key),
                near.map { "there is no such key; did you mean \($0)?" }
                    ?? "there is no such key; known are \(known.joined(separator: ", "))")
        }
    }

    private mutating func once(_ name: String?, _ node: Node?, _ key: String) {
        guard let name else { return }
        if let first = lines["\(key) \(name)"] {
            report(key, name, line(node), "is there already, in line \(first): keep one of them")
        } else {
            lines["\(key) \(name)"] = line(node)
        }
    }

    private func line(_ node: Node?) -> Int { node?.mark?.line ?? 1 }

    private mutating func report(_ key: String, _ value: String?, _ line: Int, _ remedy: String) {
        problems.append(
            ConfigurationProblem(key: key, value: value, origin: .file(file, line: line), remedy: remedy))
    }
}
