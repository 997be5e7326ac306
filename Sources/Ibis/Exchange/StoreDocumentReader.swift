import WabaBridge
import Yams

/// Reads what ``StoreDocument`` writes, and collects everything that is wrong with it.
struct StoreDocumentReader {
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
            known: [
                "name", "host", "port", "transport", "secureMedia", "ringTimeout", "tlsName", "tlsAuthority", "qualify",
                "maxCalls", "maxCallsPerSecond", "from", "user", "password", "realm", "identify",
            ])
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
        var record = PeerRecord(
            name: name, host: host, port: port, transport: transport, secureMedia: secure, ringTimeout: ring,
            tlsName: entry["tlsName"]?.scalar?.string, tlsAuthority: entry["tlsAuthority"]?.scalar?.string)
        limits(&record, entry, path)
        identification(&record, entry, path)
        guard problems.count == before else { return nil }
        // A password that is not in the file may be in the store, which checks these rules in the end.
        let wrong = record.problems().filter { $0.field != "password" }
        return accepted(record, wrong, entry, path)
    }

    private mutating func limits(_ record: inout PeerRecord, _ entry: Node.Mapping, _ path: String) {
        if entry["qualify"]?.scalar?.string == "never" {
            record.qualifyInterval = nil
        } else if let interval = value(entry, "qualify", at: path, "5s to 3600s, or never", { Duration(written: $0) }) {
            record.qualifyInterval = interval
        }
        record.maxCalls = value(entry, "maxCalls", at: path, "1 to 100000") { Int($0) }
        record.maxCallsPerSecond = value(entry, "maxCallsPerSecond", at: path, "1 to 10000") { Int($0) }
    }

    private mutating func identification(_ record: inout PeerRecord, _ entry: Node.Mapping, _ path: String) {
        record.sources = texts(entry, "from", at: path)
        record.user = entry["user"]?.scalar?.string
        record.realm = entry["realm"]?.scalar?.string ?? record.realm
        record.identifyBy =
            value(entry, "identify", at: path, "one of: address, digest") { PeerRecord.Identification(rawValue: $0) }
            ?? (record.user == nil ? .address : .digest)
        record.password = password(of: .peer(record.name), entry, path)
    }

    /// Nil without one, or when it cannot be sealed, which is reported.
    private mutating func password(of owner: SecretOwner, _ entry: Node.Mapping, _ path: String) -> SealedSecret? {
        guard let secret = entry["password"]?.scalar?.string else { return nil }
        do throws(StoreError) {
            return try seal(secret, owner)
        } catch {
            report("\(path).password", nil, line(entry["password"]), "\(error.message): \(error.remedy)")
            return nil
        }
    }

    /// A list of texts, or one.
    private mutating func texts(_ entry: Node.Mapping, _ key: String, at path: String) -> [String] {
        guard let node = entry[key] else { return [] }
        if let text = node.scalar?.string { return [text] }
        let texts = node.sequence.map { $0.compactMap(\.scalar?.string) } ?? []
        if texts.isEmpty || texts.count != node.sequence?.count {
            report("\(path).\(key)", nil, line(node), "must be a list of texts")
        }
        return texts
    }

    private mutating func number(_ entry: Node.Mapping, at path: String, peers: Set<String>) -> NumberRecord? {
        check(
            entry, at: path,
            known: [
                "number", "peer", "peers", "spread", "extension", "application", "password", "challenge", "domain",
            ])
        guard let number = required(entry, "number", at: path) else { return nil }
        once(number, entry["number"], "numbers")
        let application = entry["application"]?.scalar?.string
        let dialled = entry["extension"]?.scalar?.string
        let ways = ["peer", "peers", "application"].filter { entry[$0] != nil }
        guard ways.count == 1 else {
            report(path, number, line(entry["number"]), "must have one of peer, peers and application")
            return nil
        }
        if let application {
            for key in ["extension", "spread"] where entry[key] != nil {
                report(
                    "\(path).\(key)", entry[key]?.scalar?.string, line(entry[key]),
                    "goes with a peer, not an application")
            }
            return trunk(NumberRecord(number: number, destination: .application(application)), entry, path)
        }
        let before = problems.count
        let members = members(entry, path, peers: peers)
        let spread =
            value(entry, "spread", at: path, "one of: order, weight, hash") { NumberRecord.Spread(rawValue: $0) }
            ?? .order
        guard problems.count == before else { return nil }
        let destination = NumberRecord.Destination.peers(members, spread, extension: dialled)
        return trunk(NumberRecord(number: number, destination: destination), entry, path)
    }

    private mutating func members(
        _ entry: Node.Mapping, _ path: String, peers: Set<String>
    ) -> [NumberRecord.Member] {
        let key = entry["peer"] == nil ? "peers" : "peer"
        return texts(entry, key, at: path).compactMap { text in
            guard let member = NumberRecord.Member(written: text), peers.contains(member.name) else {
                report(
                    "\(path).\(key)", text, line(entry[key]),
                    "must be the name of a peer in this file\(key == "peers" ? ", with =weight behind it or not" : "")")
                return nil
            }
            return member
        }
    }

    /// What Meta knows of a number.
    private mutating func trunk(_ routed: NumberRecord, _ entry: Node.Mapping, _ path: String) -> NumberRecord? {
        var record = routed
        record.domain = entry["domain"]?.scalar?.string
        record.challenge = value(entry, "challenge", at: path, "true or false") { Bool($0) } ?? false
        record.password = password(of: .number(record.number), entry, path)
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
