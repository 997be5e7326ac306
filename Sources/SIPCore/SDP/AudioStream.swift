/// A codec of an audio stream: a payload type with what `rtpmap` and `fmtp` say about it.
public struct AudioCodec: Hashable, Sendable {
    /// 0…127.
    public var payloadType: UInt8
    /// Lower-case: `opus`, `pcma`, `telephone-event`.
    public var name: String
    /// Hz of the RTP timestamp.
    public var clockRate: Int
    public var channels: Int
    public var fmtp: String?

    public init(payloadType: UInt8, name: String, clockRate: Int, channels: Int = 1, fmtp: String? = nil) {
        self.payloadType = payloadType
        self.name = name
        self.clockRate = clockRate
        self.channels = channels
        self.fmtp = fmtp
    }

    /// RFC 7587 fixes 48000/2; stacks that leave the channels out mean the same.
    public var isOpus: Bool { name == "opus" && clockRate == 48_000 }
}

/// One side's audio, as read from its session description: the first `m=audio` line that is not switched off, with
/// session-level values filled in where the media level has none.
public struct AudioStream: Hashable, Sendable {
    public enum Profile: Hashable, Sendable {
        case rtpAVP, rtpAVPF, rtpSAVP, rtpSAVPF, dtlsSAVP, dtlsSAVPF
        case other(String)

        init(_ transport: String) {
            switch SDPText.uppercased(transport) {
            case "RTP/AVP": self = .rtpAVP
            case "RTP/AVPF": self = .rtpAVPF
            case "RTP/SAVP": self = .rtpSAVP
            case "RTP/SAVPF": self = .rtpSAVPF
            case "UDP/TLS/RTP/SAVP": self = .dtlsSAVP
            case "UDP/TLS/RTP/SAVPF": self = .dtlsSAVPF
            default: self = .other(transport)
            }
        }

        public var isPlain: Bool { self == .rtpAVP || self == .rtpAVPF }
        public var isSDES: Bool { self == .rtpSAVP || self == .rtpSAVPF }
        public var isDTLS: Bool { self == .dtlsSAVP || self == .dtlsSAVPF }
    }
    public typealias Direction = MediaDescription.Direction

    /// An IPv4 or IPv6 literal; may be 0.0.0.0 (old hold).
    public var address: String
    public var port: UInt16
    public var profile: Profile
    /// In the order of the `m=` line, telephone-event left out.
    public var codecs: [AudioCodec]
    public var telephoneEvents: [AudioCodec]
    /// The readable `a=crypto` lines of a suite we have.
    public var cryptos: [CryptoAttribute]
    /// There is an `a=crypto` line, readable or not.
    public var hasCrypto: Bool
    public var hasFingerprint: Bool
    /// Seen by the writer. With an unspecified address nothing can be received (RFC 3264 §8.4), and this says so.
    public var direction: Direction
    public var rtcpMux: Bool
    /// Milliseconds.
    public var ptime: Int?
    public var mid: String?
    /// An `a=group:BUNDLE` names our `mid`.
    public var bundled: Bool
    /// Where the stream stands among the `m=` lines.
    public var index: Int

    public init(_ description: SessionDescription) throws(SDPRefusal) {
        var audio: Int?
        for index in description.media.indices where description.media[index].kind == "audio" {
            if description.media[index].port != 0 {
                audio = index
                break
            }
            audio = audio ?? index
        }
        guard let index = audio else { throw .noAudio }
        try self.init(description, index: index)
    }

    init(_ description: SessionDescription, index: Int) throws(SDPRefusal) {
        let media = description.media[index]
        guard media.port != 0 else { throw .audioRejected }
        guard let connection = media.connection ?? description.connection,
            let literal = IPLiteral(connection.address), !literal.isMulticastOrBroadcast
        else { throw .badAddress }
        let written = media.direction ?? description.attributes.direction ?? .sendrecv
        address = connection.address
        port = media.port
        profile = Profile(media.transport)
        cryptos = media.cryptos
        hasCrypto = media.attributes.contains("crypto")
        hasFingerprint = media.attributes.contains("fingerprint") || description.attributes.contains("fingerprint")
        direction =
            switch written {
            case .sendrecv where literal.isUnspecified: .sendonly
            case .recvonly where literal.isUnspecified: .inactive
            case .sendrecv, .sendonly, .recvonly, .inactive: written
            }
        rtcpMux = media.attributes.contains("rtcp-mux")
        ptime = media.attribute("ptime").flatMap { SDPText.number($0, limit: 1_000) }.map { Int($0) }
        let mid = media.attribute("mid")
        self.mid = mid
        bundled = mid.map { Self.isBundled($0, in: description.attributes) } ?? false
        codecs = []
        telephoneEvents = []
        self.index = index
        var seen: (UInt64, UInt64) = (0, 0)
        for format in media.formats {
            guard let number = SDPText.number(format, limit: 127) else { continue }
            let payloadType = UInt8(truncatingIfNeeded: number)
            let bit: UInt64 = 1 << UInt64(payloadType & 63)
            guard (payloadType < 64 ? seen.0 : seen.1) & bit == 0 else { continue }
            if payloadType < 64 { seen.0 |= bit } else { seen.1 |= bit }
            guard let codec = Self.codec(payloadType, in: media) else { continue }
            if codec.name == "telephone-event" {
                telephoneEvents.append(codec)
            } else {
                codecs.append(codec)
            }
        }
    }

    private static func isBundled(_ mid: String, in attributes: SessionDescription.AttributeList) -> Bool {
        var bundled = false
        attributes.forEach("group") { value in
            var fields = SDPFields(0..<value.count)
            guard let semantics = fields.next(value), value.equals(semantics, "BUNDLE") else { return true }
            while let field = fields.next(value) {
                if value.equals(field, mid) { bundled = true }
            }
            return !bundled
        }
        return bundled
    }

    /// Nil for a dynamic payload type without a readable `rtpmap`.
    private static func codec(_ payloadType: UInt8, in media: MediaDescription) -> AudioCodec? {
        let format = String(payloadType)
        let fmtp = media.fmtp(for: format)
        guard let map = media.rtpmap(for: format) else {
            return statics[payloadType].map {
                AudioCodec(payloadType: payloadType, name: $0, clockRate: 8_000, fmtp: fmtp)
            }
        }
        let text = map.utf8Span.span
        var fields = SDPFields(0..<text.count)
        guard let encoding = fields.next(text), let slash = text.firstIndex(of: UInt8(ascii: "/"), in: encoding),
            slash > encoding.lowerBound, let name = text.text(encoding.lowerBound..<slash)
        else { return nil }
        var position = slash + 1
        let end = text.firstIndex(of: UInt8(ascii: "/"), in: position..<encoding.upperBound) ?? encoding.upperBound
        guard let rate = text.decimal(position..<end, limit: 1_000_000), rate > 0 else { return nil }
        var channels = 1
        if end < encoding.upperBound {
            position = end + 1
            let end =
                text.firstIndex(of: UInt8(ascii: "/"), in: position..<encoding.upperBound) ?? encoding.upperBound
            channels = text.decimal(position..<end, limit: 255) ?? 1
        }
        return AudioCodec(
            payloadType: payloadType, name: name.asciiLowercased, clockRate: rate, channels: channels, fmtp: fmtp)
    }

    /// RFC 3551 §6: the payload types that need no `rtpmap`, of those one meets. G.722 says 8000 though it samples 16000.
    static let statics: [UInt8: String] = [0: "pcmu", 3: "gsm", 8: "pcma", 9: "g722", 18: "g729"]
}
