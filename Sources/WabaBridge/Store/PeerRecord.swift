internal import Foundation
internal import GRDB

/// A PBX (Asterisk, FreePBX) that calls are relayed to.
public struct PeerRecord: Sendable, Hashable {
    public enum Transport: String, Sendable, Hashable, CaseIterable {
        case udp, tcp, tls
    }

    /// How a call is known to be from this peer.
    public enum Identification: String, Sendable, Hashable, CaseIterable {
        /// By the address that it comes from.
        case address
        /// By user and password besides.
        case digest
    }

    /// What numbers refer to it by.
    public var name: String
    /// IPv4 or IPv6 literal, or a host name.
    public var host: String
    /// Nil: of a host name what its SRV records say, and without them the transport's usual port.
    public var port: Int?
    public var transport: Transport
    /// SDES-SRTP instead of plain RTP.
    public var secureMedia: Bool
    /// How long it may ring, whole seconds.
    public var ringTimeout: Duration
    /// Over TLS: the name that its certificate must have; nil: ``host``.
    public var tlsName: String?
    /// Over TLS: absolute path of a PEM file with the authority of its certificate; nil: the system's authorities.
    public var tlsAuthority: String?
    /// Between two OPTIONS that see whether it is there, whole seconds; nil: none are sent.
    public var qualifyInterval: Duration?
    /// Calls at once, both ways; nil: as many as Ibis takes.
    public var maxCalls: Int?
    /// New calls to it in a second; nil: no limit of its own.
    public var maxCallsPerSecond: Int?
    /// Addresses and ranges that its calls may come from, besides its own addresses.
    public var sources: [String]
    public var identifyBy: Identification
    /// Answers the challenges of this PBX, and what its own calls must prove when identified by digest.
    public var user: String?
    public var password: SealedSecret?
    /// The realm that the PBX challenges with; no other gets an answer.
    public var realm: String

    public init(
        name: String, host: String, port: Int? = nil, transport: Transport = .udp, secureMedia: Bool = false,
        ringTimeout: Duration = .seconds(45), tlsName: String? = nil, tlsAuthority: String? = nil,
        qualifyInterval: Duration? = .seconds(30), maxCalls: Int? = nil, maxCallsPerSecond: Int? = nil,
        sources: [String] = [], identifyBy: Identification = .address, user: String? = nil,
        password: SealedSecret? = nil, realm: String = "asterisk"
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.transport = transport
        self.secureMedia = secureMedia
        self.ringTimeout = ringTimeout
        self.tlsName = tlsName
        self.tlsAuthority = tlsAuthority
        self.qualifyInterval = qualifyInterval
        self.maxCalls = maxCalls
        self.maxCallsPerSecond = maxCallsPerSecond
        self.sources = sources
        self.identifyBy = identifyBy
        self.user = user
        self.password = password
        self.realm = realm
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
        if let port, !(1...65_535).contains(port) {
            problems.append(FieldProblem(field: "port", value: "\(port)", expected: "a port, 1 to 65535"))
        }
        let seconds = ringTimeout.components.seconds
        if !PeerRecord.ringTimeouts.contains(Int(clamping: seconds)) || ringTimeout != .seconds(seconds) {
            problems.append(
                FieldProblem(field: "ringTimeout", value: "\(ringTimeout)", expected: "5 to 300 whole seconds"))
        }
        return problems + tlsProblems() + limitProblems() + identificationProblems()
    }

    private func limitProblems() -> [FieldProblem] {
        var problems: [FieldProblem] = []
        if let interval = qualifyInterval {
            let seconds = interval.components.seconds
            if !(5...3_600).contains(seconds) || interval != .seconds(seconds) {
                problems.append(
                    FieldProblem(field: "qualify", value: "\(interval)", expected: "5 to 3600 whole seconds, or never"))
            }
        }
        if let maxCalls, !(1...100_000).contains(maxCalls) {
            problems.append(FieldProblem(field: "maxCalls", value: "\(maxCalls)", expected: "1 to 100000"))
        }
        if let maxCallsPerSecond, !(1...10_000).contains(maxCallsPerSecond) {
            problems.append(
                FieldProblem(field: "maxCallsPerSecond", value: "\(maxCallsPerSecond)", expected: "1 to 10000"))
        }
        return problems
    }

