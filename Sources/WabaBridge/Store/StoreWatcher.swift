internal import GRDB
public import Logging
public import ServiceLifecycle

/// Notices commits of other processes (`ibis number add …`, another console) and hands out the new snapshot.
///
/// SQLite has no notification across processes. `PRAGMA data_version` changes on a connection when any other connection
/// has committed, and costs a few microseconds, so it is asked every second on a connection of its own.
public actor StoreWatcher: Service {
    private let queue: DatabaseQueue
    private let interval: Duration
    private let logger: Logger
    private let changed: @Sendable (StoreSnapshot) async -> Void
    private var version: Int?
    private var last: StoreSnapshot

    /// - Parameters:
    ///   - path: a file that ``Store/open(at:)`` has opened.
    ///   - snapshot: what is in force already; ``changed`` is called for what differs from it.
    public init(
        path: String, after snapshot: StoreSnapshot, interval: Duration = .seconds(1), logger: Logger,
        changed: @escaping @Sendable (StoreSnapshot) async -> Void
    ) throws(StoreError) {
        do {
            queue = try DatabaseQueue(path: path, configuration: Store.settings(readOnly: true))
        } catch {
            throw StoreError.wrapping(error)
        }
        last = snapshot
        self.interval = interval
        self.logger = logger
        self.changed = changed
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var failing = false
            while !Task.isCancelled {
                do {
                    if let snapshot = try await self.poll() { await self.changed(snapshot) }
                    failing = false
                } catch {
                    if !failing { self.logger.warning("The store cannot be read", metadata: ["error": "\(error)"]) }
                    failing = true
                }
                try? await Task.sleep(for: self.interval)
            }
        }
    }

    /// The snapshot when it differs from the last one seen.
    func poll() async throws(StoreError) -> StoreSnapshot? {
        do {
            let known = version
            let (now, snapshot) = try await queue.read { db -> (Int, StoreSnapshot?) in
                let now = try Int.fetchOne(db, sql: "PRAGMA data_version") ?? 0
                return (now, now == known ? nil : try Store.snapshot(db))
            }
            version = now
            guard let snapshot, snapshot != last else { return nil }
            last = snapshot
            return snapshot
        } catch {
            throw StoreError.wrapping(error)
        }
    }
}
