/// How we write ourselves into messages on one side of a call.
public struct LocalParty: Hashable, Sendable {
    /// The Contact value: `<sip:+15550100001@sip.example.com:5061;transport=tls>`. Towards Meta it must hold the host
    /// name of the certificate, since Meta connects to it (meta-calling §7.3).
    public var contact: String
    /// `host:port` for Via.
    public var viaSentBy: String
    /// `TLS`, `TCP` or `UDP`, for Via.
    public var transport: String
    /// For User-Agent and Server; "" leaves both out.
    public var userAgent: String
    /// The value of Allow.
    public var allow: String

    public init(
        contact: String, viaSentBy: String, transport: String, userAgent: String,
        allow: String = ReofferPolicy.refuse.allow
    ) {
        self.contact = contact
        self.viaSentBy = viaSentBy
        self.transport = transport
        self.userAgent = userAgent
        self.allow = allow
    }

    /// The Via value for a branch. `alias` on streams only (RFC 5923 §8).
    public func via(branch: String) -> String {
        let alias = transport.asciiLowercased == "udp" ? "" : ";alias"
        return "SIP/2.0/\(transport) \(viaSentBy);rport;branch=\(branch)\(alias)"
    }

    /// The host that a Warning names as its author.
    var host: String { Via("SIP/2.0/UDP \(viaSentBy)").map { Host.written($0.host) } ?? viaSentBy }
}

/// Where branches and tags come from: text that nobody can guess and that never repeats.
public struct IDSource: Sendable {
    /// A fresh `token` of RFC 3261, with 32 bits of randomness at the least (§19.3).
    public var next: @Sendable () -> String

    public init(next: @escaping @Sendable () -> String) { self.next = next }

    func branch() -> String { TransactionKey.magicCookie + next() }

    /// A number of 32 bits by chance, drawn from the text of a fresh id (FNV-1a).
    func number() -> UInt32 {
        next().utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    /// 0..<1 by chance.
    func chance() -> Double { Double(number()) / 4_294_967_296 }
}
