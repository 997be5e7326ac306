import NIOCore
import NIOSSL
import SwiftASN1
import X509

extension MetaConnection {
    /// Whether the business's certificate is for this host name: itself, or a wildcard for one label (RFC 6125 §6.4).
    func peerCertificateCovers(_ name: String) -> Bool {
        guard let der = try? peerCertificate?.toDERBytes(),
            let certificate = try? Certificate(derEncoded: der),
            let names = try? certificate.extensions.subjectAlternativeNames
        else { return false }
        return names.contains { general in
            guard case .dnsName(let pattern) = general else { return false }
            return Self.matches(pattern.lowercased(), name.lowercased())
        }
    }

    private static func matches(_ pattern: String, _ name: String) -> Bool {
        guard pattern.hasPrefix("*.") else { return pattern == name }
        guard let dot = name.firstIndex(of: "."), dot > name.startIndex else { return false }
        return name[dot...] == pattern.dropFirst()
    }
}
