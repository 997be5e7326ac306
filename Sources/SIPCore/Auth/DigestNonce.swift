import Crypto

/// A nonce that carries when and for which algorithm it was made, signed, so that the server keeps nothing until it is
/// answered (RFC 7616 §3.3 leaves its form to the server).
///
/// 27 octets in base 64: milliseconds (6), serial number (4), algorithm (1), and the first half of an HMAC-SHA-256 over
/// these and the realm (16).
struct DigestNonce {
    static let algorithms: [DigestAlgorithm] = [.md5, .sha256]
    private static let signedOctets = 11
    private static let signatureOctets = 16

    let text: String
    let issued: Instant
    let algorithm: DigestAlgorithm

    /// - Parameter serial: sets apart those of one millisecond.
    init?(issued: Instant, serial: UInt32, algorithm: DigestAlgorithm, realm: String, secret: [UInt8]) {
        guard let code = DigestNonce.algorithms.firstIndex(of: algorithm) else { return nil }
        let (seconds, attoseconds) = issued.sinceOrigin.components
        let milliseconds = UInt64(truncatingIfNeeded: seconds &* 1_000 &+ attoseconds / 1_000_000_000_000_000)
        var octets = (0..<6).reversed().map { UInt8(truncatingIfNeeded: milliseconds >> UInt64($0 * 8)) }
        octets += (0..<4).reversed().map { UInt8(truncatingIfNeeded: serial >> UInt32($0 * 8)) }
        octets.append(UInt8(truncatingIfNeeded: code))
        text = Base64.encode(octets + DigestNonce.signature("nonce", octets, realm: realm, secret: secret))
        self.issued = issued
        self.algorithm = algorithm
    }

    /// Nil for one that was not made with this secret for this realm.
    init?(_ text: String, realm: String, secret: [UInt8]) {
        guard text.utf8.count == 36, let octets = Base64.decode(text) else { return nil }
        let signed = Array(octets.prefix(DigestNonce.signedOctets))
        guard
            ConstantTime.areEqual(
                octets.dropFirst(DigestNonce.signedOctets),
                DigestNonce.signature("nonce", signed, realm: realm, secret: secret)),
            let code = signed.last.map(Int.init), DigestNonce.algorithms.indices.contains(code)
        else { return nil }
        let milliseconds = signed.prefix(6).reduce(Int64(0)) { $0 << 8 | Int64($1) }
        self.text = text
        issued = Instant(.milliseconds(milliseconds))
        algorithm = DigestNonce.algorithms[code]
    }

    /// What the challenge's `opaque` is, so that nonce and opaque of two challenges cannot be mixed.
    func opaque(realm: String, secret: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let octets = DigestNonce.signature("opaque", Array(text.utf8), realm: realm, secret: secret).prefix(8)
        return String(decoding: octets.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func signature(_ use: String, _ octets: [UInt8], realm: String, secret: [UInt8]) -> [UInt8] {
        let message = Array(use.utf8) + [0] + octets + Array(realm.utf8)
        let code = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: secret))
        return Array(code.prefix(signatureOctets))
    }
}
