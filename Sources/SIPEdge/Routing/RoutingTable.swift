/// Where calls to each business number go: a value, replaced as a whole when the store changes.
public struct RoutingTable: Sendable, Hashable {
    /// Business numbers in E.164 with `+`, as they stand in Meta's Request-URI.
    public var numbers: [String: Route]
    /// PBX peers by the name that routes refer to.
    public var peers: [String: Peer]
    /// What else is known of a number; nothing for most.
    public var trunks: [String: TrunkNumber]

    public init(
        numbers: [String: Route] = [:], peers: [String: Peer] = [:], trunks: [String: TrunkNumber] = [:]
    ) {
        self.numbers = numbers
        self.peers = peers
        self.trunks = trunks
    }
}

/// What happens with a call to one business number.
public enum Route: Sendable, Hashable {
    /// Relayed to the peer of this name. `extension` replaces the dialled number towards the PBX when given.
    case peer(String, extension: String?)
    /// Ended here.
    case application(Application)

    public enum Application: String, Sendable, Hashable, CaseIterable {
        /// Plays the greeting, then lets the caller hear himself.
        case echo
    }
}

/// One PBX (Asterisk, FreePBX) that calls are relayed to.
public struct Peer: Sendable, Hashable {
    public enum Transport: String, Sendable, Hashable, CaseIterable {
        case udp, tcp, tls
    }

    public var name: String
    /// IPv4 or IPv6 literal, or a host name.
    public var host: String
    public var port: UInt16
    public var transport: Transport
    /// SDES-SRTP instead of plain RTP towards the peer.
    public var secureMedia: Bool
    /// How long the peer may ring before the call ends as 480.
    public var ringTimeout: Duration
    /// With TLS: the name that the peer's certificate must cover; nil: `host`.
    public var tlsName: String?
    /// With TLS: PEM file of the authority that signed the peer's certificate; nil: the system's authorities.
    public var tlsAuthorityFile: String?

    public init(
        name: String, host: String, port: UInt16 = 5060, transport: Transport = .udp, secureMedia: Bool = false,
        ringTimeout: Duration = .seconds(45), tlsName: String? = nil, tlsAuthorityFile: String? = nil
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.transport = transport
        self.secureMedia = secureMedia
        self.ringTimeout = ringTimeout
        self.tlsName = tlsName
        self.tlsAuthorityFile = tlsAuthorityFile
    }
}
