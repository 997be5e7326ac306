/// What we bring to a negotiation: where we receive, and what is ours for the call.
public struct LocalAudio: Sendable {
    /// The address the peer shall send to, an IP literal.
    public var address: String
    /// The port the peer shall send to.
    public var port: UInt16
    public var sessionID: UInt64
    public var ssrc: UInt32
    public var cname: String
    /// 30 octets of fresh randomness, key first; never used for another description. Empty where no SRTP is meant.
    public let masterKeyAndSalt: [UInt8]

    public init(
        address: String, port: UInt16, sessionID: UInt64, ssrc: UInt32, cname: String, masterKeyAndSalt: [UInt8] = []
    ) {
        precondition(
            masterKeyAndSalt.isEmpty || masterKeyAndSalt.count == 30,
            "an AES-128 master key and salt are 30 octets together")
        self.address = address
        self.port = port
        self.sessionID = sessionID
        self.ssrc = ssrc
        self.cname = cname
        self.masterKeyAndSalt = masterKeyAndSalt
    }

    func crypto(tag: Int, suite: SRTPSuite) -> CryptoAttribute {
        precondition(masterKeyAndSalt.count == 30, "an SRTP description needs a master key and salt")
        return CryptoAttribute(tag: tag, suite: suite, masterKeyAndSalt: masterKeyAndSalt)
    }
}

extension LocalAudio: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "\(address):\(port) ssrc \(ssrc)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["local": description]) }
}

/// What two descriptions agreed on.
public struct NegotiatedAudio: Hashable, Sendable {
    /// Where we send: an IP literal.
    public var remoteAddress: String
    public var remotePort: UInt16
    /// What we send and receive. In an answer that renumbers, the peer's payload type.
    public var audio: AudioCodec
    /// telephone-event, when both have it.
    public var event: AudioCodec?
    /// Our key; nil for plain RTP.
    public var sendCrypto: CryptoAttribute?
    /// The peer's key; nil for plain RTP.
    public var receiveCrypto: CryptoAttribute?
    /// RTCP comes and goes on the RTP port.
    public var rtcpMux: Bool
    /// The peer's own word: `recvonly` means that it will not send.
    public var remoteDirection: MediaDescription.Direction
    /// Milliseconds the peer asks for.
    public var ptime: Int?
}
