import Media
import SIPCore

/// A call that ends here: answered at once, and served by an application on the caller's leg.
final class ApplicationCallee: CalleeSide {
    private let application: Route.Application
    private let media: MediaSession
    private let greeting: Prompt
    var onEvent: (B2BUA.Event) -> Void = { _ in }

    init(_ application: Route.Application, context: CallContext) {
        self.application = application
        media = context.media
        greeting = context.services.greeting
    }

    func start() {
        onEvent(.calleeProgress(status: 180))
        onEvent(.calleeAnswered)
    }

    func end(_ cause: Q850Cause) {}

    var isRelayed: Bool { false }

    func callerIsListening() {
        switch application {
        case .echo: media.play(.a, greeting, loops: 1, then: .echo)
        }
    }
}
