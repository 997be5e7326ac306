import Crypto

/// The hash of a digest challenge (RFC 3261 §22.4, RFC 8760).
public enum DigestAlgorithm: Hashable, Sendable, CustomStringConvertible {
    case md5, sha256
    /// One that is not computed here, `-sess` variants included; its name as received.
    case other(String)

    public init(_ name: String) {
        self =
            switch name.asciiLowercased {
            case "md5": .md5
            case "sha-256": .sha256
            default: .other(name)
            }
    }

    public var description: String {
        switch self {
        case .md5: "MD5"
        case .sha256: "SHA-256"
        // Quoted where it was received so, or it would end in the middle.
        case .other(let name): HeaderName.isToken(name.utf8Span.span) ? name : "\"\(name)\""
        }
    }

    /// The hash in lower-case hexadecimal, nil for algorithms not computed here.
    func hash(_ text: String) -> String? {
        switch self {
        case .md5: DigestAlgorithm.hexadecimal(Insecure.MD5.hash(data: Array(text.utf8)))
        case .sha256: DigestAlgorithm.hexadecimal(SHA256.hash(data: Array(text.utf8)))
        case .other: nil
        }
    }

    private static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
