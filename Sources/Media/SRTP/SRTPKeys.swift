/// Protection profiles of SDES (RFC 4568 §6.2) that the engine runs.
public enum SRTPSuite: String, Sendable, Hashable, CaseIterable {
    case aesCM128HMACSHA1_80 = "AES_CM_128_HMAC_SHA1_80"
    case aesCM128HMACSHA1_32 = "AES_CM_128_HMAC_SHA1_32"

    /// Octets of master key and master salt together.
    public static let keyLength = 30
}

/// Master keys of one leg. Never printed: every textual form of it is redacted.
public struct SRTPKeys: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public let suite: SRTPSuite
    /// Master key (16 octets) and salt (14) of what the peer sends.
    let receive: [UInt8]
    /// Master key and salt of what we send.
    let send: [UInt8]

    /// Throws `badKey` unless both keys have ``SRTPSuite/keyLength`` octets.
    public init(suite: SRTPSuite, receive: [UInt8], send: [UInt8]) throws(MediaError) {
        guard receive.count == SRTPSuite.keyLength, send.count == SRTPSuite.keyLength else {
            throw MediaError(
                code: .badKey,
                message: "SRTP master keys have \(receive.count) and \(send.count) octets, not \(SRTPSuite.keyLength)",
                remedy: "take key and salt from the inline: part of a=crypto, 40 base64 characters")
        }
        self.suite = suite
        self.receive = receive
        self.send = send
    }

    /// The same suite and the same key of ours, for a peer that has changed its own.
    public func receiving(_ receive: [UInt8]) throws(MediaError) -> SRTPKeys {
        try SRTPKeys(suite: suite, receive: receive, send: send)
    }

    public var description: String { "SRTPKeys(\(suite.rawValue), redacted)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["suite": suite.rawValue]) }
}
