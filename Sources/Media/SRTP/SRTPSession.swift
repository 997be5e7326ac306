import CMediaIO
import CSRTP

/// The process-wide part of libsrtp: initialised once, our crypto kernel put in.
enum SRTPLibrary {
    static let kernel: CryptoKernel = {
        let result = cmio_srtp_install()
        let reason = "srtp_err_status_t \(result.status)"
        switch result.step {
        case 0: return .openSSL
        case 1: return .unusable(reason: "srtp_init failed: \(reason)")
        case 2: return .libsrtp(reason: "AES-128-CM was refused: \(reason)")
        default: return .libsrtp(reason: "HMAC-SHA1 was refused: \(reason)")
        }
    }()
}

/// What protecting or unprotecting came to.
public enum SRTPOutcome: Hashable, Sendable {
    case ok
    /// The tag is not the key's.
    case unauthenticated
    /// Seen before, or older than the replay window.
    case replayed
    /// Not long enough or not of the form that SRTP needs.
    case malformed
    /// The key is used up, the cipher failed, or memory did.
    case failed
}

/// SRTP and SRTCP of one leg, both directions (RFC 3711). Works in place; not for use by two threads at once.
public struct SRTPSession: ~Copyable {
    /// Octets that a protected packet may be longer than the plain one.
    public static let trailer = Int(SRTP_MAX_TAG_LEN + SRTP_MAX_MKI_LEN + 4)
    /// Sources of the peer that are followed; packets of further ones do not get as far as decryption. Each costs memory
    /// that only an authenticated peer can claim.
    static let maxSources = 32

    private let inbound: srtp_t
    private let outbound: srtp_t
    /// Sources of the peer that have authenticated.
    private var sources = [32 of UInt32](repeating: 0)
    private var sourceCount = 0

    /// Throws `cryptoFailed`.
    public init(keys: SRTPKeys) throws(MediaError) {
        if case .unusable(let reason) = SRTPLibrary.kernel { throw Self.error(reason) }
        (inbound, outbound) = try Self.makePair(keys)
    }

    deinit {
        srtp_dealloc(inbound)
        srtp_dealloc(outbound)
    }

    private static func makePair(_ keys: SRTPKeys) throws(MediaError) -> (srtp_t, srtp_t) {
        let inbound = try make(ssrc_any_inbound, keys.suite, keys.receive)
        do {
            return (inbound, try make(ssrc_any_outbound, keys.suite, keys.send))
        } catch {
            srtp_dealloc(inbound)
            throw error
        }
    }

    private static func make(
        _ direction: srtp_ssrc_type_t, _ suite: SRTPSuite, _ key: [UInt8]
    ) throws(MediaError) -> srtp_t {
        var policy = srtp_policy_t()
        switch suite {
        case .aesCM128HMACSHA1_80:
            srtp_crypto_policy_set_rtp_default(&policy.rtp)
        case .aesCM128HMACSHA1_32:
            srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp)
        }
        // SRTCP has the 80 bit tag in both suites (RFC 4568 §6.2).
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
        policy.ssrc.type = direction
        // Packets: 2.5 s of audio, far more than any reordering that a call survives.
        policy.window_size = 128
        var key = key
        var session: srtp_t?
        let status = key.withUnsafeMutableBufferPointer { octets in
            policy.key = octets.baseAddress
            return srtp_create(&session, &policy)
        }
        guard status == srtp_err_status_ok, let session else { throw error("srtp_err_status_t \(status.rawValue)") }
        return session
    }

    private static func error(_ reason: String) -> MediaError {
        MediaError(
            code: .cryptoFailed, message: "libsrtp cannot protect this leg: \(reason)",
            remedy: "check that libsrtp2 and OpenSSL 3 of the distribution are installed")
    }

    /// `length` octets of an RTP packet become SRTP. Needs ``trailer`` octets of room behind them.
    @inline(__always)
    public mutating func protect(_ packet: UnsafeMutableRawBufferPointer, length: inout Int) -> SRTPOutcome {
        run(packet, &length, room: Self.trailer) { srtp_protect(outbound, $0, $1) }
    }

    @inline(__always)
    public mutating func protectRTCP(_ packet: UnsafeMutableRawBufferPointer, length: inout Int) -> SRTPOutcome {
        run(packet, &length, room: Self.trailer) { srtp_protect_rtcp(outbound, $0, $1) }
    }

    /// `length` octets of an SRTP packet become RTP. On any outcome but `.ok` the octets are worthless.
    @inline(__always)
    public mutating func unprotect(_ packet: UnsafeMutableRawBufferPointer, length: inout Int) -> SRTPOutcome {
        guard length >= RTPHeader.length, length <= packet.count else { return .malformed }
        let ssrc = UInt32(bigEndian: packet.load(fromByteOffset: 8, as: UInt32.self))
        let known = follows(ssrc)
        guard known || sourceCount < Self.maxSources else { return .unauthenticated }
        let outcome = run(packet, &length, room: 0) { srtp_unprotect(inbound, $0, $1) }
        if !known, outcome == .ok {
            sources[sourceCount] = ssrc
            sourceCount += 1
        }
        return outcome
    }

    @inline(__always)
    public mutating func unprotectRTCP(_ packet: UnsafeMutableRawBufferPointer, length: inout Int) -> SRTPOutcome {
        guard length >= 8, length <= packet.count else { return .malformed }
        let ssrc = UInt32(bigEndian: packet.load(fromByteOffset: 4, as: UInt32.self))
        let known = follows(ssrc)
        guard known || sourceCount < Self.maxSources else { return .unauthenticated }
        let outcome = run(packet, &length, room: 0) { srtp_unprotect_rtcp(inbound, $0, $1) }
        if !known, outcome == .ok {
            sources[sourceCount] = ssrc
            sourceCount += 1
        }
        return outcome
    }

    @inline(__always)
    private func follows(_ ssrc: UInt32) -> Bool {
        // The newest first: it is nearly always the one.
        for index in stride(from: sourceCount - 1, through: 0, by: -1) where sources[index] == ssrc { return true }
        return false
    }

    @inline(__always)
    private func run(
        _ packet: UnsafeMutableRawBufferPointer, _ length: inout Int, room: Int,
        _ operation: (UnsafeMutableRawPointer, UnsafeMutablePointer<Int32>) -> srtp_err_status_t
    ) -> SRTPOutcome {
        guard let base = packet.baseAddress, length > 0, length <= packet.count - room else { return .malformed }
        var octets = Int32(truncatingIfNeeded: length)
        let status = operation(base, &octets)
        length = Int(octets)
        return status == srtp_err_status_ok ? .ok : Self.outcome(status)
    }

    private static func outcome(_ status: srtp_err_status_t) -> SRTPOutcome {
        switch status {
        case srtp_err_status_auth_fail: .unauthenticated
        case srtp_err_status_replay_fail, srtp_err_status_replay_old, srtp_err_status_pkt_idx_old: .replayed
        case srtp_err_status_bad_param, srtp_err_status_parse_err, srtp_err_status_cant_check: .malformed
        default: .failed
        }
    }
}
