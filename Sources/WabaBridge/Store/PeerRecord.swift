internal import GRDB

/// A PBX (Asterisk, FreePBX) that calls are relayed to.
public struct PeerRecord: Sendable, Hashable {
    public enum Transport: String, Sendable, Hashable, CaseIterable {
        case udp, tcp, tls
    }

    /// What numbers refer to it by.
    public var name: String
    /// IPv4 or IPv6 literal, or a host name.
    public var host: String
    public var port: Int
    public var transport: Transport
    /// SDES-SRTP instead of plain RTP.
    public var secureMedia: Bool
    /// How long it may ring, whole seconds.
    public var ringTimeout: Duration
    /// Over TLS: the name that its certificate must have; nil: ``host``.
    public var tlsName: String?
    /// Over TLS: absolute path of a PEM file with the authority of its certificate; nil: the system's authorities.
    public var tlsAuthority: String?

    public init(
        name: String, host: String, port: Int? = nil, transport: Transport = .udp, secureMedia: Bool = false,
        ringTimeout: Duration = .seconds(45), tlsName: String? = nil, tlsAuthority: String? = nil
    ) {
        self.name = name
        self.host = host
        self.port = port ?? PeerRecord.usualPort(transport)
        self.transport = transport
        self.secureMedia = secureMedia
        self.ringTimeout = ringTimeout
        self.tlsName = tlsName
        self.tlsAuthority = tlsAuthority
    }

    /// RFC 3261 §19.1.2: 5060, over TLS 5061.
    public static func usualPort(_ transport: Transport) -> Int { transport == .tls ? 5061 : 5060 }

    static let nameRule = "1 to 64 letters, digits or any of . _ -, beginning with a letter or digit"
    static let ringTimeouts = 5...300

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
        return (HostSyntax.isDigit(first) || HostSyntax.isLetter(first))
            && text.utf8.allSatisfy { HostSyntax.isDigit($0) || HostSyntax.isLetter($0) || "._-".utf8.contains($0) }
    }

    /// Every rule that the record breaks.
    public func problems() -> [FieldProblem] {
        var problems: [FieldProblem] = []
        if !PeerRecord.isName(name) {
            problems.append(FieldProblem(field: "name", value: name, expected: PeerRecord.nameRule))
        }
        if !HostSyntax.isAddress(host), !HostSyntax.isName(host) {
            problems.append(
                FieldProblem(
                    field: "host", value: host,
                    expected: "an IPv4 or IPv6 address without brackets, or a host name, such as 192.0.2.10"))
        }
        if !(1...65_535).contains(port) {
            problems.append(FieldProblem(field: "port", value: "\(port)", expected: "a port, 1 to 65535"))
        }
        let seconds = ringTimeout.components.seconds
        if !PeerRecord.ringTimeouts.contains(Int(clamping: seconds)) || ringTimeout != .seconds(seconds) {
            problems.append(
                FieldProblem(field: "ringTimeout", value: "\(ringTimeout)", expected: "5 to 300 whole seconds"))
        }
        return problems + tlsProblems()
    }

    private func tlsProblems() -> [FieldProblem] {
        var problems: [FieldProblem] = []
        if let tlsName, transport != .tls || !(HostSyntax.isName(tlsName) || HostSyntax.isAddress(tlsName)) {
            problems.append(
                FieldProblem(field: "tlsName", value: tlsName, expected: "a host name, and the transport must be tls"))
        }
        if let tlsAuthority, transport != .tls || !tlsAuthority.hasPrefix("/") {
            problems.append(
                FieldProblem(
                    field: "tlsAuthority", value: tlsAuthority,
                    expected: "the absolute path of a PEM file, and the transport must be tls"))
        }
        return problems
    }
}

// MARK: - Table "peer"

extension PeerRecord {
    init(row: Row) throws {
        name = try row.decode(forColumn: "name")
        host = try row.decode(forColumn: "host")
        port = try row.decode(forColumn: "port")
        // The column has a CHECK with these very names.
        transport = Transport(rawValue: try row.decode(forColumn: "transport")) ?? .udp
        secureMedia = try row.decode(forColumn: "secureMedia")
        ringTimeout = .seconds(try row.decode(Int.self, forColumn: "ringSeconds"))
        tlsName = try row.decode(forColumn: "tlsName")
        tlsAuthority = try row.decode(forColumn: "tlsAuthority")
    }

    static func all(_ db: GRDB.Database) throws -> [PeerRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM peer ORDER BY name").map(PeerRecord.init(row:))
    }

    static func find(_ db: GRDB.Database, _ name: String) throws -> PeerRecord? {
        try Row.fetchOne(db, sql: "SELECT * FROM peer WHERE name = ?", arguments: [name]).map(PeerRecord.init(row:))
    }

    func save(_ db: GRDB.Database) throws {
        try db.execute(
            sql: """
                INSERT INTO peer (name, host, port, transport, secureMedia, ringSeconds, tlsName, tlsAuthority)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET
                    host = excluded.host, port = excluded.port, transport = excluded.transport,
                    secureMedia = excluded.secureMedia, ringSeconds = excluded.ringSeconds,
                    tlsName = excluded.tlsName, tlsAuthority = excluded.tlsAuthority
                """,
            arguments: [
                name, host, port, transport.rawValue, secureMedia, Int(clamping: ringTimeout.components.seconds),
                tlsName, tlsAuthority,
            ])
    }

    static func delete(_ db: GRDB.Database, _ name: String) throws -> Bool {
        try db.execute(sql: "DELETE FROM peer WHERE name = ?", arguments: [name])
        return db.changesCount > 0
    }
}
