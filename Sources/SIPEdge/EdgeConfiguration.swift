/// Settings of the edge's process: addresses, ports, certificates. Numbers and peers are in ``RoutingTable``.
public struct EdgeConfiguration: Sendable {
    /// The name that is configured at Meta for the numbers; goes into Contact and Via. Must be covered by the certificate.
    public var hostname: String
    /// Where SIP over TLS listens (Meta and TLS peers).
    public var tlsAddress: String
    public var tlsPort: UInt16
    /// Where SIP over UDP and TCP listens for the PBX peers; requests from anyone else are dropped.
    public var peerAddress: String
    public var peerPort: UInt16
    /// PEM files: full chain, and private key.
    public var certificateFile: String
    public var privateKeyFile: String
    /// Source ranges whose TLS connections are accepted as Meta's.
    public var trustedRanges: [CIDR]
    /// Address in the SDP towards Meta (the public one); nil: the address that the RTP socket is bound to.
    public var mediaAddress: String?
    /// Address in the SDP, Contact and Via towards the PBX; nil: chosen by the route to the peer.
    public var peerMediaAddress: String?
    /// Meta's SIP domain, and where in-dialog requests to it are sent.
    public var meta: MetaTrunkConfiguration
    /// WAV file played by the echo application; nil: the built-in chime.
    public var greetingFile: String?
    public var limits: EdgeLimits
    /// Calls whose messages are kept in memory; 0: none.
    public var loggedCalls: Int
    /// Where copies of all messages go; nil: nowhere.
    public var hep: HEPConfiguration?

    public init(
        hostname: String = "localhost", tlsAddress: String = "0.0.0.0", tlsPort: UInt16 = 5061,
        peerAddress: String = "0.0.0.0", peerPort: UInt16 = 5060, certificateFile: String, privateKeyFile: String,
        trustedRanges: [CIDR] = MetaRanges.published, mediaAddress: String? = nil, peerMediaAddress: String? = nil,
        meta: MetaTrunkConfiguration = .init(), greetingFile: String? = nil, limits: EdgeLimits = .init(),
        loggedCalls: Int = 200, hep: HEPConfiguration? = nil
    ) {
        self.hostname = hostname
        self.tlsAddress = tlsAddress
        self.tlsPort = tlsPort
        self.peerAddress = peerAddress
        self.peerPort = peerPort
        self.certificateFile = certificateFile
        self.privateKeyFile = privateKeyFile
        self.trustedRanges = trustedRanges
        self.mediaAddress = mediaAddress
        self.peerMediaAddress = peerMediaAddress
        self.meta = meta
        self.greetingFile = greetingFile
        self.limits = limits
        self.loggedCalls = loggedCalls
        self.hep = hep
    }
}

/// Meta's side of the trunk (meta-calling §5.2).
public struct MetaTrunkConfiguration: Sendable, Hashable {
    /// Meta's SIP domain: the server name that its certificate must cover, sent as SNI.
    public var domain: String
    /// Where connections to the domain really go; the domain itself unless a test or a tunnel stands in between.
    public var host: String
    public var port: UInt16
    /// PEM file of the authorities that the trunk's certificate must chain to; nil: the system's.
    public var trustRootsFile: String?
    /// How long a WhatsApp user is rung before we give up; Meta's own limit is not documented (meta-calling §9).
    public var ringTimeout: Duration

    public init(
        domain: String = "wa.meta.vc", host: String? = nil, port: UInt16 = 5061, trustRootsFile: String? = nil,
        ringTimeout: Duration = .seconds(60)
    ) {
        self.ringTimeout = ringTimeout
        self.domain = domain
        self.host = host ?? domain
        self.port = port
        self.trustRootsFile = trustRootsFile
    }
}

/// Bounds that keep the edge alive under load and attack.
public struct EdgeLimits: Sendable, Hashable {
    /// Calls at once; beyond it INVITEs get 503 with Retry-After. Of these, of connections and of calls a second, a
    /// tenth is kept for Meta's side and a tenth for the peers'.
    public var calls: Int
    /// New INVITEs a second, all together and from one source (an IPv4 address, or a /64 of IPv6).
    public var callsPerSecond: Int
    public var callsPerSecondPerSource: Int
    /// How late the signalling loop may come before new INVITEs are refused, as they are when it has no time left; 0: they
    /// never are for such reasons.
    public var maximumLag: Duration
    /// TCP and TLS connections at once, handshakes included.
    public var connections: Int
    /// Connections in the TLS handshake at once, from one address.
    public var handshakesPerAddress: Int
    public var handshakeTimeout: Duration
    /// A message that was begun must be whole within this.
    public var messageTimeout: Duration
    /// A connection without any octet for this long is closed, unless a call uses it.
    public var idleTimeout: Duration
    /// A call whose caller sends neither media nor reports for this long is hung up: its BYE got lost.
    public var mediaTimeout: Duration
    /// Octets of unfinished messages, and as many of unsent ones, over all connections.
    public var bufferedOctets: Int
    /// Transactions without a final answer at once, and the octets that they and the answered ones may hold.
    public var transactions: Int
    public var transactionOctets: Int

    public init(
        calls: Int = 1_000, callsPerSecond: Int = 2_000, callsPerSecondPerSource: Int = 1_000,
        maximumLag: Duration = .milliseconds(100), connections: Int = 4_096, handshakesPerAddress: Int = 256,
        handshakeTimeout: Duration = .seconds(5), messageTimeout: Duration = .seconds(10),
        idleTimeout: Duration = .seconds(600), mediaTimeout: Duration = .seconds(60),
        bufferedOctets: Int = 64 << 20, transactions: Int = 20_000, transactionOctets: Int = 128 << 20
    ) {
        self.calls = calls
        self.callsPerSecond = callsPerSecond
        self.callsPerSecondPerSource = callsPerSecondPerSource
        self.maximumLag = maximumLag
        self.connections = connections
        self.handshakesPerAddress = handshakesPerAddress
        self.handshakeTimeout = handshakeTimeout
        self.messageTimeout = messageTimeout
        self.idleTimeout = idleTimeout
        self.mediaTimeout = mediaTimeout
        self.bufferedOctets = bufferedOctets
        self.transactions = transactions
        self.transactionOctets = transactionOctets
    }
}

extension EdgeLimits {
    /// For a program that tests another one.
    package static let ofStandIns = EdgeLimits(
        callsPerSecond: 1_000_000, callsPerSecondPerSource: 1_000_000, maximumLag: .zero, transactions: 1_000_000)
}
