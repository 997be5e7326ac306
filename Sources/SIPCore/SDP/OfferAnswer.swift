/// Offer and answer (RFC 3264) for one Opus stream with telephone-event, keyed by SDES (RFC 4568) or plain.
public enum OfferAnswer {
    /// Our Opus parameters: Meta's own band and rate, with in-band FEC (meta-calling §12.1 (6)).
    public static let opusParameters =
        "maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=20000;useinbandfec=1"
    static let eventParameters = "0-16"

    /// The form of a description towards Meta's side.
    public enum Shape: Hashable, Sendable {
        /// As a business writes it (meta-calling §12.2 (1)).
        case business
        /// As Meta writes it (meta-calling §12.1 (1)), for our stand-in of a WhatsApp user.
        case whatsApp
    }

    // MARK: Answers

    /// Answers an offer of Meta: SDES-SRTP with Opus, in the form of meta-calling §12.1 (6). Payload numbers, crypto tag
    /// and suite are the offer's; group, mid and rtcp-mux are echoed when offered.
    /// - Throws: why not, as the final answer to the INVITE shall say it.
    public static func answerMeta(
        offer: [UInt8], contentType: String?, local: LocalAudio
    ) throws(SDPRefusal) -> (answer: [UInt8], negotiated: NegotiatedAudio) {
        try readMeta(offer: offer, contentType: contentType).answer(local: local)
    }

    /// An offer that was read and can be answered: nothing is left that could refuse it, so that ports and keys are spent
    /// on it only now.
    public struct ReadOffer: Sendable {
        fileprivate let description: SessionDescription
        fileprivate let stream: AudioStream
        fileprivate let theirs: CryptoAttribute?
        fileprivate let audio: AudioCodec

        /// RTCP will come and go on the RTP port.
        public var rtcpMux: Bool { stream.rtcpMux }

        public func answer(local: LocalAudio) -> (answer: [UInt8], negotiated: NegotiatedAudio) {
            OfferAnswer.answer(self, local: local)
        }
    }

    /// Reads an offer of Meta by the rules of ``answerMeta(offer:contentType:local:)``.
    public static func readMeta(offer: [UInt8], contentType: String?) throws(SDPRefusal) -> ReadOffer {
        try choose(offer, contentType: contentType, encryption: .required)
    }

    /// Answers an offer of a PBX or softphone in kind: plain RTP with plain RTP, SDES with SDES.
    /// - Parameter secure: refuses plain RTP.
    public static func answerPeer(
        offer: [UInt8], contentType: String?, local: LocalAudio, secure: Bool
    ) throws(SDPRefusal) -> (answer: [UInt8], negotiated: NegotiatedAudio) {
        try choose(offer, contentType: contentType, encryption: secure ? .required : .asOffered).answer(local: local)
    }

    private enum Encryption { case required, asOffered }

    /// The first stream that we can take.
    private static func choose(
        _ offer: [UInt8], contentType: String?, encryption: Encryption
    ) throws(SDPRefusal) -> ReadOffer {
        let description = try read(offer, contentType: contentType)
        var refusal: SDPRefusal?
        for index in description.media.indices where description.media[index].kind == "audio" {
            do throws(SDPRefusal) {
                return try check(description, try AudioStream(description, index: index), encryption)
            } catch {
                refusal = refusal ?? error  // the first stream is the one the peer wants most
            }
        }
        throw refusal ?? .noAudio
    }

    private static func check(
        _ offer: SessionDescription, _ stream: AudioStream, _ encryption: Encryption
    ) throws(SDPRefusal) -> ReadOffer {
        var theirs: CryptoAttribute?
        if !stream.profile.isPlain {
            theirs = try usableCrypto(stream)
        } else if encryption == .required {
            throw stream.hasFingerprint ? .dtlsOnly : .plainRTP
        }
        guard let audio = stream.codecs.first(where: \.isOpus) else { throw .noOpus }
        try requireAddress(stream)
        return ReadOffer(description: offer, stream: stream, theirs: theirs, audio: audio)
    }

