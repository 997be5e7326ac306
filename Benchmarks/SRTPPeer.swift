import Media

/// The caller's end of SRTP.
final class SRTPPeer {
    private var srtp: SRTPSession

    /// Keys as the caller sees them: 30 octets each, master key and salt.
    init(send: [UInt8], receive: [UInt8]) throws {
        srtp = try SRTPSession(keys: SRTPKeys(suite: .aesCM128HMACSHA1_80, receive: receive, send: send))
    }

    /// Length of the protected packet, 0 if that failed.
    func protect(_ packet: UnsafeMutableRawBufferPointer, _ length: Int) -> Int {
        var length = length
        return srtp.protect(packet, length: &length) == .ok ? length : 0
    }

    /// Length of the plain packet, 0 if it is not authentic.
    func unprotect(_ packet: UnsafeMutableRawBufferPointer, _ length: Int) -> Int {
        var length = length
        return srtp.unprotect(packet, length: &length) == .ok ? length : 0
    }
}
