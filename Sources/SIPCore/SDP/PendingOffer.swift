/// An offer of ours that waits for its answer (RFC 3264). It can be answered once: accepting consumes it.
public struct PendingOffer: ~Copyable, Sendable {
    /// The octets for the body, `application/sdp`.
    public let description: [UInt8]
    private let events: Bool
    /// The `a=crypto` we offered; nil for plain RTP.
    private let crypto: CryptoAttribute?
    private let rtcpMux: Bool

    init(description: SessionDescription, events: Bool, crypto: CryptoAttribute?, rtcpMux: Bool) {
        self.description = description.encoded()
        self.events = events
        self.crypto = crypto
        self.rtcpMux = rtcpMux
    }

    /// Reads the peer's answer. Throws what makes it useless; the caller then ends the dialog.
    public consuming func accept(answer: [UInt8], contentType: String?) throws(SDPRefusal) -> NegotiatedAudio {
        let description = try OfferAnswer.read(answer, contentType: contentType)
        let stream = try AudioStream(description)
        try OfferAnswer.requireAddress(stream)
        guard let audio = stream.codecs.first(where: \.isOpus) else { throw .noCommonCodec }
        var theirs: CryptoAttribute?
        if let crypto {
            theirs = try OfferAnswer.usableCrypto(stream)
            // RFC 4568 §5.1.3: the answer repeats the tag and the suite of the line it took.
            guard theirs?.tag == crypto.tag, theirs?.suite == crypto.suite else { throw .noSupportedCrypto }
        } else if !stream.profile.isPlain {
            throw .unsupportedProfile(description.media[stream.index].transport)
        }
        return NegotiatedAudio(
            remoteAddress: stream.address, remotePort: stream.port, audio: audio,
            event: events ? OfferAnswer.event(of: stream) : nil, sendCrypto: crypto, receiveCrypto: theirs,
            rtcpMux: rtcpMux && stream.rtcpMux, remoteDirection: stream.direction, ptime: stream.ptime)
    }
}
