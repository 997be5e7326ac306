import CMalloc
import Logging
import Media
import SIPEdge
import ServiceLifecycle
import WabaBridge

/// The composition root of `ibis serve`: builds everything bottom-up, runs it as one service group.
struct Server {
    private let loaded: ConfigurationLoader.Loaded
    private let start: ContinuousClock.Instant
    private var configuration: Configuration { loaded.configuration }

    /// - Parameter start: when the process began, for "ready in".
    init(_ loaded: ConfigurationLoader.Loaded, start: ContinuousClock.Instant) {
        self.loaded = loaded
        self.start = start
    }

    /// Until SIGTERM or SIGINT, and until calls in progress have ended or were hung up.
    func run() async throws {
        cmalloc_settle()
        bootstrapLogging()
        let logger = Logger(label: "ibis")
        let keys = loaded.origins.keys.sorted()
        logger.notice(
            "Starting",
            metadata: [
                "ibis.version": "\(IbisVersion.number)", "config.file": "\(loaded.file ?? "none")",
                "config.set": "\(keys.isEmpty ? "nothing" : keys.joined(separator: ","))",
            ])
        var warnings = configuration.advice() + descriptorAdvice()

        let store = try await Store.open(at: configuration.storeFile)
        if store.isNew { try await store.seed() }
        let snapshot = try await store.snapshot()
        var routingProblems: [String] = []
        // A store whose passwords cannot be opened stops the start, while somebody is looking.
        let secrets = snapshot.hasSecrets ? try SecretBox.open(configuration, making: false) : nil
        let routing = RoutingTable(snapshot, secrets: secrets, problems: &routingProblems)
        warnings += routingProblems

        let (certificate, greeting) = try preflight()
        warnings += certificate.warnings
        let announced = AnnouncedAddress(configuration.media)
        if !certificate.isSelfMade, announced.isPrivate {
            warnings.append(
                "Meta is told to send media to \(announced.address), which is private: set media.publicAddress.")
        }

        let media = try MediaEngine(configuration.mediaEngine)
        defer { media.shutdown() }
        if case .libsrtp(let reason) = media.cryptoKernel {
            logger.warning("SRTP runs on libsrtp's own ciphers", metadata: ["reason": "\(reason)"])
        }
        let edge = await SIPEdge(
            configuration: configuration.edge(certificate, announced: announced), routing: routing, media: media,
            greeting: greeting, logger: Logger(label: "edge"), drainTime: configuration.drainTime)
        try await edge.bind()

        let state = ServerState()
        state.set(snapshot)
        for warning in warnings { logger.warning("\(warning)") }
        let banner = Banner(
            configuration: configuration, configurationFile: loaded.file, certificate: certificate,
            announced: announced, snapshot: snapshot, isStoreNew: store.isNew, warnings: warnings)
        let inUse = CertificateState(expires: certificate.expires)
        try await serve(
            [
                ("store", try watcher(store, snapshot, edge, state, logger)),
                ("console", console(edge, media, state, inUse, banner)), ("memory", MemoryTrimmer()),
                ("certificate", reloader(certificate, inUse, edge)),
                ("edge", EdgeService(edge: edge, state: state)),
            ], logger)
        logger.notice("Stopped")
    }

    /// Everything that can be wrong with files and ports, at once.
    private func preflight() throws(ConfigurationProblems) -> (ServerCertificate, Prompt) {
        var problems = FileCheck.problems(loaded)
        problems += PortProbe.problems(PortProbe.wants(configuration), origins: loaded.origins)
        var certificate: ServerCertificate?
        var greeting: Prompt?
        do throws(ConfigurationProblems) {
            certificate = try ServerCertificate.obtain(loaded)
        } catch {
            problems += error.list
        }
        do throws(ConfigurationProblem) {
            greeting = try FileCheck.greeting(loaded)
        } catch {
            problems.append(error)
        }
        guard problems.isEmpty, let certificate, let greeting else {
            throw ConfigurationProblems(list: problems, subject: "the configuration or on this machine")
        }
        return (certificate, greeting)
    }

    /// Stops in reverse order: listeners first, the store last.
    private func serve(_ services: [(name: String, service: any Service)], _ logger: Logger) async throws {
        var group = ServiceGroupConfiguration(
            services: services.map { .init(service: $0.service, serviceName: $0.name) }, logger: logger)
        // The edge hangs up by itself; this is for what we did not think of.
        group.maximumGracefulShutdownDuration = configuration.drainTime + .seconds(10)
        let running = ServiceGroup(configuration: group)
        let signals = await StopSignals.trap()
        let watching = Task { await StopSignals.watch(signals, for: running) }
        defer { watching.cancel() }
        try await running.run()
    }

    private func reloader(
        _ certificate: ServerCertificate, _ inUse: CertificateState, _ edge: SIPEdge
    ) -> CertificateReloader {
        CertificateReloader(
            hostname: configuration.sip.hostname,
            files: certificate.isSelfMade ? nil : (certificate.certificateFile, certificate.keyFile), state: inUse,
            logger: Logger(label: "certificate")
        ) { try await edge.use(certificate: $0, privateKey: $1) }
    }

    private func watcher(
        _ store: Store, _ snapshot: StoreSnapshot, _ edge: SIPEdge, _ state: ServerState, _ logger: Logger
    ) throws(StoreError) -> StoreWatcher {
        let configuration = self.configuration
        return try StoreWatcher(path: store.path, after: snapshot, logger: Logger(label: "store")) { snapshot in
            var problems: [String] = []
            var secrets: SecretBox?
            do throws(StoreError) {
                // The first password makes the key, so it may be newer than we are.
                if snapshot.hasSecrets { secrets = try SecretBox.open(configuration, making: false) }
            } catch {
                problems.append("\(error.message): \(error.remedy).")
            }
            edge.update(routing: RoutingTable(snapshot, secrets: secrets, problems: &problems))
            state.set(snapshot)
            logger.notice(
                "Numbers or peers have changed",
                metadata: ["numbers": "\(snapshot.numbers.count)", "peers": "\(snapshot.peers.count)"])
            for problem in problems { logger.warning("\(problem)") }
        }
    }

    private func console(
        _ edge: SIPEdge, _ media: MediaEngine, _ state: ServerState, _ certificate: CertificateState,
        _ banner: Banner
    ) -> WabaBridge.Console {
        let source = StatusSource(
            edge: edge, media: media, state: state, certificate: certificate, configuration: configuration, start: start
        )
        let start = start
        return WabaBridge.Console(
            configuration: configuration.consolePort, logger: Logger(label: "console"),
            onListening: { _ in
                let milliseconds = start.duration(to: .now) / .milliseconds(1)
                Output.line("\(banner.text)\n\nready in \(Int(milliseconds.rounded(.up))) ms")
            },
            calls: ConsoleCalls(edge), status: { await source.now() })
    }

    private func descriptorAdvice() -> [String] {
        let have = DescriptorLimit.raise()
        let need = DescriptorLimit.needed((configuration.limits.calls, configuration.limits.connections))
        guard have < need else { return [] }
        return [
            "This process may open \(have) files, and limits.calls with limits.connections may need \(need): "
                + "raise LimitNOFILE (systemd) or ulimit -Hn."
        ]
    }

    private func bootstrapLogging() {
        let level = Logger.Level(rawValue: configuration.log.level) ?? .info
        let format = configuration.log.format
        LoggingSystem.bootstrap { label in IbisLogHandler(label: label, level: level, format: format) }
    }
}
