/// The SRTP suites that Ibis speaks with SDES (RFC 4568 §6.2). Meta's key lines have room for exactly these
/// (meta-calling §11.3).
public enum SRTPSuite: String, Hashable, Sendable, CaseIterable {
    case aesCM128HmacSHA1_80 = "AES_CM_128_HMAC_SHA1_80"
    case aesCM128HmacSHA1_32 = "AES_CM_128_HMAC_SHA1_32"
}

/// One `a=crypto` line (RFC 4568 §9.1).
///
/// The key is a secret: printing, interpolating or reflecting a value never shows it, only ``wireValue`` does.
public struct CryptoAttribute: Hashable, Sendable {
    public enum ParseError: Error, Hashable, Sendable {
        case malformed
        case unsupportedSuite
        /// Not `inline:`, or not 40 characters of base 64.
        case badKey
    }

    /// Appended to every packet when the line asks for one; we cannot.
    public struct MKI: Hashable, Sendable {
        public var value: UInt64
        public var length: Int
    }

    public var tag: Int
    public var suite: SRTPSuite
    /// 16 octets.
    public let masterKey: [UInt8]
    /// 14 octets.
    public let masterSalt: [UInt8]
    /// In packets; nil when the line says nothing.
    public var lifetime: UInt64?
    public var mki: MKI?
    /// `WSH=…`, `KDR=…`, `UNENCRYPTED_SRTP`, … as written.
    public var sessionParameters: [String]
    /// The line offers several keys at once, told apart by MKI.
    public var hasFurtherKeys: Bool

    /// - Parameter masterKeyAndSalt: 30 octets, key first.
    public init(tag: Int, suite: SRTPSuite, masterKeyAndSalt: [UInt8]) {
        precondition(masterKeyAndSalt.count == 30, "an AES-128 master key and salt are 30 octets")
        self.tag = tag
        self.suite = suite
        masterKey = Array(masterKeyAndSalt.prefix(16))
        masterSalt = Array(masterKeyAndSalt.suffix(14))
        lifetime = nil
        mki = nil
        sessionParameters = []
        hasFurtherKeys = false
    }

    /// Reads what follows `a=crypto:`.
    public init(parsing value: String) throws(ParseError) {
        let fields = SDPText.fields(value)
        guard fields.count >= 3, fields[0].utf8.count <= 9,
            let tag = SDPText.number(fields[0], limit: 999_999_999)
        else { throw .malformed }
        guard let suite = SRTPSuite.allCases.first(where: { $0.rawValue == fields[1].uppercased() }) else {
            throw .unsupportedSuite
        }
        let keys = SDPText.split(fields[2], at: UInt8(ascii: ";"))
        guard let first = keys.first else { throw .malformed }
        let (method, info) = SDPText.cut(first, at: UInt8(ascii: ":"))
        guard SDPText.lowercased(method) == "inline", let info else { throw .badKey }
        let parts = SDPText.split(info, at: UInt8(ascii: "|"), omittingEmpty: false)
        guard let text = parts.first, text.utf8.count == 40, let octets = Base64.decode(text), octets.count == 30 else {
            throw .badKey
        }
        self.init(tag: Int(truncatingIfNeeded: tag), suite: suite, masterKeyAndSalt: octets)
        for part in parts.dropFirst() {
            if let mki = MKI(part), self.mki == nil {
                self.mki = mki
            } else if let lifetime = Self.lifetime(part), self.lifetime == nil, mki == nil {
                self.lifetime = lifetime
            } else {
                throw .malformed
            }
        }
        sessionParameters = Array(fields.dropFirst(3))
        hasFurtherKeys = keys.count > 1
    }

    /// Whether we can do what the line asks: no MKI, no key derivation rate, nothing unencrypted. `WSH` is a hint.
    public var isUsable: Bool {
        mki == nil && !hasFurtherKeys && sessionParameters.allSatisfy { $0.uppercased().hasPrefix("WSH=") }
    }

    /// 30 octets, key first, as libsrtp wants them.
    public var masterKeyAndSalt: [UInt8] { masterKey + masterSalt }

    /// What follows `a=crypto:` on the wire, key included.
    public var wireValue: String {
        var text = "\(tag) \(suite.rawValue) inline:\(Base64.encode(masterKeyAndSalt))"
        if let lifetime { text += "|\(lifetime)" }
        if let mki { text += "|\(mki.value):\(mki.length)" }
        for parameter in sessionParameters { text += " \(parameter)" }
        return text
    }

    /// `2^20` or a plain number of packets, at most 2^48 (RFC 4568 §6.1).
    private static func lifetime(_ text: String) -> UInt64? {
        let most: UInt64 = 1 << 48
        if text.hasPrefix("2^") {
            return SDPText.number(text.dropFirst(2), limit: 48).map { 1 << $0 }
        }
        guard let value = SDPText.number(text, limit: most), value > 0 else { return nil }
        return value
    }
}

extension CryptoAttribute.MKI {
    fileprivate init?(_ text: String) {
        let (value, length) = SDPText.cut(text, at: UInt8(ascii: ":"))
        guard let length, let octets = SDPText.number(length, limit: 128), octets > 0,
            let number = SDPText.number(value, limit: .max)
        else { return nil }
        self.init(value: number, length: Int(truncatingIfNeeded: octets))
    }
}

extension CryptoAttribute: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Tag and suite; the key stays hidden.
    public var description: String { "\(tag) \(suite.rawValue) inline:<hidden>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror {
        Mirror(self, children: ["tag": tag as Any, "suite": suite.rawValue as Any, "key": "<hidden>" as Any])
    }
}
