import Crypto
import Foundation
import SwiftASN1
import Testing
import X509

@testable import Ibis

struct CertificateTests {
    private static let now = Date(timeIntervalSince1970: 1_770_000_000)
    private let now = CertificateTests.now

    // MARK: Self-made

    @Test func madeOnceAndUsedAgain() throws {
        let directory = try TemporaryDirectory()
        let store = directory.file("ibis.sqlite")
        let first = try SelfMadeCertificate.ensure(beside: store, hostname: "sip.example.com", now: now)
        #expect(first.isFresh)
        #expect(try directory.mode(of: "ibis-self-made-key.pem") == 0o600)
        let text = try String(contentsOfFile: first.certificateFile, encoding: .utf8)

        let second = try SelfMadeCertificate.ensure(beside: store, hostname: "sip.example.com", now: now)
        #expect(!second.isFresh)
        #expect(try String(contentsOfFile: second.certificateFile, encoding: .utf8) == text)
        let check = CertificateCheck(
            certificateFile: second.certificateFile, keyFile: second.keyFile, hostname: "sip.example.com", now: now)
        #expect(check.problems.isEmpty)
        #expect(check.warnings == ["The certificate is signed by itself: Meta will refuse it."])
    }

    @Test(arguments: ["another name", "nearly expired", "key lost", "key of another", "damaged"])
    func madeAnew(_ reason: String) throws {
        let directory = try TemporaryDirectory()
        let store = directory.file("ibis.sqlite")
        let first = try SelfMadeCertificate.ensure(beside: store, hostname: "localhost", now: now)
        var (hostname, later) = ("localhost", now)
        switch reason {
        case "another name": hostname = "sip.example.com"
        case "nearly expired": later = now.addingTimeInterval(380 * 86_400)
        case "key lost": try FileManager.default.removeItem(atPath: first.keyFile)
        case "key of another":
            _ = try directory.write(P256.Signing.PrivateKey().pemRepresentation, to: "ibis-self-made-key.pem")
        default: _ = try directory.write("rubbish", to: "ibis-self-made-certificate.pem")
        }
        let second = try SelfMadeCertificate.ensure(beside: store, hostname: hostname, now: later)
        #expect(second.isFresh)
        let check = CertificateCheck(
            certificateFile: second.certificateFile, keyFile: second.keyFile, hostname: hostname, now: later)
        #expect(check.problems.isEmpty)
    }

    @Test(arguments: ["localhost", "127.0.0.1", "::1"])
    func localhostIsCoveredByAllItsNames(_ name: String) throws {
        let directory = try TemporaryDirectory()
        let made = try SelfMadeCertificate.ensure(beside: directory.file("x"), hostname: "localhost", now: now)
        let check = CertificateCheck(
            certificateFile: made.certificateFile, keyFile: made.keyFile, hostname: name, now: now)
        #expect(check.problems.isEmpty)
    }

