internal import GRDB
internal import Glibc

/// The business's data in one SQLite file (design decision 10). All SQL is behind this type and the records.
///
/// Several processes may have the file open: the running server and `ibis` commands. Each method is one transaction.
/// Named Store, as the library's own type is called Database.
public final class Store: Sendable {
    public let path: String
    /// True when opening made the tables: nothing was in the file.
    public let isNew: Bool
    private let database: any DatabaseWriter

    /// Opens the file, makes it (readable by its owner alone) when absent, and brings its tables up to date.
    public static func open(at path: String) async throws(StoreError) -> Store {
        makePrivateFile(path)
        do {
            return try await Store(path: path, database: DatabasePool(path: path, configuration: settings()))
        } catch {
            throw opening(path, error)
        }
    }

    /// A store that ends with its last reference, for tests.
    public static func inMemory() async throws(StoreError) -> Store {
        do {
            return try await Store(path: ":memory:", database: DatabaseQueue(configuration: settings()))
        } catch {
            throw StoreError.wrapping(error)
        }
    }

    /// What is in the file, without changing it: no tables are made or brought up to date.
    public static func read(at path: String) async throws(StoreError) -> StoreSnapshot {
        do {
            let queue = try DatabaseQueue(path: path, configuration: settings(readOnly: true))
            return try await queue.read { db in
                guard try !Migrations.migrator.hasBeenSuperseded(db) else { throw newerSchema(path) }
                guard try db.tableExists("number") else { return StoreSnapshot() }
                return try snapshot(db)
            }
        } catch {
            throw opening(path, error)
        }
    }

    public static func exists(at path: String) -> Bool { access(path, F_OK) == 0 }

    private init(path: String, database: any DatabaseWriter) async throws {
        self.path = path
        self.database = database
        isNew = try await database.write { db in
            guard try !Migrations.migrator.hasBeenSuperseded(db) else { throw Store.newerSchema(path) }
            return try Migrations.migrator.appliedIdentifiers(db).isEmpty
        }
        try Migrations.migrator.migrate(database)
    }

    // MARK: Reading

    public func snapshot() async throws(StoreError) -> StoreSnapshot {
        do {
            return try await database.read(Store.snapshot)
        } catch {
            throw StoreError.wrapping(error)
        }
    }

    @Sendable static func snapshot(_ db: GRDB.Database) throws -> StoreSnapshot {
        StoreSnapshot(numbers: try NumberRecord.all(db), peers: try PeerRecord.all(db))
    }

    // MARK: Changing

    /// Adds a number, or with `replacing` changes it. The number of a new store gives way freely: nobody chose it.
    /// - Throws: `.invalid`, `.exists`, or `.notFound` when its peer is not in the store.
    public func put(_ record: NumberRecord, replacing: Bool = false) async throws(StoreError) {
        try await write { db in
            let problems = record.problems()
            guard problems.isEmpty else { throw StoreError.invalid(problems) }
            let old = try NumberRecord.find(db, record.number)
            if !replacing, let old, old != record, old != NumberRecord.first {
                throw StoreError(
                    code: .exists, message: "the number \(record.number) is there already",
                    remedy: "add --replace to change where it goes")
            }
            for name in record.peers where try PeerRecord.find(db, name) == nil {
                let known = try PeerRecord.all(db).map(\.name)
                throw StoreError(
                    code: .notFound, message: "there is no peer called \(name)",
                    remedy: known.isEmpty
                        ? "add it first: ibis peer add \(name) --host 192.0.2.10"
                        : "known peers are \(known.joined(separator: ", ")); ibis peer add makes another")
            }
            try record.save(db)
        }
    }

    public func removeNumber(_ number: String) async throws(StoreError) {
        try await write { db in
            guard try NumberRecord.delete(db, number) else {
                throw StoreError(
                    code: .notFound, message: "there is no number \(number)", remedy: "ibis number list shows them")
            }
        }
    }

    /// Adds a peer, or with `replacing` changes it.
    public func put(_ record: PeerRecord, replacing: Bool = false) async throws(StoreError) {
        try await write { db in
            let problems = record.problems()
            guard problems.isEmpty else { throw StoreError.invalid(problems) }
            if !replacing, let old = try PeerRecord.find(db, record.name), old != record {
                throw StoreError(
                    code: .exists, message: "the peer \(record.name) is there already",
                    remedy: "add --replace to change it")
            }
            try record.save(db)
        }
    }

