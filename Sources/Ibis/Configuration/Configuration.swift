import SIPEdge

/// The process's settings, typed and checked; docs/configuration.md lists them, ``Setting/all`` is the table.
struct Configuration: Sendable, Hashable {
    struct SIP: Sendable, Hashable {
        var hostname = "localhost"
        var tlsAddress = "0.0.0.0"
        var tlsPort: UInt16 = 5061
        var peerAddress = "0.0.0.0"
        var peerPort: UInt16 = 5060
        /// PEM files; both or neither. Neither: Ibis makes its own.
        var certificate: String?
        var key: String?
        /// Nil: Meta's published ranges, and this machine while the certificate is self-made.
        var trustedRanges: [CIDR]?
    }

    struct Meta: Sendable, Hashable {
        var domain = "wa.meta.vc"
        var host: String?
        var port: UInt16 = 5061
        var trustRoots: String?
    }

    struct Media: Sendable, Hashable {
        var address = "0.0.0.0"
        var publicAddress: String?
        var peerAddress: String?
        var portLow: UInt16 = 20_000
        var portHigh: UInt16 = 29_999
        /// Nil: one for each core.
        var workers: Int?
    }

    struct Console: Sendable, Hashable {
        var address = "127.0.0.1"
        var port: UInt16 = 8080
    }

    struct HEP: Sendable, Hashable {
        /// Nil: nothing is exported.
        var host: String?
        var port: UInt16 = 9060
        var captureID = 2001
        var password: String?
    }

    struct Log: Sendable, Hashable {
        var level = "info"
        /// Calls whose messages are kept in memory.
        var calls = 200
        var format = Format.text

        enum Format: String, Sendable, CaseIterable { case text, json }
    }

    var sip = SIP()
    var meta = Meta()
    var media = Media()
    var limits = EdgeLimits()
    /// How long a stop waits for calls to end by themselves.
    var drainTime = Duration.seconds(20)
    var hep = HEP()
    /// WAV file of the greeting; nil: the built-in chime.
    var greeting: String?
    var storeFile = "ibis.sqlite"
    /// Nil: beside the store.
    var storeKeyFile: String?
    var console = Console()
    var log = Log()

    /// Where the key of the store's passwords is, unless the environment has it.
    var keyFile: String { storeKeyFile ?? storeFile + ".key" }
}