    private func identificationProblems() -> [FieldProblem] {
        var problems: [FieldProblem] = []
        for source in sources {
            guard let (length, bits) = HostSyntax.range(source) else {
                problems.append(
                    FieldProblem(field: "from", value: source, expected: "an address or a range, such as 10.0.0.0/24"))
                continue
            }
            // So much of the world by its address alone is a typing error, or worse.
            if length < (bits == 32 ? 8 : 16), identifyBy == .address {
                problems.append(
                    FieldProblem(
                        field: "from", value: source,
                        expected: "narrower, unless the peer is identified by user and password"))
            }
        }
        if sources.count > 64 {
            problems.append(FieldProblem(field: "from", value: "\(sources.count) of them", expected: "64 at most"))
        }
        if let user, !PeerRecord.isQuotable(user, most: 64) {
            problems.append(
                FieldProblem(field: "user", value: user, expected: "1 to 64 characters without quotes or backslashes"))
        }
        if !PeerRecord.isQuotable(realm, most: 128) {
            problems.append(
                FieldProblem(
                    field: "realm", value: realm, expected: "1 to 128 characters without quotes or backslashes"))
        }
        if (user == nil) != (password == nil) {
            problems.append(
                FieldProblem(
                    field: "password", value: password == nil ? "none" : "set",
                    expected: "given together with the user"))
        }
        if identifyBy == .digest, user == nil {
            problems.append(
                FieldProblem(
                    field: "identify", value: "digest", expected: "address while there is no user and password"))
        }
        return problems
    }

    /// What can stand in a quoted string of a digest header field as it is.
    private static func isQuotable(_ text: String, most: Int) -> Bool {
        (1...most).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 && $0 != "\"" && $0 != "\\" }
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
        // A store that is only looked at may be of a version before.
        guard row.hasColumn("identifyBy") else {
            (qualifyInterval, sources, identifyBy, realm) = (.seconds(30), [], .address, "asterisk")
            return
        }
        qualifyInterval = try row.decode(Int?.self, forColumn: "qualifySeconds").map { .seconds($0) }
        maxCalls = try row.decode(forColumn: "maxCalls")
        maxCallsPerSecond = try row.decode(forColumn: "maxCallsPerSecond")
        sources = try row.decode(String.self, forColumn: "sources").split(separator: " ").map(String.init)
        identifyBy = Identification(rawValue: try row.decode(forColumn: "identifyBy")) ?? .digest
        user = try row.decode(forColumn: "user")
        password = try row.decode(Data?.self, forColumn: "password").map { SealedSecret(octets: Array($0)) }
        realm = try row.decode(forColumn: "realm")
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
                INSERT INTO peer (
                    name, host, port, transport, secureMedia, ringSeconds, tlsName, tlsAuthority, qualifySeconds,
                    maxCalls, maxCallsPerSecond, sources, identifyBy, user, password, realm)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (name) DO UPDATE SET
                    host = excluded.host, port = excluded.port, transport = excluded.transport,
                    secureMedia = excluded.secureMedia, ringSeconds = excluded.ringSeconds,
                    tlsName = excluded.tlsName, tlsAuthority = excluded.tlsAuthority,
                    qualifySeconds = excluded.qualifySeconds, maxCalls = excluded.maxCalls,
                    maxCallsPerSecond = excluded.maxCallsPerSecond, sources = excluded.sources,
                    identifyBy = excluded.identifyBy, user = excluded.user, password = excluded.password,
                    realm = excluded.realm
                """,
            arguments: [
                name, host, port, transport.rawValue, secureMedia, Int(clamping: ringTimeout.components.seconds),
                tlsName, tlsAuthority, qualifyInterval.map { Int(clamping: $0.components.seconds) }, maxCalls,
                maxCallsPerSecond, sources.joined(separator: " "), identifyBy.rawValue, user,
                password.map { Data($0.octets) }, realm,
            ])
    }

    static func delete(_ db: GRDB.Database, _ name: String) throws -> Bool {
        try db.execute(sql: "DELETE FROM peer WHERE name = ?", arguments: [name])
        return db.changesCount > 0
    }
}