    /// - Throws: `.inUse` while numbers go to it.
    public func removePeer(_ name: String) async throws(StoreError) {
        try await write { db in
            let users = try NumberRecord.all(db).filter { $0.peers.contains(name) }
            guard users.isEmpty else {
                throw StoreError(
                    code: .inUse,
                    message: "the peer \(name) still has \(users.map(\.number).joined(separator: ", "))",
                    remedy: "remove these numbers or send them elsewhere first: ibis number add … --replace")
            }
            guard try PeerRecord.delete(db, name) else {
                throw StoreError(
                    code: .notFound, message: "there is no peer called \(name)", remedy: "ibis peer list shows them")
            }
        }
    }

    /// Puts the first number of a new store, which makes a first call work.
    public func seed() async throws(StoreError) {
        try await write { db in
            guard try NumberRecord.find(db, NumberRecord.first.number) == nil else { return }
            try NumberRecord.first.save(db)
        }
    }

    public struct ImportSummary: Sendable, Hashable {
        public var added = 0
        public var changed = 0
        public var removed = 0
    }

    /// Puts everything of the snapshot in one transaction: all of it or nothing.
    /// - Parameter removingOthers: true makes the store exactly the snapshot.
    public func importing(
        _ snapshot: StoreSnapshot, removingOthers: Bool
    ) async throws(StoreError) -> ImportSummary {
        try await write { db in
            let problems = snapshot.peers.flatMap { $0.problems() } + snapshot.numbers.flatMap { $0.problems() }
            guard problems.isEmpty else { throw StoreError.invalid(problems) }
            var summary = ImportSummary()
            for peer in snapshot.peers {
                let old = try PeerRecord.find(db, peer.name)
                summary.count(old, peer)
                if old != peer { try peer.save(db) }
            }
            for number in snapshot.numbers {
                for name in number.peers where try PeerRecord.find(db, name) == nil {
                    throw StoreError(
                        code: .notFound, message: "\(number.number) goes to \(name), and there is no such peer",
                        remedy: "add the peer to the file")
                }
                let old = try NumberRecord.find(db, number.number)
                summary.count(old, number)
                if old != number { try number.save(db) }
            }
            if removingOthers {
                let numbers = Set(snapshot.numbers.map(\.number))
                let peers = Set(snapshot.peers.map(\.name))
                for other in try NumberRecord.all(db) where !numbers.contains(other.number) {
                    if try NumberRecord.delete(db, other.number) { summary.removed += 1 }
                }
                for other in try PeerRecord.all(db) where !peers.contains(other.name) {
                    if try PeerRecord.delete(db, other.name) { summary.removed += 1 }
                }
            }
            return summary
        }
    }

    private func write<T: Sendable>(
        _ body: @escaping @Sendable (GRDB.Database) throws -> T
    ) async throws(StoreError) -> T {
        do {
            return try await database.write(body)
        } catch {
            throw StoreError.wrapping(error)
        }
    }

    // MARK: Opening

    static func settings(readOnly: Bool = false) -> GRDB.Configuration {
        var settings = GRDB.Configuration()
        settings.busyMode = .timeout(5)
        settings.readonly = readOnly
        settings.label = "store"
        return settings
    }

    /// SQLite gives its -wal and -shm files the mode of the main file.
    private static func makePrivateFile(_ path: String) {
        let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
    }

    private static func newerSchema(_ path: String) -> StoreError {
        StoreError(
            code: .newerSchema, message: "the store \(path) was changed by a later version of Ibis",
            remedy: "run that version, or point store.file at another file")
    }

    private static func opening(_ path: String, _ error: any Error) -> StoreError {
        let wrapped = StoreError.wrapping(error)
        guard wrapped.code != .newerSchema else { return wrapped }
        let remedy =
            wrapped.code == .cannotOpen
            ? wrapped.remedy
            : "see that its directory exists and that this user may write there, or change store.file"
        return StoreError(
            code: .cannotOpen, message: "cannot open the store \(path): \(wrapped.message)", remedy: remedy)
    }
}

extension Store.ImportSummary {
    fileprivate mutating func count<Record: Equatable>(_ old: Record?, _ new: Record) {
        if old == nil {
            added += 1
        } else if old != new {
            changed += 1
        }
    }
}
