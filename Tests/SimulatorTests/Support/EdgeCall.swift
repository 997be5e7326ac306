import SIPCore
import SIPEdge
import Simulators

/// One call of a WhatsApp user to an edge that a test plays.
enum EdgeCall {
    static func call(_ edge: EdgeStandIn, trust: String) -> WhatsAppCall {
        WhatsAppCall(
            target: Target(
                transport: .tls, host: Example.businessAddress, port: edge.port, serverName: Example.hostname,
                trustRootsFile: trust),
            number: Example.number, hostname: Example.hostname, talk: .milliseconds(50))
    }

    /// Places the call, lets `play` speak for the edge, then answers BYE and CANCEL until the call is over.
    ///
    /// - Parameters:
    ///   - answersBYE: the status; nil: no answer.
    static func run(
        _ change: (inout WhatsAppCall) -> Void = { _ in }, settings: (inout MetaSettings) -> Void = { _ in },
        answersBYE: Int? = 200, answersCANCEL: Bool = true, _ play: @Sendable (Wire) async throws -> Void,
        check: (WhatsAppCallReport) throws -> Void
    ) async throws {
        let authority = try ThrowAwayAuthority()
        let edge = try await EdgeStandIn(certificate: authority.issue([Example.hostname]))
        let meta = try await MetaSimulator(
            Example.settings {
                $0.port = nil
                settings(&$0)
            })
        var call = call(edge, trust: authority.certificateFile)
        change(&call)
        let placed = call
        async let report = meta.place(placed)
        let wire = try await edge.next()
        try await play(wire)
        async let served: Void = serve(wire, answersBYE: answersBYE, answersCANCEL: answersCANCEL)
        let ended = try await report
        await meta.shutdown()
        await served
        await edge.close()
        authority.remove()
        try check(ended)
    }

    private static func serve(_ wire: Wire, answersBYE: Int?, answersCANCEL: Bool) async {
        var invite: Request?
        while case .request(let request)? = try? await wire.next() {
            switch request.method {
            case .invite: invite = request
            case .bye:
                if let answersBYE { try? await wire.send(request.response(answersBYE)) }
            case .cancel where answersCANCEL:
                try? await wire.send(request.response(200))
                if let invite { try? await wire.send(invite.response(487)) }
            default: break
            }
        }
    }
}
