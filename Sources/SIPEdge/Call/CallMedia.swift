package import Media
import NIOCore
package import SIPCore

/// Offer and answer on one side, legs of the media engine on the other.
package enum CallMedia {
    /// Opens leg `a` for the caller's offer and gives our answer.
    static func answerCaller(
        _ invite: Request, media: MediaSession, services: CallServices, remote: SocketAddress
    ) throws(CallRefused) -> [UInt8] {
        let offer: OfferAnswer.ReadOffer
        do {
            // Before a port is spent on it.
            offer = try OfferAnswer.readMeta(offer: invite.body, contentType: invite.headers.contentType)
        } catch {
            throw CallRefused(error)
        }
        let address: MediaAddress
        do {
            address = try media.openLeg(.a, rtcpMux: offer.rtcpMux)
        } catch {
            throw CallRefused(error)
        }
        let host = services.configuration.mediaAddress ?? own(address, towards: remote)
        let local = services.localAudio(address, host: host)
        let (answer, negotiated) = offer.answer(local: local)
        do {
            media.connect(.a, try parameters(negotiated, local: local))
            return answer
        } catch {
            throw CallRefused(error)
        }
    }

    /// Address literal for the SDP: what the socket is bound to, or the interface that leads to the peer.
    static func own(_ address: MediaAddress, towards remote: SocketAddress) -> String {
        address.isUnspecified ? LocalAddress.towards(remote) ?? address.host : address.host
    }

    package static func parameters(_ negotiated: NegotiatedAudio, local: LocalAudio) throws(SDPRefusal) -> LegParameters
    {
        guard let remote = MediaAddress(negotiated.remoteAddress, port: negotiated.remotePort) else {
            throw .badAddress
        }
        return LegParameters(
            remote: remote, audioPayloadType: negotiated.audio.payloadType,
            eventPayloadType: negotiated.event?.payloadType, srtp: try keys(negotiated), ssrc: local.ssrc,
            cname: local.cname, rtcpMux: negotiated.rtcpMux)
    }

    private static func keys(_ negotiated: NegotiatedAudio) throws(SDPRefusal) -> SRTPKeys? {
        guard let send = negotiated.sendCrypto, let receive = negotiated.receiveCrypto else { return nil }
        guard let suite = Media.SRTPSuite(rawValue: receive.suite.rawValue) else { throw .noSupportedCrypto }
        do {
            return try SRTPKeys(
                suite: suite, receive: receive.masterKey + receive.masterSalt, send: send.masterKey + send.masterSalt)
        } catch {
            throw .noSupportedCrypto
        }
    }
}
