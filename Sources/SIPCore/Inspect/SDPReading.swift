/// What a session description says, without its keys.
public struct SDPReading: Hashable, Sendable, Encodable {
    public struct Stream: Hashable, Sendable, Encodable {
        public var kind: String
        /// As in `c=` of the stream or the session; nil when there is neither.
        public var address: String?
        public var port: UInt16
        /// As written: `RTP/SAVP`.
        public var profile: String
        public var direction: String
        public var codecs: [Codec]
        /// Tag and suite of each `a=crypto`.
        public var crypto: [String]
        public var fingerprints: Int
        public var ice: Bool
        public var rtcpMux: Bool
        /// Milliseconds.
        public var ptime: Int?
    }

    public struct Codec: Hashable, Sendable, Encodable {
        public var payloadType: String
        /// What `a=rtpmap` says, or the name of a static payload type; nil when nobody knows.
        public var encoding: String?
        public var parameters: String?
    }

    /// In the order of the `m=` lines.
    public var streams: [Stream]

    init(_ description: SessionDescription) {
        streams = description.media.map { Stream($0, in: description) }
    }
}

extension SDPReading.Stream {
    fileprivate init(_ media: MediaDescription, in session: SessionDescription) {
        kind = media.kind
        address = (media.connection ?? session.connection)?.address
        port = media.port
        profile = media.transport
        direction = (media.direction ?? session.attributes.direction ?? .sendrecv).rawValue
        codecs = media.formats.map { format in
            SDPReading.Codec(
                payloadType: format,
                encoding: media.rtpmap(for: format) ?? UInt8(format).flatMap { AudioStream.statics[$0] },
                parameters: media.fmtp(for: format))
        }
        crypto = media.attributes("crypto").map { value in
            (try? CryptoAttribute(parsing: value)).map { "\($0.tag) \($0.suite.rawValue)" }
                ?? SDPRedaction.suite(ofUnreadable: value)
        }
        fingerprints =
            media.attributes("fingerprint").count
            + session.attributes.filter { $0.name == "fingerprint" }.count
        ice = (media.attribute("ice-ufrag") ?? session.attribute("ice-ufrag")) != nil
        rtcpMux = media.attribute("rtcp-mux") != nil
        ptime = media.attribute("ptime").flatMap { SDPText.number($0, limit: 1_000) }.map { Int($0) }
    }
}
