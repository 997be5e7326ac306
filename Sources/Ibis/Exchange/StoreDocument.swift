import WabaBridge

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
/// What is usual (port, transport, plain RTP, 45 s of ringing, OPTIONS every 30 s) may be left out. A number with several
/// peers has `peers: [a=3, b]`, each with its weight, and `spread`. Passwords are in it only when that was
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
            ]
            if let port = peer.port { lines.append("    port: \(port)") }
            lines += [
                "    transport: \(peer.transport.rawValue)",
                "    secureMedia: \(peer.secureMedia)",
                "    ringTimeout: \(peer.ringTimeout.components.seconds)s",
            ]
            if let name = peer.tlsName { lines.append("    tlsName: \(quoted(name))") }
            if let file = peer.tlsAuthority { lines.append("    tlsAuthority: \(quoted(file))") }
            lines.append("    qualify: \(peer.qualifyInterval.map { "\($0.components.seconds)s" } ?? "never")")
            if let limit = peer.maxCalls { lines.append("    maxCalls: \(limit)") }
            if let limit = peer.maxCallsPerSecond { lines.append("    maxCallsPerSecond: \(limit)") }
            if !peer.sources.isEmpty { lines.append("    from: \(list(peer.sources))") }
            if let user = peer.user {
                lines.append("    user: \(quoted(user))")
                if let secrets, let sealed = peer.password {
                    lines.append("    password: \(quoted(try secrets.open(sealed, for: .peer(peer.name))))")
                }
                lines.append("    realm: \(quoted(peer.realm))")
                lines.append("    identify: \(peer.identifyBy.rawValue)")
            }
        }
        lines.append(snapshot.numbers.isEmpty ? "numbers: []" : "numbers:")
        for number in snapshot.numbers {
            lines.append("  - number: \(quoted(number.number))")
            switch number.destination {
            case .peers(let members, let spread, let dialled):
                if let only = members.first, members == [.init(only.name)] {
                    lines.append("    peer: \(quoted(only.name))")
                } else {
                    lines.append("    peers: \(list(members.map(\.written)))")
                    lines.append("    spread: \(spread.rawValue)")
                }
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

    private static func list(_ texts: [String]) -> String { "[\(texts.map(quoted).joined(separator: ", "))]" }

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
