package import Logging
import Media
import NIOCore
package import SIPCore
package import SIPEdge

/// A stand-in for a PBX over UDP, TCP or TLS: answers calls and lets the caller hear himself. Real Asterisks are in the interop
/// tests; this one is for what needs many calls, or a behaviour on command.
package final class PBXStandIn: Sendable {
    package enum Behaviour: Sendable, Hashable {
        /// Rings, answers, echoes.
        case echo
        case reject(Int)
        case ringForever
        /// 407 with an SHA-256 and an MD5 challenge, as Meta sends them (meta-calling §6.2); echo to the right answer,
        /// 403 to a wrong one.
        case challenge(password: String)
        /// Rings, answers, and hangs up by itself.
        case hangUp(after: Duration)
    }

    package let endpoint: StandInEndpoint
    private let state: NIOLoopBound<State>

    private final class State {
        var behaviour: Behaviour
        var invites: [Request] = []
        var byes: [Request] = []
        var options = 0
        var optionsStatus = 200
        var cancelled = 0
        var calls: [String: AnsweredCall] = [:]
        var totals = Totals()

        init(behaviour: Behaviour) { self.behaviour = behaviour }
    }

    /// Listens on `address:port`, with a certificate also for TLS on a port that the kernel chooses, and takes calls from
    /// `edge`.
    package init(
        address: String, port: UInt16, edge: String, certificate: CertificateFiles? = nil,
        behaviour: Behaviour = .echo,
        mediaPorts: ClosedRange<UInt16> = 30_000...39_999, logger: Logger
    ) async throws {
        let endpoint = try await StandInEndpoint(
            address: address, sipPort: port, certificate: certificate, mediaPorts: mediaPorts, logger: logger)
        self.endpoint = endpoint
        state = await endpoint.loop.run { NIOLoopBound(State(behaviour: behaviour), eventLoop: endpoint.loop) }
        try await endpoint.loop.flatSubmit {
            let transport = endpoint.parts.value.driver.transport
            transport.setPeerSources([edge].compactMap(CIDR.init))
            endpoint.parts.value.driver.onRequest = { self.handle($0) }
            do {
                return certificate == nil ? transport.bindPeers() : try transport.bind()
            } catch {
                return endpoint.loop.makeFailedFuture(error)
            }
        }.get()
    }

    /// Where it listens for this transport.
    package func port(_ transport: Flow.Transport) async -> UInt16 {
        await endpoint.loop.run {
            let layer = self.endpoint.parts.value.driver.transport
            return transport == .tls ? layer.tlsPort : layer.peerPort
        }
    }

    /// Hangs up all calls.
    package func hangUpAll() async {
        await endpoint.loop.run { for call in self.state.value.calls.values { call.hangUp() } }
    }

    /// BYEs seen so far.
    package var byes: [Request] {
        get async { await endpoint.loop.run { self.state.value.byes } }
    }

    /// Calls that were cancelled so far.
    package var cancelled: Int {
        get async { await endpoint.loop.run { self.state.value.cancelled } }
    }

    package func behave(_ behaviour: Behaviour) async {
        await endpoint.loop.run { self.state.value.behaviour = behaviour }
    }

    /// Answers OPTIONS with this status from now on; 200 at first.
    package func answerOptions(_ status: Int) async {
        await endpoint.loop.run { self.state.value.optionsStatus = status }
    }

    /// OPTIONS seen so far.
    package var options: Int {
        get async { await endpoint.loop.run { self.state.value.options } }
    }

    /// INVITEs seen so far.
    package var invites: [Request] {
        get async { await endpoint.loop.run { self.state.value.invites } }
    }

    /// Sums over the calls that have ended.
    package struct Totals: Sendable, Hashable {
        package var calls = 0
        package var packetsReceived: UInt64 = 0
        package var lost: Int64 = 0
    }

    package var totals: Totals {
        get async { await endpoint.loop.run { self.state.value.totals } }
    }

    package var activeCalls: Int {
        get async { await endpoint.loop.run { self.state.value.calls.count } }
    }

    package func shutdown() async { await endpoint.shutdown() }

    private func handle(_ incoming: TransactionDriver.Incoming) {
        let request = incoming.request
        if request.method == .bye { state.value.byes.append(request) }
        if request.headers.to?.tag != nil {
            if endpoint.parts.value.dialogs.route(incoming) { return }
            return incoming.transaction.respond(request.response(481))
        }
        guard request.method == .invite else {
            guard request.method == .options else { return incoming.transaction.respond(request.response(405)) }
            state.value.options += 1
            return incoming.transaction.respond(request.response(state.value.optionsStatus))
        }
        state.value.invites.append(request)
        if case .challenge(let password) = state.value.behaviour {
            guard let answer = request.headers[first: .proxyAuthorization].flatMap({ try? DigestAnswer(parsing: $0) })
            else { return challenge(incoming) }
            guard Self.nonces[answer.algorithm ?? .md5] == answer.nonce,
                answer.isCorrect(password: password, method: .invite)
            else {
                return incoming.transaction.respond(
                    request.response(403, reason: "Invalid digest auth response", toTag: IDSource.random.next()))
            }
        }
        do {
            let id = IDSource.random.next()
            let call = try AnsweredCall(incoming, endpoint: endpoint, behaviour: state.value.behaviour)
            call.onCancelled = { [weak self] in self?.state.value.cancelled += 1 }
            state.value.calls[id] = call
            call.onFinished = { [weak self] statistics in
                guard let state = self?.state.value else { return }
                state.calls[id] = nil
                state.totals.calls += 1
                state.totals.packetsReceived &+= statistics.packetsReceived
                state.totals.lost &+= statistics.lost
            }
            call.start()
        } catch {
            incoming.transaction.respond(request.response(488))
        }
    }
}

