import Foundation
import Logging
import Testing

@testable import WabaBridge

struct StoreWatcherTests {
    @Test func seesWhatAnotherConnectionCommits() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("ibis.sqlite")
        let own = try await Store.open(at: path)
        try await own.seed()
        let watcher = try StoreWatcher(
            path: path, after: try await own.snapshot(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in }
        #expect(try await watcher.poll() == nil)
        #expect(try await watcher.poll() == nil)

        let other = try await Store.open(at: path)
        let peer = PeerRecord(name: "asterisk", host: "192.0.2.10")
        try await other.put(peer)
        #expect(try await watcher.poll() == StoreSnapshot(numbers: [NumberRecord.first], peers: [peer]))
        #expect(try await watcher.poll() == nil)

        try await own.removeNumber(NumberRecord.first.number)
        #expect(try await watcher.poll() == StoreSnapshot(peers: [peer]))
    }

    @Test func commitsWithoutADifferenceAreNoChange() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("ibis.sqlite")
        let store = try await Store.open(at: path)
        try await store.seed()
        let watcher = try StoreWatcher(
            path: path, after: try await store.snapshot(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in }
        _ = try await watcher.poll()
        try await store.put(NumberRecord.first, replacing: true)
        #expect(try await watcher.poll() == nil)
    }
}
