/// What `/status` says: counts and addresses, never a phone number.
public struct ConsoleStatus: Sendable, Encodable, Hashable {
    public struct Listener: Sendable, Encodable, Hashable {
        /// `sip-tls`, `sip-peers`, `console`.
        public var name: String
        public var transports: [String]
        public var address: String
        public var port: Int

        public init(name: String, transports: [String], address: String, port: Int) {
            self.name = name
            self.transports = transports
            self.address = address
            self.port = port
        }
    }

    public struct Peer: Sendable, Encodable, Hashable {
        public var name: String
        public var transport: String
        /// `up`, `down`, or `unknown` where no OPTIONS are sent or none was answered yet.
        public var state: String
        /// How long it has been so.
        public var stateSeconds: Int
        /// At this moment, both ways.
        public var calls: Int
        /// With their ports; empty while its host name has none.
        public var addresses: [String]
        /// From the last OPTIONS to its answer; absent before.
        public var answerMilliseconds: Int?

        public init(
            name: String, transport: String, state: String, stateSeconds: Int, calls: Int, addresses: [String],
            answerMilliseconds: Int?
        ) {
            self.name = name
            self.transport = transport
            self.state = state
            self.stateSeconds = stateSeconds
            self.calls = calls
            self.addresses = addresses
            self.answerMilliseconds = answerMilliseconds
        }
    }

    public struct Certificate: Sendable, Encodable, Hashable {
        /// ISO 8601.
        public var expires: String
        public var daysLeft: Int
        /// Why the files on disk are not in use.
        public var problem: String?

        public init(expires: String, daysLeft: Int, problem: String?) {
            self.expires = expires
            self.daysLeft = daysLeft
            self.problem = problem
        }
    }

    public var version: String
    /// Why calls cannot be served now; empty when all is well.
    public var problems: [String]
    public var uptimeSeconds: Int
    public var listeners: [Listener]
    /// Nil: self-made.
    public var certificate: Certificate?
    /// How many of the new calls the machine can serve now; the rest gets 503.
    public var admittedPercent: Int
    /// Calls at this moment.
    public var calls: Int
    public var numbers: Int
    public var peers: Int
    /// The PBX peers as they are now, by name.
    public var peerStates: [Peer]
    /// Since the start, by name.
    public var counters: [String: Int]
    /// The media engine's figures since the start, by name.
    public var media: [String: Int]

    public init(
        version: String, problems: [String] = [], uptimeSeconds: Int, listeners: [Listener],
        certificate: Certificate? = nil, admittedPercent: Int = 100, calls: Int, numbers: Int, peers: Int,
        peerStates: [Peer] = [], counters: [String: Int], media: [String: Int]
    ) {
        self.version = version
        self.problems = problems
        self.uptimeSeconds = uptimeSeconds
        self.listeners = listeners
        self.certificate = certificate
        self.admittedPercent = admittedPercent
        self.calls = calls
        self.numbers = numbers
        self.peers = peers
        self.peerStates = peerStates
        self.counters = counters
        self.media = media
    }

    public var isHealthy: Bool { problems.isEmpty }
}