    private static func answer(
        _ read: ReadOffer, local: LocalAudio
    ) -> (answer: [UInt8], negotiated: NegotiatedAudio) {
        let offer = read.description
        let stream = read.stream
        let audio = read.audio
        let event = event(of: stream)
        let ours = read.theirs.map { local.crypto(tag: $0.tag, suite: $0.suite) }

        let offered = offer.media[stream.index]
        var media = audioMedia(
            local: local, transport: offered.transport, opus: audio, event: event, crypto: ours,
            direction: stream.direction.mirrored)
        if stream.rtcpMux { media.attributes.insert(.init("rtcp-mux"), at: 0) }
        if let mid = stream.mid { media.attributes.insert(.init("mid", mid), at: 0) }

        var answer = session(local: local)
        answer.connection = .init(address: local.address)
        if stream.bundled, let mid = stream.mid { answer.attributes.append(.init("group", "BUNDLE \(mid)")) }
        // RFC 3264 §6: as many m= lines as offered, in the same order; the others are refused with port 0.
        answer.media = offer.media.enumerated().map { index, other in
            index == stream.index ? media : other.refused
        }
        let negotiated = NegotiatedAudio(
            remoteAddress: stream.address, remotePort: stream.port, audio: audio, event: event, sendCrypto: ours,
            receiveCrypto: read.theirs, rtcpMux: stream.rtcpMux, remoteDirection: stream.direction, ptime: stream.ptime)
        return (answer.encoded(), negotiated)
    }

    // MARK: Offers

    /// An offer for a PBX: Opus and telephone-event/8000 on RTP/AVP, or on RTP/SAVP with one key when `secure`.
    public static func offerPeer(
        local: LocalAudio, opusPayloadType: UInt8 = 111, eventPayloadType: UInt8? = 101, secure: Bool = false
    ) -> PendingOffer {
        let crypto = secure ? local.crypto(tag: 1, suite: .aesCM128HmacSHA1_80) : nil
        let media = audioMedia(
            local: local, transport: secure ? "RTP/SAVP" : "RTP/AVP",
            opus: AudioCodec(payloadType: opusPayloadType, name: "opus", clockRate: 48_000, channels: 2),
            event: eventPayloadType.map { AudioCodec(payloadType: $0, name: "telephone-event", clockRate: 8_000) },
            crypto: crypto, direction: .sendrecv)
        var description = session(local: local)
        description.connection = .init(address: local.address)
        description.media = [media]
        return PendingOffer(
            description: description, events: eventPayloadType != nil, crypto: crypto, rtcpMux: false)
    }

    /// An offer for Meta (`business`), or one as Meta makes it (`whatsApp`): RTP/SAVP with one SDES key, Opus 111 and
    /// telephone-event 126, rtcp-mux. 126 is never given to anything else (meta-calling §11.6).
    public static func offerMeta(local: LocalAudio, shape: Shape = .business) -> PendingOffer {
        let crypto = local.crypto(tag: 1, suite: .aesCM128HmacSHA1_80)
        let opus = AudioCodec(payloadType: 111, name: "opus", clockRate: 48_000, channels: 2)
        let event = AudioCodec(payloadType: 126, name: "telephone-event", clockRate: 8_000)
        var description = session(local: local)
        switch shape {
        case .business:
            description.connection = .init(address: local.address)
            var media = audioMedia(
                local: local, transport: "RTP/SAVP", opus: opus, event: event, crypto: crypto, direction: .sendrecv)
            media.attributes.insert(.init("rtcp-mux"), at: 0)
            description.media = [media]
        case .whatsApp:
            description.origin.version = "2"
            description.origin.addressType = "IP4"
            description.origin.address = "127.0.0.1"
            let stream = "00000000-0000-4000-8000-000000000001"
            description.attributes = [.init("group", "BUNDLE audio"), .init("msid-semantic", " WMS \(stream)")]
            description.media = [
                MediaDescription(
                    kind: "audio", port: local.port, transport: "RTP/SAVP", formats: ["111", "126"],
                    connection: .init(address: local.address),
                    attributes: [
                        .init("rtcp", "9 IN IP4 0.0.0.0"), .init("mid", "audio"), .init("sendrecv"),
                        .init("msid", "\(stream) WhatsAppTrack1"), .init("rtcp-mux"),
                        .init("crypto", crypto.wireValue), .init("rtpmap", "111 opus/48000/2"),
                        .init(
                            "fmtp",
                            "111 maxaveragebitrate=20000;maxplaybackrate=16000;minptime=20;"
                                + "sprop-maxcapturerate=16000;useinbandfec=1"),
                        .init("rtpmap", "126 telephone-event/8000"), .init("maxptime", "20"), .init("ptime", "20"),
                        .init("ssrc", "\(local.ssrc) cname:\(local.cname)"),
                    ])
            ]
        }
        return PendingOffer(description: description, events: true, crypto: crypto, rtcpMux: true)
    }

