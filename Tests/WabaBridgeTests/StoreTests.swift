import Foundation
import GRDB
import Testing

@testable import WabaBridge

struct StoreTests {
    private let asterisk = PeerRecord(name: "asterisk", host: "192.0.2.10")
    private let first = NumberRecord(number: "+15550100001", destination: .application("echo"))
    private let second = NumberRecord(number: "+15550100002", destination: .peer("asterisk", extension: "100"))

    /// The code that the body fails with.
    private func code(_ body: () async throws -> Void) async -> StoreError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? StoreError)?.code
        }
    }

    @Test func newStoreIsSeededOnce() async throws {
        let directory = try TemporaryDirectory()
        let store = try await Store.open(at: directory.file("ibis.sqlite"))
        #expect(store.isNew)
        try await store.seed()
        try await store.seed()
        #expect(try await store.snapshot() == StoreSnapshot(numbers: [NumberRecord.first]))

        let again = try await Store.open(at: directory.file("ibis.sqlite"))
        #expect(!again.isNew)
        #expect(try await again.snapshot().numbers == [NumberRecord.first])
    }

    @Test func onlyTheOwnerReadsTheFiles() async throws {
        let directory = try TemporaryDirectory()
        let store = try await Store.open(at: directory.file("ibis.sqlite"))
        try await store.seed()
        #expect(try directory.mode(of: "ibis.sqlite") == 0o600)
        #expect(try directory.mode(of: "ibis.sqlite-wal") == 0o600)
    }

    @Test func recordsComeBackAsTheyWere() async throws {
        let store = try await Store.inMemory()
        let tls = PeerRecord(
            name: "secure", host: "2001:db8::1", port: 5071, transport: .tls, secureMedia: true,
            ringTimeout: .seconds(20), tlsName: "pbx.example.com", tlsAuthority: "/etc/ibis/ca.pem")
        try await store.put(asterisk)
        try await store.put(tls)
        try await store.put(first)
        try await store.put(second)
        #expect(try await store.snapshot() == StoreSnapshot(numbers: [first, second], peers: [asterisk, tls]))
    }

    @Test func changesNeedReplacing() async throws {
        let store = try await Store.inMemory()
        try await store.put(asterisk)
        try await store.put(second)
        let moved = NumberRecord(number: second.number, destination: .application("echo"))
        #expect(await code { try await store.put(moved) } == .exists)
        #expect(await code { try await store.put(PeerRecord(name: "asterisk", host: "192.0.2.11")) } == .exists)
        try await store.put(moved, replacing: true)
        #expect(try await store.snapshot().numbers == [moved])
        try await store.put(second, replacing: true)
        #expect(try await store.snapshot().numbers == [second])
    }

    @Test func sayingItTwiceIsNoChange() async throws {
        let store = try await Store.inMemory()
        try await store.put(asterisk)
        try await store.put(asterisk)
        try await store.put(second)
        try await store.put(second)
        #expect(try await store.snapshot() == StoreSnapshot(numbers: [second], peers: [asterisk]))
    }

    @Test func theFirstNumberGivesWay() async throws {
        let store = try await Store.inMemory()
        try await store.seed()
        try await store.put(asterisk)
        let moved = NumberRecord(number: first.number, destination: .peer("asterisk", extension: nil))
        try await store.put(moved)
        #expect(try await store.snapshot().numbers == [moved])
        #expect(await code { try await store.put(self.first) } == .exists)
    }

    @Test func referencesAreKept() async throws {
        let store = try await Store.inMemory()
        #expect(await code { try await store.put(self.second) } == .notFound)
        try await store.put(asterisk)
        try await store.put(second)
        #expect(await code { try await store.removePeer("asterisk") } == .inUse)
        try await store.removeNumber(second.number)
        try await store.removePeer("asterisk")
        #expect(await code { try await store.removePeer("asterisk") } == .notFound)
        #expect(await code { try await store.removeNumber(self.second.number) } == .notFound)
        #expect(try await store.snapshot() == StoreSnapshot())
    }

    @Test func wrongRecordsAreRefused() async throws {
        let store = try await Store.inMemory()
        #expect(await code { try await store.put(PeerRecord(name: "a b", host: "h")) } == .invalid)
        let number = NumberRecord(number: "123", destination: .application("dance"))
        do {
            try await store.put(number)
            Issue.record("was taken")
        } catch {
            #expect(error.problems.map(\.field) == ["number", "application"])
        }
    }

    @Test func importMergesOrReplaces() async throws {
        let store = try await Store.inMemory()
        try await store.put(asterisk)
        try await store.put(first)
        var changed = asterisk
        changed.port = 5070
        let merged = try await store.importing(
            StoreSnapshot(numbers: [second], peers: [changed]), removingOthers: false)
        #expect(merged == Store.ImportSummary(added: 1, changed: 1, removed: 0))
        #expect(try await store.snapshot() == StoreSnapshot(numbers: [first, second], peers: [changed]))

        let exact = try await store.importing(StoreSnapshot(numbers: [first]), removingOthers: true)
        #expect(exact == Store.ImportSummary(added: 0, changed: 0, removed: 2))
        #expect(try await store.snapshot() == StoreSnapshot(numbers: [first]))
    }

    @Test func importIsAllOrNothing() async throws {
        let store = try await Store.inMemory()
        let lost = NumberRecord(number: "+15550100003", destination: .peer("nobody", extension: nil))
        let snapshot = StoreSnapshot(numbers: [second, lost], peers: [asterisk])
        #expect(await code { _ = try await store.importing(snapshot, removingOthers: false) } == .notFound)
        #expect(try await store.snapshot() == StoreSnapshot())
    }

    @Test func readingChangesNothing() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("ibis.sqlite")
        #expect(!Store.exists(at: path))
        #expect(await code { _ = try await Store.read(at: path) } == .cannotOpen)
        #expect(!Store.exists(at: path))
        let store = try await Store.open(at: path)
        try await store.put(first)
        #expect(try await Store.read(at: path) == StoreSnapshot(numbers: [first]))
    }

    @Test func passwordsLieSealed() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("ibis.sqlite")
        let store = try await Store.open(at: path)
        let box = try SecretBox.open(keyFile: directory.file("key"), text: nil, making: true)
        var number = first
        #expect(try await !store.snapshot().hasSecrets)
        number.password = try box.seal("EXAMPLE-sip-password", for: .number(number.number))
        number.challenge = true
        number.domain = "sip.example.com"
        try await store.put(number)
        let read = try await Store.read(at: path)
        #expect(read == StoreSnapshot(numbers: [number]))
        #expect(read.hasSecrets)
        let sealed = try #require(read.numbers.first?.password)
        #expect(try box.open(sealed, for: .number(number.number)) == "EXAMPLE-sip-password")
        for file in ["ibis.sqlite", "ibis.sqlite-wal"] {
            let octets = try Data(contentsOf: URL(fileURLWithPath: directory.file(file)))
            #expect(octets.range(of: Data("EXAMPLE-sip-password".utf8)) == nil)
        }
        number.password = nil
        let withoutPassword = number
        #expect(await code { try await store.put(withoutPassword, replacing: true) } == .invalid)
    }

    /// `ibis number list` beside a server that has not been started with this version yet.
    @Test func theTablesOfTheVersionBeforeCanBeRead() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("ibis.sqlite")
        try Migrations.migrator.migrate(DatabaseQueue(path: path), upTo: "1 numbers and peers")
        try await DatabaseQueue(path: path).write { db in
            try db.execute(sql: "INSERT INTO number (number, application) VALUES ('+15550100001', 'echo')")
        }
        #expect(try await Store.read(at: path) == StoreSnapshot(numbers: [first]))
        #expect(try await Store.open(at: path).snapshot() == StoreSnapshot(numbers: [first]))
    }

    @Test func aNumberWithOnePeerIsTakenOver() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("ibis.sqlite")
        try Migrations.migrator.migrate(DatabaseQueue(path: path), upTo: "2 digest and host name of numbers")
        try await DatabaseQueue(path: path).write { db in
            try db.execute(
                sql: """
                    INSERT INTO peer (name, host, port, transport, ringSeconds)
                        VALUES ('asterisk', 'pbx.example.com', 5060, 'tcp', 30);
                    INSERT INTO number (number, peer, extension, domain)
                        VALUES ('+15550100001', 'asterisk', '100', 'sip.example.com');
                    INSERT INTO number (number, application) VALUES ('+15550100002', 'echo');
                    """)
        }
        let expected = StoreSnapshot(
            numbers: [
                NumberRecord(
                    number: "+15550100001", destination: .peer("asterisk", extension: "100"), domain: "sip.example.com"),
                NumberRecord(number: "+15550100002", destination: .application("echo")),
            ],
            peers: [
                PeerRecord(
                    name: "asterisk", host: "pbx.example.com", port: 5060, transport: .tcp, ringTimeout: .seconds(30))
            ])
        #expect(try await Store.read(at: path) == expected)
        let store = try await Store.open(at: path)
        #expect(try await store.snapshot() == expected)
        #expect(await code { try await store.removePeer("asterisk") } == .inUse)
    }

    @Test func severalPeersOfANumber() async throws {
        let store = try await Store.inMemory()
        let box = SecretBox(key: [UInt8](repeating: 7, count: 32), origin: "test")
        let sealed = try box.seal("EXAMPLE-peer-password", for: .peer("b"))
        let peers = [
            asterisk,
            PeerRecord(
                name: "b", host: "b.example.com", qualifyInterval: .seconds(10), maxCalls: 30, maxCallsPerSecond: 5,
                sources: ["10.0.0.0/8", "192.0.2.7"], identifyBy: .digest, user: "ibis", password: sealed,
                realm: "pbx.example.com"),
            PeerRecord(name: "c", host: "192.0.2.12", qualifyInterval: nil),
        ]
        for peer in peers { try await store.put(peer) }
        var number = NumberRecord(
            number: "+15550100001",
            destination: .peers([.init("c"), .init("asterisk", weight: 3), .init("b")], .weight, extension: "7"))
        try await store.put(number)
        #expect(try await store.snapshot() == StoreSnapshot(numbers: [number], peers: peers))
        #expect(await code { try await store.removePeer("b") } == .inUse)
        number.destination = .peers([.init("b"), .init("c")], .hash, extension: nil)
        let changed = number
        try await store.put(changed, replacing: true)
        #expect(try await store.snapshot().numbers == [changed])
        try await store.removePeer("asterisk")
        number.destination = .peers([.init("b"), .init("lost")], .hash, extension: nil)
        let lost = number
        #expect(await code { try await store.put(lost, replacing: true) } == .notFound)
        try await store.removeNumber(number.number)
        try await store.removePeer("b")
        #expect(try await store.snapshot().numbers.isEmpty)
    }

    @Test func laterSchemaIsRefused() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("ibis.sqlite")
        _ = try await Store.open(at: path)
        try await DatabaseQueue(path: path).write { db in
            try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('999 from the future')")
        }
        #expect(await code { _ = try await Store.open(at: path) } == .newerSchema)
        #expect(await code { _ = try await Store.read(at: path) } == .newerSchema)
    }

    @Test func otherFilesAreRefused() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(String(repeating: "no database. ", count: 500), to: "ibis.sqlite")
        #expect(await code { _ = try await Store.open(at: path) } == .cannotOpen)
        #expect(await code { _ = try await Store.open(at: directory.file("no/such/ibis.sqlite")) } == .cannotOpen)
    }

    /// The tables themselves refuse what a later programming mistake might put.
    @Test func tablesHaveConstraints() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("ibis.sqlite")
        _ = try await Store.open(at: path)
        let queue = try DatabaseQueue(path: path)
        for statement in [
            "INSERT INTO number (number) VALUES ('+15550100001')",
            "INSERT INTO number (number, spread) VALUES ('+15550100001', 'dice')",
            "INSERT INTO numberPeer (number, position, peer) VALUES ('+15550100001', 0, 'nobody')",
            "INSERT INTO number (number, application, extension) VALUES ('+15550100001', 'echo', '1')",
            "INSERT INTO peer (name, host, port, transport) VALUES ('a', 'h', 70000, 'udp')",
            "INSERT INTO peer (name, host, port, transport) VALUES ('a', 'h', 5060, 'sctp')",
        ] {
            await #expect(throws: DatabaseError.self) {
                try await queue.write { db in try db.execute(sql: statement) }
            }
        }
    }
}
