public import SIPCore

/// One PBX (Asterisk, FreePBX) that calls are relayed to, and that calls come from.
public struct Peer: Sendable, Hashable {
    public enum Transport: String, Sendable, Hashable, CaseIterable {
        case udp, tcp, tls
    }

    public var name: String
    /// IPv4 or IPv6 literal, or a host name.
    public var host: String
    /// Nil: of a host name what its SRV records say (RFC 3263 §4), and without them the transport's usual one.
    public var port: UInt16?
    public var transport: Transport
    /// SDES-SRTP instead of plain RTP towards the peer.
    public var secureMedia: Bool
    /// How long the peer may ring before the call ends as 480.
    public var ringTimeout: Duration
    /// With TLS: the name that the peer's certificate must cover; nil: `host`.
    public var tlsName: String?
    /// With TLS: PEM file of the authority that signed the peer's certificate; nil: the system's authorities.
    public var tlsAuthorityFile: String?
    /// Between two OPTIONS that see whether it is there; nil: none are sent.
    public var qualifyInterval: Duration?
    /// Calls at once, both ways; nil: no limit of its own.
    public var maximumCalls: Int?
    /// INVITEs to it in a second; nil: no limit of its own.
    public var maximumCallsPerSecond: Int?
    /// Where its calls may come from besides its own addresses.
    public var sources: [CIDR]
    /// Who we are where it asks for a password, and what we ask it for when it calls; nil: neither asks.
    public var credentials: PeerCredentials?

    public init(
        name: String, host: String, port: UInt16? = nil, transport: Transport = .udp, secureMedia: Bool = false,
        ringTimeout: Duration = .seconds(45), tlsName: String? = nil, tlsAuthorityFile: String? = nil,
        qualifyInterval: Duration? = nil, maximumCalls: Int? = nil, maximumCallsPerSecond: Int? = nil,
        sources: [CIDR] = [], credentials: PeerCredentials? = nil
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.transport = transport
        self.secureMedia = secureMedia
        self.ringTimeout = ringTimeout
        self.tlsName = tlsName
        self.tlsAuthorityFile = tlsAuthorityFile
        self.qualifyInterval = qualifyInterval
        self.maximumCalls = maximumCalls
        self.maximumCallsPerSecond = maximumCallsPerSecond
        self.sources = sources
        self.credentials = credentials
    }
}

/// Digest user and password of one peer (RFC 7616).
public struct PeerCredentials: Sendable, Hashable {
    public var digest: DigestCredentials
    /// The realm that the PBX asks with, octet by octet; Asterisk's is "asterisk". No other gets an answer.
    public var realm: String
    /// Whether its calls are asked for the password; otherwise only its challenges are answered.
    public var identifies: Bool

    public init(user: String, password: String, realm: String = "asterisk", identifies: Bool = true) {
        digest = DigestCredentials(username: user, password: password)
        self.realm = realm
        self.identifies = identifies
    }
}

extension Peer.Transport {
    /// RFC 3261 §19.1.2.
    public var usualPort: UInt16 { self == .tls ? 5061 : 5060 }

    /// The owner name of its SRV records (RFC 3263 §4.1) below the peer's host name.
    var serviceLabel: String {
        switch self {
        case .udp: "_sip._udp"
        case .tcp: "_sip._tcp"
        case .tls: "_sips._tcp"
        }
    }
}
