import Media
import NIOCore
import SIPCore

/// The PBX's side of a call's media: leg `b`. Opened once, whatever becomes of the PBX at its other end: each peer that is
/// tried, and each that the call is transferred to, is told the same port, and ``connect(_:local:)`` moves it. So Meta's
/// leg and its one SSRC never notice.
final class PeerMedia {
    private let media: MediaSession
    private let services: CallServices
    private var address: MediaAddress?
    private let sessionID = UInt64.random(in: 1...UInt64(UInt32.max))
    private let ssrc = UInt32.random(in: 1...UInt32.max)
    private let cname: String
    /// What was agreed last; a re-INVITE of the PBX may move its side of it.
    private var parameters: LegParameters?

    init(context: CallContext) {
        media = context.media
        services = context.services
        cname = context.services.ids.next()
    }

    /// What we bring to an offer to, or an answer for, the peer at `remote`: the one port, and keys of its own.
    func local(towards remote: SocketAddress) throws(CallRefused) -> LocalAudio {
        let address = try open()
        return LocalAudio(
            address: services.configuration.peerMediaAddress ?? CallMedia.own(address, towards: remote),
            port: address.port, sessionID: sessionID, ssrc: ssrc, cname: cname,
            masterKeyAndSalt: SecureRandom.octets(30))
    }

    private func open() throws(CallRefused) -> MediaAddress {
        if let address { return address }
        do {
            let opened = try media.openLeg(.b)
            address = opened
            return opened
        } catch {
            throw CallRefused(error)
        }
    }

    /// Media goes to and comes from whom this was negotiated with.
    func connect(_ negotiated: NegotiatedAudio, local: LocalAudio) throws(SDPRefusal) {
        var parameters = try CallMedia.parameters(negotiated, local: local)
        parameters.waitsForSource = true
        self.parameters = parameters
        media.connect(.b, parameters)
    }

    func start() { media.start(.b) }

    /// A re-INVITE or UPDATE was answered with what we have; where it names another address, media goes there from now
    /// on, on the same SSRC. Codec and keys stay as agreed, so one without Opus was refused and moves nothing.
    func moved(by request: Request) {
        guard request.method == .invite || request.method == .update, var parameters, !request.body.isEmpty,
            let description = try? SessionDescription(parsing: request.body.span),
            let stream = try? AudioStream(description), stream.codecs.contains(where: \.isOpus),
            let remote = MediaAddress(stream.address, port: stream.port), remote != parameters.remote
        else { return }
        parameters.remote = remote
        self.parameters = parameters
        media.connect(.b, parameters)
    }
}
