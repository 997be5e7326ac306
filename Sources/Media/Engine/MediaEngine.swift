import Glibc
import Synchronization

/// Owns the worker threads and the ports of all calls' media.
public final class MediaEngine: Sendable {
    public let configuration: MediaConfiguration
    private let pool: PortPool
    private let workers: [MediaWorker]
    private let nextKey = Atomic<UInt64>(1)

    /// Starts the worker threads, and raises the process's soft limit of open files to the hard one. Throws
    /// `badConfiguration` or `addressUnavailable` when the settings cannot serve, `systemCallFailed` when the system is out
    /// of threads or descriptors.
    public init(_ configuration: MediaConfiguration = MediaConfiguration()) throws(MediaError) {
        try Self.check(configuration)
        Self.raiseFileLimit()
        _ = SRTPLibrary.kernel
        let pool = PortPool(configuration)
        var workers: [MediaWorker] = []
        do throws(SystemError) {
            for number in 0..<configuration.workers {
                let worker = try MediaWorker(number: number, configuration: configuration, pool: pool)
                try worker.start()
                workers.append(worker)
            }
        } catch {
            workers.forEach { $0.stop() }
            throw MediaError(
                code: .systemCallFailed, message: "cannot start a media worker: \(error.text)",
                remedy: "lower media.workers (\(configuration.workers)), or raise LimitNOFILE and LimitNPROC")
        }
        self.configuration = configuration
        self.pool = pool
        self.workers = workers
    }

    deinit {
        shutdown()
    }

    private static func check(_ configuration: MediaConfiguration) throws(MediaError) {
        func bad(_ message: String, _ remedy: String) -> MediaError {
            MediaError(code: .badConfiguration, message: message, remedy: remedy)
        }
        guard (1...256).contains(configuration.workers) else {
            throw bad("media.workers is \(configuration.workers)", "choose 1 to 256, best one per processor")
        }
        guard configuration.maxLegs > 0 else {
            throw bad("media.maxLegs is \(configuration.maxLegs)", "choose two per call that should be possible")
        }
        let range = "\(configuration.ports.lowerBound)–\(configuration.ports.upperBound)"
        guard configuration.ports.lowerBound >= 1_024 else {
            throw bad("media.ports \(range) begins in the ports of the system", "begin at 1024 or above")
        }
        guard PortAllocator(ports: configuration.ports, rest: .zero).capacity > 0 else {
            throw bad("media.ports \(range) holds no even port with the odd one above it", "widen media.ports")
        }
        guard configuration.portRest >= .zero, configuration.noMediaAfter > .zero else {
            throw bad("a duration of the media settings is negative or zero", "see media.portRest, media.noMediaAfter")
        }
        let address = try literal(configuration.bindAddress)
        do throws(SystemError) {
            UDPSocket.close(try UDPSocket.open(address))
        } catch {
            throw PortPool.describe(error, address)
        }
    }

    static func literal(_ host: String) throws(MediaError) -> MediaAddress {
        guard let address = MediaAddress(host, port: 0) else {
            throw MediaError(
                code: .addressUnavailable, message: "\"\(host)\" is no IPv4 or IPv6 address",
                remedy: "set media.bindAddress to an address of this machine, or to 0.0.0.0 for all of them")
        }
        return address
    }

    /// Best effort: a call takes two to four descriptors, and the usual soft limit is 1,024.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        guard limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// What SRTP runs on: worth a log line at start, a warning when it is not `.openSSL`.
    public var cryptoKernel: CryptoKernel { SRTPLibrary.kernel }

    /// A new call on the least loaded worker. `events` is called on the worker's thread; the session keeps it until it is
    /// closed, so an `events` that holds the session must close it.
    public func makeSession(id: String, events: @escaping @Sendable (MediaEvent) -> Void) -> MediaSession {
        var worker = workers[0]  // `check` made sure of at least one
        for candidate in workers.dropFirst()
        where candidate.load.load(ordering: .relaxed) < worker.load.load(ordering: .relaxed) {
            worker = candidate
        }
        let key = SessionKey(value: nextKey.wrappingAdd(1, ordering: .relaxed).oldValue)
        return MediaSession(
            id: id, key: key, worker: worker, pool: pool, bindAddress: configuration.bindAddress, events: events)
    }

    /// Sessions per worker.
    var loads: [Int] { workers.map { $0.load.load(ordering: .relaxed) } }

    /// The workers' sums as they last published them, up to a quarter of a second ago, and the ports as they are now.
    public var statistics: EngineStatistics {
        var sum = EngineStatistics()
        for worker in workers { sum.merge(worker.published.current) }
        pool.fill(&sum)
        return sum
    }

    /// The sums as they are now: asks each worker.
    public func currentStatistics() async -> EngineStatistics {
        var sum = EngineStatistics()
        for worker in workers {
            let part = await withCheckedContinuation { continuation in
                let posted = worker.mailbox.post(.totals { continuation.resume(returning: $0) })
                if !posted { continuation.resume(returning: worker.published.current) }
            }
            sum.merge(part)
        }
        pool.fill(&sum)
        return sum
    }

    /// Ends all sessions, joins the threads and closes the sockets. Idempotent. Not to be called from `events`.
    public func shutdown() {
        workers.forEach { $0.stop() }
    }
}
