import SIPCore
import Testing

@Suite struct CryptoAttributeTests {
    static let key = SDPSamples.metaKey

    @Test func readsMetasLine() throws {
        let crypto = try CryptoAttribute(parsing: "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)")
        #expect(crypto.tag == 1 && crypto.suite == .aesCM128HmacSHA1_80)
        #expect(crypto.masterKey == Array(0..<16) && crypto.masterSalt == Array(16..<30))
        #expect(crypto.masterKeyAndSalt == Array(0..<30))
        #expect(crypto.lifetime == nil && crypto.mki == nil && crypto.isUsable)
        #expect(crypto.wireValue == "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)")
        #expect(crypto.wireValue.utf8.count == 73)  // the length left for it in Meta's messages
    }

    struct Row: CustomTestStringConvertible {
        var name: String
        var value: String
        var usable: Bool
        var lifetime: UInt64?
        var testDescription: String { name }
    }

    static let readable: [Row] = [
        .init(name: "_32", value: "2 AES_CM_128_HMAC_SHA1_32 inline:\(key)", usable: true),
        .init(name: "lower case", value: "2 aes_cm_128_hmac_sha1_32 INLINE:\(key)", usable: true),
        .init(
            name: "lifetime as a power", value: "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|2^31", usable: true,
            lifetime: 1 << 31),
        .init(
            name: "lifetime as a number", value: "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|1048576", usable: true,
            lifetime: 1 << 20),
        .init(
            name: "MKI", value: "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|2^20|1:4", usable: false,
            lifetime: 1 << 20),
        .init(name: "MKI alone", value: "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|1:4", usable: false),
        .init(name: "two keys", value: "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|1:4;inline:\(key)|2:4", usable: false),
        .init(name: "window hint", value: "1 AES_CM_128_HMAC_SHA1_80 inline:\(key) WSH=64", usable: true),
        .init(name: "unencrypted", value: "1 AES_CM_128_HMAC_SHA1_80 inline:\(key) UNENCRYPTED_SRTP", usable: false),
        .init(name: "key derivation rate", value: "1 AES_CM_128_HMAC_SHA1_80 inline:\(key) KDR=1", usable: false),
        .init(name: "unknown parameter", value: "1 AES_CM_128_HMAC_SHA1_80 inline:\(key) NEW=1", usable: false),
    ]

    @Test(arguments: readable) func reads(_ row: Row) throws {
        let crypto = try CryptoAttribute(parsing: row.value)
        #expect(crypto.isUsable == row.usable)
        #expect(crypto.lifetime == row.lifetime)
        #expect(crypto.masterKeyAndSalt == Array(0..<30))
    }

    static let refused: [(String, String, CryptoAttribute.ParseError)] = [
        ("empty", "", .malformed),
        ("no key", "1 AES_CM_128_HMAC_SHA1_80", .malformed),
        ("tag is no number", "x AES_CM_128_HMAC_SHA1_80 inline:\(key)", .malformed),
        ("tag too long", "1234567890 AES_CM_128_HMAC_SHA1_80 inline:\(key)", .malformed),
        ("AES-256", "1 AES_256_CM_HMAC_SHA1_80 inline:\(key)", .unsupportedSuite),
        ("GCM", "1 AEAD_AES_128_GCM inline:\(key)", .unsupportedSuite),
        ("not inline", "1 AES_CM_128_HMAC_SHA1_80 uri:\(key)", .badKey),
        ("key too short", "1 AES_CM_128_HMAC_SHA1_80 inline:\(key.dropLast(4))", .badKey),
        ("key too long", "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)AAAA", .badKey),
        ("padded", "1 AES_CM_128_HMAC_SHA1_80 inline:\(key.dropLast(2))==", .badKey),
        ("not of the alphabet", "1 AES_CM_128_HMAC_SHA1_80 inline:\(key.dropLast())-", .badKey),
        ("lifetime zero", "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|0", .malformed),
        ("lifetime 2^99", "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|2^99", .malformed),
        ("lifetime 2^", "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|2^", .malformed),
        ("MKI of no length", "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|1:0", .malformed),
        ("two lifetimes", "1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|2^20|2^20", .malformed),
    ]

    @Test(arguments: refused) func refuses(_ row: (String, String, CryptoAttribute.ParseError)) {
        #expect(throws: row.2) { _ = try CryptoAttribute(parsing: row.1) }
    }

    @Test func neverPrintsTheKey() throws {
        let crypto = try CryptoAttribute(parsing: "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)")
        var dumped = ""
        dump(crypto, to: &dumped)
        for text in ["\(crypto)", String(reflecting: crypto), "\([crypto])", "\(Optional(crypto) as Any)", dumped] {
            #expect(!text.contains("AAEC") && !text.contains("14, 15") && text.contains("<hidden>"))
        }
    }
}
