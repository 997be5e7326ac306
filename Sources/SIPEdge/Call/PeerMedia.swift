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

    /// A digit that the PBX told by INFO: Meta's side knows no others than those of RFC 4733.
    func pass(_ digit: SignalledDigit) {
        media.sendDigits(.a, String(digit.digit), duration: digit.duration)
    }

    /// The PBX has offered or answered again within the call: where it names another address or key, media follows, on
    /// the same SSRC. Whatever it does to its own side, Meta's leg goes on: with its music while it holds, if it sends
    /// some, else with silence.
    func moved(to stream: AudioStream) {
        guard var parameters, let remote = MediaAddress(stream.address, port: stream.port) else { return }
        // 0.0.0.0 is an old way to hold: there is nowhere to send to, so the last address stays.
        if !remote.isUnspecified { parameters.remote = remote }
        parameters.srtp = parameters.srtp?.receiving(stream)
        guard parameters != self.parameters else { return }
        self.parameters = parameters
        media.connect(.b, parameters)
    }
}

extension SRTPKeys {
    /// The same key of ours, and the peer's newest.
    fileprivate func receiving(_ stream: AudioStream) -> SRTPKeys {
        let crypto = stream.cryptos.first { $0.suite.rawValue == suite.rawValue && $0.isUsable }
        return crypto.flatMap { try? receiving($0.masterKeyAndSalt) } ?? self
    }
}