    // MARK: Pieces

    static func read(_ body: [UInt8], contentType: String?) throws(SDPRefusal) -> SessionDescription {
        guard !body.isEmpty else { throw .missingBody }
        // A body without a type is taken for what it can only be.
        if let contentType, contentType != "application/sdp" {
            let type = SDPText.lowercased(
                SDPText.fields(SDPText.cut(contentType, at: UInt8(ascii: ";")).head).joined())
            guard type == "application/sdp" else { throw .wrongContentType(type) }
        }
        do {
            return try SessionDescription(body: body)
        } catch {
            throw .malformed(error.description)
        }
    }

    /// The first line that we can use wins (RFC 4568 §5.1.2: they stand in the order of preference).
    static func usableCrypto(_ stream: AudioStream) throws(SDPRefusal) -> CryptoAttribute {
        switch stream.profile {
        case .rtpSAVP, .rtpSAVPF: break
        case .dtlsSAVP, .dtlsSAVPF: throw .dtlsOnly
        case .rtpAVP, .rtpAVPF: throw .plainRTP
        case .other(let profile): throw .unsupportedProfile(profile)
        }
        guard stream.hasCrypto else { throw stream.hasFingerprint ? .dtlsOnly : .noCrypto }
        guard let crypto = stream.cryptos.first(where: \.isUsable) else { throw .noSupportedCrypto }
        return crypto
    }

    /// An offer or answer with which a call starts must say where to send.
    static func requireAddress(_ stream: AudioStream) throws(SDPRefusal) {
        guard let literal = IPLiteral(stream.address), !literal.isUnspecified else { throw .badAddress }
    }

    /// Only events of 8 kHz: Meta knows no others (meta-calling §11.6).
    static func event(of stream: AudioStream) -> AudioCodec? {
        stream.telephoneEvents.first { $0.clockRate == 8_000 }
    }

    private static func session(local: LocalAudio) -> SessionDescription {
        let here = SessionDescription.Connection(address: local.address)
        return SessionDescription(
            origin: .init(
                sessionID: String(local.sessionID), version: "1", addressType: here.addressType, address: here.address))
    }

    /// Our `m=audio` with its attributes, in the order of meta-calling §12.1 (6) from `a=crypto` on.
    private static func audioMedia(
        local: LocalAudio, transport: String, opus: AudioCodec, event: AudioCodec?, crypto: CryptoAttribute?,
        direction: MediaDescription.Direction
    ) -> MediaDescription {
        var formats = [String(opus.payloadType)]
        var attributes: SessionDescription.AttributeList = []
        if let crypto { attributes.append("crypto", crypto.wireValue) }
        attributes.append("rtpmap", "\(opus.payloadType) opus/48000/2")
        attributes.append("fmtp", "\(opus.payloadType) \(opusParameters)")
        if let event {
            formats.append(String(event.payloadType))
            attributes.append("rtpmap", "\(event.payloadType) telephone-event/8000")
            attributes.append("fmtp", "\(event.payloadType) \(eventParameters)")
        }
        attributes.append("ptime", "20")
        attributes.append("maxptime", "20")
        attributes.append("ssrc", "\(local.ssrc) cname:\(local.cname)")
        attributes.append(direction.rawValue)
        return MediaDescription(
            kind: "audio", port: local.port, transport: transport, formats: formats, attributes: attributes)
    }
}
