/// Why an offer or an answer cannot be used, with what the peer is told about it.
///
/// The status is for the refusal of an offer; the Warning (RFC 3261 §20.43) says in plain English why, and what to change.
public enum SDPRefusal: Error, Hashable, Sendable {
    /// No session description at all. We make no offer in a 200 (delayed offer).
    case missingBody
    /// The body is something else; the type is lower-case, without parameters.
    case wrongContentType(String)
    /// The description cannot be read; a sentence that says where.
    case malformed(String)
    case noAudio
    /// Audio is there but switched off: port 0.
    case audioRejected
    /// No Opus among the codecs: G.711 only, for instance.
    case noOpus
    /// SRTP profile without `a=crypto` and without fingerprint.
    case noCrypto
    /// `a=crypto` is there, but no line with a suite, key and parameters that we can use.
    case noSupportedCrypto
    /// Keys come by DTLS: the profile or a fingerprint says so.
    case dtlsOnly
    /// RTP/AVP where encryption is demanded.
    case plainRTP
    /// SRTP where plain RTP was offered, or another profile that we do not have.
    case unsupportedProfile(String)
    /// An answer that takes up none of the codecs we offered.
    case noCommonCodec
    /// A repeated offer that gives Opus another payload type than agreed.
    case changedPayloadTypes
    /// No `c=` line, a host name, a multicast address or 0.0.0.0.
    case badAddress

    /// The final answer to the request that carried the description.
    public var status: Int {
        switch self {
        case .malformed: 400
        case .wrongContentType: 415
        case .missingBody, .noAudio, .audioRejected, .noOpus, .noCrypto, .noSupportedCrypto, .dtlsOnly, .plainRTP,
            .unsupportedProfile, .noCommonCodec, .changedPayloadTypes, .badAddress:
            488
        }
    }

    /// RFC 3261 §20.43; 399 where none of the others says it.
    public var warningCode: Int {
        switch self {
        case .badAddress: 301
        case .dtlsOnly, .plainRTP, .unsupportedProfile: 302
        case .noAudio, .audioRejected: 304
        case .noOpus, .noCommonCodec, .changedPayloadTypes: 305
        case .noSupportedCrypto: 306
        case .missingBody, .wrongContentType, .malformed, .noCrypto: 399
        }
    }

    /// One sentence or two for whoever reads the trace; fit for a quoted string after escaping.
    public var warningText: String {
        switch self {
        case .missingBody:
            "The INVITE has no session description; put the SDP offer into the INVITE (no delayed offer)"
        case .wrongContentType(let type):
            "The body is \(type), not application/sdp; send the offer as application/sdp"
        case .malformed(let reason):
            "The SDP cannot be read: \(reason)"
        case .noAudio:
            "The SDP has no audio stream; offer m=audio"
        case .audioRejected:
            "The audio stream has port 0, so it is switched off; offer audio with a real port"
        case .noOpus:
            "The SDP has no Opus, and only Opus is supported; offer opus/48000/2 (G.711 alone is not enough)"
        case .noCrypto:
            "The SDP has an SRTP profile but no a=crypto line; offer SDES keys with AES_CM_128_HMAC_SHA1_80"
        case .noSupportedCrypto:
            "No a=crypto line can be used; offer AES_CM_128_HMAC_SHA1_80 or _32 with a 128-bit key, without MKI"
        case .dtlsOnly:
            "The SDP is for DTLS-SRTP, which is not supported; set srtp_key_exchange_protocol of the number to SDES"
        case .plainRTP:
            "The SDP is for plain RTP, and encryption is required; offer RTP/SAVP with an a=crypto line"
        case .unsupportedProfile(let profile):
            "The RTP profile \(profile) cannot be used here; use RTP/AVP, or RTP/SAVP with a=crypto"
        case .noCommonCodec:
            "The answer takes none of the offered codecs; allow Opus at the peer"
        case .changedPayloadTypes:
            "Opus has another payload type than at the start of the call; keep the payload types in re-INVITEs"
        case .badAddress:
            "The c= line has no unicast IP address to send to; write the IPv4 or IPv6 address of the media"
        }
    }
}

extension SDPRefusal: CustomStringConvertible {
    public var description: String { warningText }
}
