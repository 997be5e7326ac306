import Crypto
import Foundation
import Glibc
import SwiftASN1
import WabaBridge
import X509

/// A certificate for trying things out: made at the first start, kept beside the store, used again.
///
/// Meta accepts certificates of public authorities only (meta-calling §5), so each start says so.
struct SelfMadeCertificate: Sendable, Hashable {
    let certificateFile: String
    let keyFile: String
    /// False when an earlier start made it.
    let isFresh: Bool

    struct Failure: Error, Hashable, CustomStringConvertible {
        var description: String
    }

    private static let validDays = 397

    /// The kept certificate when it still serves `hostname`, a new one otherwise.
    static func ensure(
        beside storeFile: String, hostname: String, now: Date = Date()
    ) throws(Failure) -> SelfMadeCertificate {
        let (certificateFile, keyFile) = files(beside: storeFile)
        let check = CertificateCheck(certificateFile: certificateFile, keyFile: keyFile, hostname: hostname, now: now)
        if check.problems.isEmpty, let end = check.expires,
            end.timeIntervalSince(now) > Double(CertificateCheck.renewalDays) * 86_400
        {
            return SelfMadeCertificate(certificateFile: certificateFile, keyFile: keyFile, isFresh: false)
        }
        do {
            let (certificate, key) = try make(hostname: hostname, now: now)
            // The key first: with the old certificate beside it, the next start would notice and begin anew.
            try write(key, to: keyFile, mode: 0o600)
            try write(certificate, to: certificateFile, mode: 0o644)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(description: "cannot make a certificate for \(hostname): \(error)")
        }
        return SelfMadeCertificate(certificateFile: certificateFile, keyFile: keyFile, isFresh: true)
    }

    static func files(beside storeFile: String) -> (certificate: String, key: String) {
        let directory = (storeFile as NSString).deletingLastPathComponent
        let prefix = directory.isEmpty ? "" : "\(directory)/"
        return (prefix + "ibis-self-made-certificate.pem", prefix + "ibis-self-made-key.pem")
    }

    private static func make(hostname: String, now: Date) throws -> (certificate: String, key: String) {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("Ibis, self-made") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: now.addingTimeInterval(-86_400),
            notValidAfter: now.addingTimeInterval(Double(validDays) * 86_400),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                // No key usage: BoringSSL takes a certificate for its own authority only where the usage does not deny it.
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames(names(for: hostname))
            },
            issuerPrivateKey: .init(key))
        return (try certificate.serializeAsPEM().pemString + "\n", key.pemRepresentation + "\n")
    }

    /// `localhost` also by its addresses, since a first call is sent to 127.0.0.1.
    private static func names(for hostname: String) -> [GeneralName] {
        if let octets = CertificateCheck.addressOctets(hostname) {
            return [.ipAddress(ASN1OctetString(contentBytes: octets[...]))]
        }
        guard hostname == "localhost" else { return [.dnsName(hostname)] }
        return [.dnsName(hostname)]
            + ["127.0.0.1", "::1"].compactMap(CertificateCheck.addressOctets)
            .map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) }
    }

    /// Complete or not at all, and never readable by others even for a moment.
    private static func write(_ text: String, to path: String, mode: mode_t) throws(Failure) {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode)
        guard descriptor >= 0 else {
            throw Failure(description: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let octets = Array(text.utf8)
        guard Glibc.write(descriptor, octets, octets.count) == octets.count, rename(temporary, path) == 0 else {
            throw Failure(description: "cannot write \(path): \(String(cString: strerror(errno)))")
        }
    }
}
