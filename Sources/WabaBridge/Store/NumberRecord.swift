internal import Foundation
internal import GRDB

/// A business number and where its calls go.
public struct NumberRecord: Sendable, Hashable {
    public enum Destination: Sendable, Hashable {
        /// Relayed to one of these peers; `extension` is dialled there instead of the number when given.
        case peers([Member], Spread, extension: String?)
        /// Ended here, by the application of this name.
        case application(String)

        /// To a single peer.
        public static func peer(_ name: String, extension dialled: String?) -> Destination {
            .peers([Member(name)], .order, extension: dialled)
        }
    }

    /// One peer among those of a number.
    public struct Member: Sendable, Hashable {
        public var name: String
        /// Its share of the calls with `weight` and `hash`, 1 to 1000.
        public var weight: Int

        public init(_ name: String, weight: Int = 1) {
            self.name = name
            self.weight = weight
        }

        /// `asterisk` or `asterisk=3`; nil when what follows `=` is no number.
        public init?(written text: String) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first else { return nil }
            guard parts.count == 2 else {
                self.init(String(name))
                return
            }
            guard let weight = Int(parts[1]) else { return nil }
            self.init(String(name), weight: weight)
        }

        /// `asterisk`, or with another weight than 1 `asterisk=3`.
        public var written: String { weight == 1 ? name : "\(name)=\(weight)" }
    }

    /// Which of several peers gets a call first.
    public enum Spread: String, Sendable, Hashable, CaseIterable {
        /// As they are listed.
        case order
        /// By chance, each as often as its weight says.
        case weight
        /// By caller: the same one for the same caller.
        case hash
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
        case .peers(let members, _, let dialled):
            problems += NumberRecord.problems(members)
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

    private static func problems(_ members: [Member]) -> [FieldProblem] {
        var problems: [FieldProblem] = []
        if members.isEmpty || members.count > 16 {
            problems.append(FieldProblem(field: "peers", value: "\(members.count) of them", expected: "1 to 16 peers"))
        }
        for member in members {
            if !PeerRecord.isName(member.name) {
                problems.append(FieldProblem(field: "peer", value: member.name, expected: PeerRecord.nameRule))
            }
            if !(1...1_000).contains(member.weight) {
                problems.append(FieldProblem(field: "weight", value: "\(member.weight)", expected: "1 to 1000"))
            }
        }
        for (name, same) in Dictionary(grouping: members, by: \.name) where same.count > 1 {
            problems.append(
                FieldProblem(field: "peers", value: name, expected: "a list in which each peer stands once"))
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
    /// - Parameter members: of the table "numberPeer", in their order.
    init(row: Row, members: [Member]) throws {
        number = try row.decode(forColumn: "number")
        if let application = try row.decode(String?.self, forColumn: "application") {
            destination = .application(application)
        } else if row.hasColumn("spread") {
            // The column has a CHECK with these very names.
            let spread = try row.decode(String?.self, forColumn: "spread").flatMap(Spread.init(rawValue:))
            destination = .peers(members, spread ?? .order, extension: try row.decode(forColumn: "extension"))
        } else {
            // A store that is only looked at may be of a version before.
            destination = .peer(
                try row.decode(forColumn: "peer"), extension: try row.decode(forColumn: "extension"))
        }
        guard row.hasColumn("password") else {
            challenge = false
            return
        }
        password = try row.decode(Data?.self, forColumn: "password").map { SealedSecret(octets: Array($0)) }
        challenge = try row.decode(forColumn: "challenge")
        domain = try row.decode(forColumn: "domain")
    }

    static func all(_ db: GRDB.Database) throws -> [NumberRecord] {
        let members = try members(db)
        return try Row.fetchAll(db, sql: "SELECT * FROM number ORDER BY number").map { row in
            try NumberRecord(row: row, members: members[try row.decode(forColumn: "number")] ?? [])
        }
    }

    private static func members(_ db: GRDB.Database) throws -> [String: [Member]] {
        guard try db.tableExists("numberPeer") else { return [:] }
        var members: [String: [Member]] = [:]
        let rows = try Row.fetchAll(db, sql: "SELECT number, peer, weight FROM numberPeer ORDER BY number, position")
        for row in rows {
            let member = Member(
                try row.decode(forColumn: "peer"), weight: try row.decode(forColumn: "weight"))
            members[try row.decode(forColumn: "number"), default: []].append(member)
        }
        return members
    }

    static func find(_ db: GRDB.Database, _ number: String) throws -> NumberRecord? {
        try all(db).first { $0.number == number }
    }

    func save(_ db: GRDB.Database) throws {
        var spread: Spread?
        var members: [Member] = []
        var dialled: String?
        var application: String?
        switch destination {
        case .peers(let list, let order, let replacement): (members, spread, dialled) = (list, order, replacement)
        case .application(let name): application = name
        }
        try db.execute(
            sql: """
                INSERT INTO number (number, spread, extension, application, password, challenge, domain)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (number) DO UPDATE SET
                    spread = excluded.spread, extension = excluded.extension, application = excluded.application,
                    password = excluded.password, challenge = excluded.challenge, domain = excluded.domain
                """,
            arguments: [
                number, spread?.rawValue, dialled, application, password.map { Data($0.octets) }, challenge, domain,
            ])
        try db.execute(sql: "DELETE FROM numberPeer WHERE number = ?", arguments: [number])
        for (position, member) in members.enumerated() {
            try db.execute(
                sql: "INSERT INTO numberPeer (number, position, peer, weight) VALUES (?, ?, ?, ?)",
                arguments: [number, position, member.name, member.weight])
        }
    }

    static func delete(_ db: GRDB.Database, _ number: String) throws -> Bool {
        try db.execute(sql: "DELETE FROM number WHERE number = ?", arguments: [number])
        return db.changesCount > 0
    }

    /// Names of the peers that its calls may go to.
    public var peers: [String] {
        if case .peers(let members, _, _) = destination { members.map(\.name) } else { [] }
    }
}
