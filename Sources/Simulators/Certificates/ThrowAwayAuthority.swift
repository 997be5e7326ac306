import Crypto
import Foundation
import SwiftASN1
import X509

/// A certificate authority for the time of a test or a demonstration: its key is never written anywhere.
package final class ThrowAwayAuthority: Sendable {
    /// PEM file of the authority's certificate, for those who shall trust it.
    package let certificateFile: String
    private let folder: URL
    private let key = P256.Signing.PrivateKey()
    private let name: DistinguishedName
    private let certificate: Certificate

    /// Makes a folder for its files, which ``remove()`` takes away.
    package init(name: String = "Ibis throw-away authority") throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("ibis-ca-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let subject = try DistinguishedName { CommonName(name) }
        self.name = subject
        let now = Date()
        certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: now.addingTimeInterval(-3_600), notValidAfter: now.addingTimeInterval(86_400 * 2),
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
            },
            issuerPrivateKey: .init(key))
        certificateFile = folder.appendingPathComponent("authority.pem").path
        try certificate.serializeAsPEM().pemString.write(toFile: certificateFile, atomically: true, encoding: .utf8)
    }

    /// A server certificate for these DNS names and IP address literals, valid from an hour ago for `seconds` from now.
    package func issue(_ names: [String], validFor seconds: Double = 86_400) throws -> CertificateFiles {
        let own = P256.Signing.PrivateKey()
        let now = Date()
        let leaf = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(own.publicKey),
            notValidBefore: now.addingTimeInterval(min(-3_600, seconds - 3_600)),
            notValidAfter: now.addingTimeInterval(seconds),
            issuer: name, subject: try DistinguishedName { CommonName(names.first ?? "server") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames(names.map(Self.generalName))
            },
            issuerPrivateKey: .init(key))
        let file = UUID().uuidString
        let files = CertificateFiles(
            chainFile: folder.appendingPathComponent("\(file).pem").path,
            keyFile: folder.appendingPathComponent("\(file).key").path)
        let chain = try leaf.serializeAsPEM().pemString + "\n" + certificate.serializeAsPEM().pemString + "\n"
        try chain.write(toFile: files.chainFile, atomically: true, encoding: .utf8)
        let written = FileManager.default.createFile(
            atPath: files.keyFile, contents: Data(own.pemRepresentation.utf8), attributes: [.posixPermissions: 0o600])
        guard written else { throw StandInError(message: "cannot write \(files.keyFile)") }
        return files
    }

    /// Takes all files away.
    package func remove() { try? FileManager.default.removeItem(at: folder) }

    private static func generalName(_ name: String) -> GeneralName {
        var octets = [UInt8](repeating: 0, count: 16)
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] where inet_pton(family, name, &octets) == 1 {
            return .ipAddress(ASN1OctetString(contentBytes: octets.prefix(count)))
        }
        return .dnsName(name)
    }
}