extension PBXStandIn {
    private static let nonces: [DigestAlgorithm: String] = [.sha256: "aaaabbbbccccdddd", .md5: "1111222233334444"]

    private func challenge(_ incoming: TransactionDriver.Incoming) {
        let headers = [DigestAlgorithm.sha256, .md5].map { algorithm in
            HeaderField(
                name: .proxyAuthenticate,
                value: DigestChallenge(
                    realm: "pbx.example.com", nonce: Self.nonces[algorithm] ?? "", opaque: "0123456789abcdef",
                    algorithm: algorithm, qopAuth: true
                ).description)
        }
        incoming.transaction.respond(
            incoming.request.response(407, toTag: IDSource.random.next(), headers: headers))
    }
}

/// One call that the PBX stand-in took.
private final class AnsweredCall {
    private let leg: IncomingLeg
    private let media: MediaSession
    private let behaviour: PBXStandIn.Behaviour
    private let loop: any EventLoop
    private let answer: [UInt8]
    private var timer: Scheduled<Void>?
    /// Called on the loop with what the call's media received.
    var onFinished: (LegStatistics) -> Void = { _ in }
    var onCancelled: () -> Void = {}

    init(_ incoming: TransactionDriver.Incoming, endpoint: StandInEndpoint, behaviour: PBXStandIn.Behaviour) throws {
        self.behaviour = behaviour
        loop = endpoint.loop
        let ids = IDSource.random
        let parts = endpoint.parts.value
        media = endpoint.engine.makeSession(id: ids.next()) { _ in }
        let address = try media.openLeg(.a)
        let local = LocalAudio(
            address: endpoint.address, port: address.port, sessionID: 1, ssrc: .random(in: 1...UInt32.max),
            cname: "pbx", masterKeyAndSalt: [UInt8](repeating: 7, count: 30))
        let (answer, negotiated) = try OfferAnswer.answerPeer(
            offer: incoming.request.body, contentType: incoming.request.headers.contentType, local: local,
            secure: false)
        self.answer = answer
        media.connect(.a, try CallMedia.parameters(negotiated, local: local))
        let tag = ids.next()
        let isTLS = incoming.flow.transport == .tls
        let port = isTLS ? parts.driver.transport.tlsPort : parts.driver.transport.peerPort
        let party = LocalParty(
            contact: "<sip:\(endpoint.address):\(port);transport=\(incoming.flow.transport.rawValue)>",
            viaSentBy: "\(endpoint.address):\(port)",
            transport: incoming.flow.transport.viaToken, userAgent: "PBX stand-in",
            allow: "INVITE, ACK, BYE, CANCEL, OPTIONS")
        let flow = incoming.flow
        leg = IncomingLeg(
            transaction: incoming.transaction,
            machine: UASInvite(
                invite: incoming.request, localTag: tag, party: party, ids: ids, timing: parts.timing),
            localTag: tag, driver: parts.driver, dialogs: parts.dialogs,
            ladder: MessageLadder(logger: endpoint.logger, leg: "edge")
        ) { _ in .flow(flow) }
        leg.onReport = { self.handle($0) }
    }

    func start() {
        if case .reject(let status) = behaviour {
            leg.handle(.reject(status: status, reason: nil, headers: []))
            return finish()
        }
        leg.handle(.ring(status: 180))
        guard behaviour != .ringForever else { return }
        leg.handle(.answer(body: answer, headers: [HeaderField(name: .contentType, value: "application/sdp")]))
    }

    private func handle(_ report: UASInvite.Report) {
        switch report {
        case .acknowledged:
            media.start(.a)
            media.echo(.a)
            guard case .hangUp(let delay) = behaviour else { return }
            timer = loop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) { [weak self] in self?.hangUp() }
        case .cancelled:
            onCancelled()
            finish()
        case .ended: finish()
        case .request, .inDialog: break
        }
    }

    func hangUp() { leg.handle(.bye(headers: [])) }

    private func finish() {
        timer?.cancel()
        leg.onReport = { _ in }
        media.close()
        let media = self.media
        let done = NIOLoopBound(onFinished, eventLoop: loop)
        onFinished = { _ in }
        loop.makeFutureWithTask { await media.statistics()[.a] ?? LegStatistics() }.whenSuccess { done.value($0) }
    }
}
