internal import Foundation
internal import GRDB

/// A business number and where its calls go.
public struct NumberRecord: Sendable, Hashable {
    public enum Destination: Sendable, Hashable {
        /// Relayed to the peer of this name; `extension` is dialled there instead of the number when given.
        case peer(String, extension: String?)
        /// Ended here, by the application of this name.
        case application(String)
    }

    /// E.164 with `+`.
    public var number: String
    public var destination: Destination
    /// `sip_user_password` of the number at Meta: answers Meta's challenges, and the answers to ours are checked with it.
    public var password: SealedSecret?
    /// Calls from Meta to this number must answer a digest challenge; needs the password.
    public var challenge: Bool
    /// The host name that is entered at Meta for this number when it is another than `sip.hostname`.
    public var domain: String?

    public init(
        number: String, destination: Destination, password: SealedSecret? = nil, challenge: Bool = false,
        domain: String? = nil
    ) {
        self.number = number
        self.destination = destination
        self.password = password
        self.challenge = challenge
        self.domain = domain
    }

    /// Applications that this version can run.
    public static let applications = ["echo"]
    /// What a new store starts with, so that the first call works.
    public static let first = NumberRecord(number: "+15550100001", destination: .application("echo"))

    /// The number without the spaces, hyphens, dots and brackets that people write; nil when it is not E.164.
    public static func normalised(_ text: String) -> String? {
        let number = text.filter { !" -.()\u{A0}".contains($0) }
        guard number.first == "+", (8...16).contains(number.utf8.count) else { return nil }
        let digits = number.utf8.dropFirst()
        return digits.allSatisfy(HostSyntax.isDigit) && digits.first != UInt8(ascii: "0") ? number : nil
    }

    /// Every rule that the record breaks on its own; whether its peer exists is checked by ``Store``.
    public func problems() -> [FieldProblem] {
        var problems: [FieldProblem] = []
        if NumberRecord.normalised(number) != number {
            problems.append(
                FieldProblem(
                    field: "number", value: number,
                    expected: "an international number, + and 7 to 15 digits, such as +15550100001"))
        }
        switch destination {
        case .peer(let name, let dialled):
            if !PeerRecord.isName(name) {
                problems.append(FieldProblem(field: "peer", value: name, expected: PeerRecord.nameRule))
            }
            if let dialled, !NumberRecord.isExtension(dialled) {
                problems.append(
                    FieldProblem(
                        field: "extension", value: dialled,
                        expected: "1 to 64 letters, digits or any of + * # . _ -"))
            }
        case .application(let name):
            if !NumberRecord.applications.contains(name) {
                problems.append(
                    FieldProblem(
                        field: "application", value: name,
                        expected: "one of: \(NumberRecord.applications.joined(separator: ", "))"))
            }
        }
        if challenge, password == nil {
            problems.append(
                FieldProblem(field: "challenge", value: "true", expected: "false while the number has no password"))
        }
        if let domain, !HostSyntax.isName(domain) {
            problems.append(
                FieldProblem(field: "domain", value: domain, expected: "a host name, such as sip.example.com"))
        }
        return problems
    }

    /// What can stand as a dialled extension without escaping in a SIP URI or a dialplan.
    private static func isExtension(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                HostSyntax.isDigit($0) || HostSyntax.isLetter($0) || "+*#._-".utf8.contains($0)
            }
    }
}

// MARK: - Table "number"

extension NumberRecord {
    init(row: Row) throws {
        number = try row.decode(forColumn: "number")
        if let peer = try row.decode(String?.self, forColumn: "peer") {
            destination = .peer(peer, extension: try row.decode(forColumn: "extension"))
        } else {
            destination = .application(try row.decode(forColumn: "application"))
        }
        // A store that is only looked at may be of the version before.
        guard row.hasColumn("password") else {
            challenge = false
            return
        }
        password = try row.decode(Data?.self, forColumn: "password").map { SealedSecret(octets: Array($0)) }
        challenge = try row.decode(forColumn: "challenge")
        domain = try row.decode(forColumn: "domain")
    }

    static func all(_ db: GRDB.Database) throws -> [NumberRecord] {
        try Row.fetchAll(db, sql: "SELECT * FROM number ORDER BY number").map(NumberRecord.init(row:))
    }

    static func find(_ db: GRDB.Database, _ number: String) throws -> NumberRecord? {
        try Row.fetchOne(db, sql: "SELECT * FROM number WHERE number = ?", arguments: [number])
            .map(NumberRecord.init(row:))
    }

    func save(_ db: GRDB.Database) throws {
        var peer: String?
        var dialled: String?
        var application: String?
        switch destination {
        case .peer(let name, let replacement): (peer, dialled) = (name, replacement)
        case .application(let name): application = name
        }
        try db.execute(
            sql: """
                INSERT INTO number (number, peer, extension, application, password, challenge, domain)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (number) DO UPDATE SET
                    peer = excluded.peer, extension = excluded.extension, application = excluded.application,
                    password = excluded.password, challenge = excluded.challenge, domain = excluded.domain
                """,
            arguments: [number, peer, dialled, application, password.map { Data($0.octets) }, challenge, domain])
    }

    static func delete(_ db: GRDB.Database, _ number: String) throws -> Bool {
        try db.execute(sql: "DELETE FROM number WHERE number = ?", arguments: [number])
        return db.changesCount > 0
    }
}