    @Test func nowhereToWrite() throws {
        #expect(throws: SelfMadeCertificate.Failure.self) {
            try SelfMadeCertificate.ensure(beside: "/nonexistent/ibis.sqlite", hostname: "localhost", now: now)
        }
    }

    // MARK: Given

    /// An authority and a certificate for sip.example.com that it signed.
    private struct Given {
        var key = P256.Signing.PrivateKey()
        var authority: Certificate
        var leaf: Certificate

        init(names: [String] = ["sip.example.com"], from: Double = -10, days: Double = 80) throws {
            let authorityKey = P256.Signing.PrivateKey()
            let authorityName = try DistinguishedName { CommonName("Example Authority") }
            func certificate(
                _ subject: DistinguishedName, _ key: P256.Signing.PrivateKey, _ extensions: Certificate.Extensions
            ) throws -> Certificate {
                try Certificate(
                    version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
                    notValidBefore: CertificateTests.now.addingTimeInterval(from * 86_400),
                    notValidAfter: CertificateTests.now.addingTimeInterval(days * 86_400), issuer: authorityName,
                    subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
                    issuerPrivateKey: .init(authorityKey))
            }
            authority = try certificate(
                authorityName, authorityKey,
                Certificate.Extensions { Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil)) })
            leaf = try certificate(
                DistinguishedName { CommonName("whatever") }, key,
                Certificate.Extensions { SubjectAlternativeNames(names.map { .dnsName($0) }) })
        }

        func write(_ certificates: [Certificate], in directory: TemporaryDirectory, key: String? = nil) throws {
            let pem = try certificates.map { try $0.serializeAsPEM().pemString }.joined(separator: "\n")
            _ = try directory.write(pem, to: "cert.pem")
            _ = try directory.write(key ?? self.key.pemRepresentation, to: "key.pem")
            chmod(directory.file("key.pem"), 0o600)
        }
    }

    private func check(_ directory: TemporaryDirectory, hostname: String = "sip.example.com") -> CertificateCheck {
        CertificateCheck(
            certificateFile: directory.file("cert.pem"), keyFile: directory.file("key.pem"), hostname: hostname,
            now: now)
    }

    @Test func fullChainIsFine() throws {
        let (directory, given) = (try TemporaryDirectory(), try Given())
        try given.write([given.leaf, given.authority], in: directory)
        let check = check(directory)
        #expect(check.problems.isEmpty)
        #expect(check.warnings.isEmpty)
        #expect(check.expires == given.leaf.notValidAfter)
    }

    @Test func warnings() throws {
        let (directory, given) = (try TemporaryDirectory(), try Given(days: 20.5))
        try given.write([given.leaf], in: directory)
        chmod(directory.file("key.pem"), 0o644)
        let day = CertificateCheck.day(given.leaf.notValidAfter)
        #expect(
            check(directory).warnings == [
                "Every user of this machine can read the private key \(directory.file("key.pem")): chmod 600 it.",
                "The certificate expires in 20 days, on \(day): renew it.",
                "The certificate file holds no intermediate certificate: Meta needs the full chain (fullchain.pem).",
            ])
        let other = try Given()
        try given.write([given.leaf, other.leaf], in: directory)
        #expect(check(directory).warnings.last?.hasPrefix("The certificates of the chain are not in order") == true)
    }

    struct Broken: CustomTestStringConvertible {
        let testDescription: String
        let expected: [String]
        let make: @Sendable (TemporaryDirectory) throws -> Void

        init(_ name: String, _ expected: [String], _ make: @escaping @Sendable (TemporaryDirectory) throws -> Void) {
            (testDescription, self.expected, self.make) = (name, expected, make)
        }
    }

    @Test(arguments: [
        Broken(
            "no files",
            [
                "there is no such file, or this user may not read it",
                "there is no such file, or this user may not read it",
            ]
        ) { _ in },
        Broken("no certificate in it", ["holds no certificate: it must begin with -----BEGIN CERTIFICATE-----"]) {
            let given = try Given()
            try given.write([], in: $0)
            _ = try $0.write(given.key.pemRepresentation, to: "cert.pem")
        },
        Broken("no key in it", ["holds no private key"]) {
            let given = try Given()
            let pem = try given.leaf.serializeAsPEM().pemString
            try given.write([given.leaf, given.authority], in: $0, key: pem)
        },
        Broken("key is locked", ["is locked with a passphrase: write it without (openssl pkey -in … -out …)"]) {
            let given = try Given()
            let key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
            try given.write([given.leaf, given.authority], in: $0, key: key)
        },
        Broken("key of another", ["is not the key of the certificate "]) {
            let given = try Given()
            try given.write(
                [given.leaf, given.authority], in: $0, key: P256.Signing.PrivateKey().pemRepresentation)
        },
        Broken(
            "chain upside down", ["is for no name at all, not for sip.hostname", "is not the key of the certificate "]
        ) {
            let given = try Given()
            try given.write([given.authority, given.leaf], in: $0)
        },
        Broken(
            "another name", ["is for sip.example.org, not for sip.hostname (sip.example.com): correct one of the two"]
        ) {
            let given = try Given(names: ["sip.example.org"])
            try given.write([given.leaf, given.authority], in: $0)
        },
        Broken("expired", ["has expired on "]) {
            let given = try Given(days: -1)
            try given.write([given.leaf, given.authority], in: $0)
        },
        Broken("not yet valid", ["is valid from "]) {
            let given = try Given(from: 1)
            try given.write([given.leaf, given.authority], in: $0)
        },
    ])
    func broken(_ row: Broken) throws {
        let directory = try TemporaryDirectory()
        try row.make(directory)
        let problems = check(directory).problems.map(\.remedy)
        #expect(problems.count == row.expected.count, "\(problems)")
        for (problem, expected) in zip(problems, row.expected) { #expect(problem.hasPrefix(expected)) }
    }

    @Test func wildcards() {
        #expect(CertificateCheck.covers("*.example.com", "sip.example.com"))
        #expect(CertificateCheck.covers("SIP.example.com", "sip.EXAMPLE.com"))
        #expect(!CertificateCheck.covers("*.example.com", "a.sip.example.com"))
        #expect(!CertificateCheck.covers("*.example.com", "example.com"))
        #expect(!CertificateCheck.covers("*.0.2.1", "192.0.2.1"))
        #expect(!CertificateCheck.covers("example.com", "sip.example.com"))
    }
}
