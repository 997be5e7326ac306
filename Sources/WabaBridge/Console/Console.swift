internal import Foundation
internal import HTTPTypes
internal import Hummingbird
public import Logging
internal import NIOCore
public import ServiceLifecycle

/// The console's port. Now it answers `/health` and `/status`; the console itself comes later, on the same port.
///
/// It has no login yet, so it belongs on a loopback address.
public struct Console: Service {
    public struct Configuration: Sendable, Hashable {
        public var address: String
        /// 0 takes any free port.
        public var port: Int

        public init(address: String = "127.0.0.1", port: Int = 8080) {
            self.address = address
            self.port = port
        }
    }

    private let configuration: Configuration
    private let status: @Sendable () async -> ConsoleStatus
    private let calls: ConsoleCalls
    private let onListening: @Sendable (Int) async -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - calls: asked for each request, as `status` is.
    ///   - onListening: called once with the port when connections are accepted.
    public init(
        configuration: Configuration, logger: Logger, onListening: @escaping @Sendable (Int) async -> Void = { _ in },
        calls: ConsoleCalls = .none, status: @escaping @Sendable () async -> ConsoleStatus
    ) {
        self.calls = calls
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
        self.status = status
    }

    public func run() async throws {
        // Hummingbird says "Server started" at info; the banner says it already.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let (configuration, onListening) = (configuration, onListening)
        let application = Application(
            router: Console.router(status: status, calls: calls),
            server: .http1(configuration: .init(idleTimeout: .seconds(30))),
            configuration: .init(
                address: .hostname(configuration.address, port: configuration.port), serverName: "ibis"),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? configuration.port) },
            logger: quiet)
        try await application.run()
    }

    static func router(
        status: @escaping @Sendable () async -> ConsoleStatus, calls: ConsoleCalls = .none
    ) -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: PlainNotFound())
        router.get("health") { _, _ -> Response in
            let now = await status()
            guard now.isHealthy else {
                return text(.serviceUnavailable, now.problems.joined(separator: "\n") + "\n")
            }
            return text(.ok, "ok\n")
        }
        router.get("status") { _, _ -> Response in
            try json(await status())
        }
        router.get("calls") { _, _ -> Response in
            try json(await calls.list())
        }
        router.get("calls/:id") { _, context -> Response in
            guard let trace = await calls.trace(try context.parameters.require("id")) else { return noSuchCall() }
            return try json(trace)
        }
        router.get("calls/:id/ladder") { _, context -> Response in
            guard let trace = await calls.trace(try context.parameters.require("id")) else { return noSuchCall() }
            return text(.ok, trace.ladder)
        }
        return router
    }

    private static func noSuchCall() -> Response {
        text(.notFound, "No such call, or no longer kept: /calls lists those that are; log.calls says how many.\n")
    }

    private static func json(_ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Response(
            status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(bytes: try encoder.encode(value))))
    }

    fileprivate static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}

/// Says in a sentence what is (not) here, instead of an empty 404.
private struct PlainNotFound: RouterMiddleware {
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: @concurrent (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            return Console.text(
                .notFound,
                "Nothing here. The console comes in a later version; now there are /health, /status and /calls.\n")
        }
    }
}
