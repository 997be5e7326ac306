import Media
import NIOCore
import NIOPosix
package import SIPCore
import SIPEdge
import Synchronization

/// Meta's side of the trunk, as strict as meta-calling says it is: takes calls of businesses to WhatsApp users over TLS as
/// `wa.meta.vc`, places calls of WhatsApp users, and notes each rule that the business's edge breaks.
///
/// One loop carries everything, media included. Calls of businesses are judged and answered as ``behave(_:)`` says; what
/// became of each is told by ``nextTakenCall()``.
package final class MetaSimulator: Sendable {
    package let settings: MetaSettings
    package let port: UInt16
    /// PEM file that the edge must trust for connections to Meta; nil when the listener's certificate was given, or
    /// nothing is listened on.
    package let authorityFile: String?
    let loop: any EventLoop
    let core: NIOLoopBound<MetaCore>
    private let authority: ThrowAwayAuthority?
    private let taken: Waiting<BusinessCallReport>
    private let ringing: Waiting<Request>

    /// Listens, unless the settings have no port. Throws where that cannot be had.
    package init(_ settings: MetaSettings, behaviour: UserBehaviour = UserBehaviour()) async throws {
        var certificate = settings.certificate
        var authority: ThrowAwayAuthority?
        if certificate == nil, settings.port != nil {
            let made = try ThrowAwayAuthority(name: "Stand-in of Meta's authority")
            certificate = try made.issue([settings.domain])
            authority = made
        }
        // libsrtp tests itself when it is first used, which no call shall wait for.
        let nobody = [UInt8](repeating: 0, count: Media.SRTPSuite.keyLength)
        _ = try SRTPSession(keys: SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: nobody, send: nobody))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let taken = Waiting<BusinessCallReport>()
        let ringing = Waiting<Request>()
        let core = await loop.run {
            let core = MetaCore(settings: settings, loop: loop)
            core.behaviour = { _ in behaviour }
            core.onTaken = { taken.push($0) }
            core.onRinging = { ringing.push($0) }
            return NIOLoopBound(core, eventLoop: loop)
        }
        if let port = settings.port, let certificate {
            try await loop.flatSubmit {
                do {
                    return try core.value.transport.listen(port: port, certificate: certificate)
                } catch {
                    return loop.makeFailedFuture(error)
                }
            }.get()
        }
        self.port = await loop.run { core.value.transport.port }
        self.settings = settings
        self.loop = loop
        self.core = core
        self.authority = authority
        self.taken = taken
        self.ringing = ringing
        authorityFile = authority?.certificateFile
    }

    /// What called users do from now on.
    package func behave(_ behaviour: UserBehaviour) async { await behave { _ in behaviour } }

    /// What a called user does, by the INVITE.
    package func behave(_ behaviour: @escaping @Sendable (Request) -> UserBehaviour) async {
        await loop.run { self.core.value.behaviour = behaviour }
    }

    /// The next INVITE of a business that has passed Meta's rules, when it comes. Nil after ``shutdown()``.
    package func nextRinging() async -> Request? { await ringing.next() }

    /// What became of the next call of a business, refused ones included, when it is over. Nil after ``shutdown()``.
    package func nextTakenCall() async -> BusinessCallReport? { await taken.next() }

    /// Rules broken so far, over all calls and connections.
    package var violations: [Violation] {
        get async { await loop.run { self.core.value.violations } }
    }

    /// RTP packets of businesses so far, over all calls.
    package var packetsReceived: UInt64 {
        get async { await loop.run { self.core.value.meter.packetsReceived } }
    }

    /// Closes the connections that businesses have opened, as Meta does with idle ones (meta-calling §5.3).
    package func closeConnections() async { await loop.run { self.core.value.transport.closeAccepted() } }

    package func shutdown() async {
        await loop.run { self.core.value.shutdown() }
        taken.finish()
        ringing.finish()
        authority?.remove()
    }
}

/// Values that come and are waited for, in order.
final class Waiting<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var waiters: [Int: CheckedContinuation<Element?, Never>] = [:]
        var order: [Int] = []
        var lastWaiter = 0
        var isFinished = false
    }
    private let state = Mutex(State())
    /// Values that nobody takes are kept up to this many.
    private static var limit: Int { 10_000 }

    func push(_ element: Element) {
        let waiter = state.withLock { state -> CheckedContinuation<Element?, Never>? in
            while !state.order.isEmpty {
                if let waiter = state.waiters.removeValue(forKey: state.order.removeFirst()) { return waiter }
            }
            if state.elements.count < Self.limit { state.elements.append(element) }
            return nil
        }
        waiter?.resume(returning: element)
    }

    /// Nil when it is finished and nothing is left, or the waiting task was cancelled.
    func next() async -> Element? {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state -> Element?? in
                    if !state.elements.isEmpty { return .some(state.elements.removeFirst()) }
                    if state.isFinished || Task.isCancelled { return .some(nil) }
                    state.waiters[number] = continuation
                    state.order.append(number)
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: nil)
        }
    }

    func finish() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isFinished = true
            return state.waiters.values.map { $0 }
        }
        for waiter in waiters { waiter.resume(returning: nil) }
    }
}
