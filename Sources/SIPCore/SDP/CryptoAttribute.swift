/// The SRTP suites that Ibis speaks with SDES (RFC 4568 §6.2). Meta's key lines have room for exactly these
/// (meta-calling §11.3).
public enum SRTPSuite: String, Hashable, Sendable, CaseIterable {
    case aesCM128HmacSHA1_80 = "AES_CM_128_HMAC_SHA1_80"
    case aesCM128HmacSHA1_32 = "AES_CM_128_HMAC_SHA1_32"
}

extension SRTPSuite {
    /// By its name in any case.
    fileprivate init?(_ value: Span<UInt8>, _ range: Range<Int>) {
        if value.equals(range, ignoringCase: SRTPSuite.aesCM128HmacSHA1_80.rawValue) {
            self = .aesCM128HmacSHA1_80
        } else if value.equals(range, ignoringCase: SRTPSuite.aesCM128HmacSHA1_32.rawValue) {
            self = .aesCM128HmacSHA1_32
        } else {
            return nil
        }
    }
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
    /// 30 octets, key first, as libsrtp wants them.
    public let masterKeyAndSalt: [UInt8]
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
        self.masterKeyAndSalt = masterKeyAndSalt
        lifetime = nil
        mki = nil
        sessionParameters = []
        hasFurtherKeys = false
    }

    /// Reads what follows `a=crypto:`.
    public init(parsing value: String) throws(ParseError) {
        try self.init(parsing: value.utf8Span.span)
    }

    /// - Parameter value: UTF-8.
    init(parsing value: Span<UInt8>) throws(ParseError) {
        var fields = SDPFields(0..<value.count)
        guard let tagField = fields.next(value), let suiteField = fields.next(value), let keys = fields.next(value),
            tagField.count <= 9, let tag = value.decimal(tagField, limit: 999_999_999)
        else { throw .malformed }
        guard let suite = SRTPSuite(value, suiteField) else { throw .unsupportedSuite }
        // Keys are parted by semicolons, of which only those with something between them count.
        var start = keys.lowerBound
        while start < keys.upperBound, value[start] == UInt8(ascii: ";") { start += 1 }
        guard start < keys.upperBound else { throw .malformed }
        let end = value.firstIndex(of: UInt8(ascii: ";"), in: start..<keys.upperBound) ?? keys.upperBound
        guard let colon = value.firstIndex(of: UInt8(ascii: ":"), in: start..<end),
            value.equals(start..<colon, ignoringCase: "inline")
        else { throw .badKey }
        let bar = value.firstIndex(of: UInt8(ascii: "|"), in: colon + 1..<end)
        guard let octets = Base64.decode(value, colon + 1..<(bar ?? end)), octets.count == 30 else { throw .badKey }
        self.init(tag: tag, suite: suite, masterKeyAndSalt: octets)
        if let bar { try readLimits(value.text(bar + 1..<end) ?? "") }
        while let field = fields.next(value) { sessionParameters.append(value.text(field) ?? "") }
        for position in end..<keys.upperBound where value[position] != UInt8(ascii: ";") { hasFurtherKeys = true }
    }

    /// What stands behind the key: a lifetime, then an MKI, each at most once.
    private mutating func readLimits(_ text: String) throws(ParseError) {
        for part in SDPText.split(text, at: UInt8(ascii: "|"), omittingEmpty: false) {
            if let mki = MKI(part), self.mki == nil {
                self.mki = mki
            } else if let lifetime = Self.lifetime(part), self.lifetime == nil, mki == nil {
                self.lifetime = lifetime
            } else {
                throw .malformed
            }
        }
    }

    /// Whether we can do what the line asks: no MKI, no key derivation rate, nothing unencrypted. `WSH` is a hint.
    public var isUsable: Bool {
        mki == nil && !hasFurtherKeys && sessionParameters.allSatisfy { $0.uppercased().hasPrefix("WSH=") }
    }

    /// 16 octets.
    public var masterKey: [UInt8] { Array(masterKeyAndSalt.prefix(16)) }

    /// 14 octets.
    public var masterSalt: [UInt8] { Array(masterKeyAndSalt.suffix(14)) }

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
