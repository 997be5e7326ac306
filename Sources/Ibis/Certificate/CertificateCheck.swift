import Crypto
import Foundation
import Glibc
import SwiftASN1
import WabaBridge
import X509

/// Reads a certificate chain and its key, and says everything that Meta or a TLS library would stumble over.
struct CertificateCheck {
    /// What stops the start.
    private(set) var problems: [Finding] = []
    /// What someone should look at soon, whole sentences.
    private(set) var warnings: [String] = []
    private(set) var expires: Date?

    struct Finding: Hashable {
        enum File: Hashable { case certificate, key }
        var file: File
        /// What is wrong and what would be right.
        var remedy: String
    }

    /// Sooner than this before its end a certificate is warned about: renewals happen 30 days before.
    static let renewalDays = 21

    init(certificateFile: String, keyFile: String, hostname: String, now: Date = Date()) {
        self.init(
            CertificateFiles(certificateFile: certificateFile, keyFile: keyFile), hostname: hostname, now: now)
    }

    init(_ files: CertificateFiles, hostname: String, now: Date = Date()) {
        let certificateFile = files.certificateFile
        let chain = readChain(files.certificate)
        let key = readKey(files.key, files.keyFile)
        guard let leaf = chain.first else { return }
        expires = leaf.notValidAfter
        checkDates(leaf, now)
        checkName(leaf, hostname)
        if let key, key.publicKey != leaf.publicKey {
            problems.append(Finding(file: .key, remedy: "is not the key of the certificate \(certificateFile)"))
        }
        checkChain(chain)
    }

    private mutating func readChain(_ data: Data?) -> [Certificate] {
        guard let data else {
            problems.append(Finding(file: .certificate, remedy: "there is no such file, or this user may not read it"))
            return []
        }
        do {
            let documents = try PEMDocument.parseMultiple(pemString: String(decoding: data, as: UTF8.self))
            let chain = try documents.filter { $0.discriminator == Certificate.defaultPEMDiscriminator }
                .map { try Certificate(pemDocument: $0) }
            if chain.isEmpty {
                problems.append(
                    Finding(
                        file: .certificate,
                        remedy: "holds no certificate: it must begin with -----BEGIN CERTIFICATE-----"))
            }
            return chain
        } catch {
            problems.append(
                Finding(file: .certificate, remedy: "is no PEM file with certificates (\(Self.reason(error)))"))
            return []
        }
    }

    private mutating func readKey(_ data: Data?, _ path: String) -> Certificate.PrivateKey? {
        guard let data else {
            problems.append(Finding(file: .key, remedy: "there is no such file, or this user may not read it"))
            return nil
        }
        let text = String(decoding: data, as: UTF8.self)
        if text.contains("ENCRYPTED") {
            problems.append(
                Finding(file: .key, remedy: "is locked with a passphrase: write it without (openssl pkey -in … -out …)")
            )
            return nil
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        if let mode = attributes?[.posixPermissions] as? Int, mode & 0o007 != 0 {
            warnings.append("Every user of this machine can read the private key \(path): chmod 600 it.")
        }
        do {
            // EC keys of older tools come with a block of parameters before them.
            let documents = try PEMDocument.parseMultiple(pemString: text)
            guard let key = documents.first(where: { $0.discriminator.hasSuffix("PRIVATE KEY") }) else {
                problems.append(Finding(file: .key, remedy: "holds no private key"))
                return nil
            }
            return try Certificate.PrivateKey(pemDocument: key)
        } catch {
            problems.append(Finding(file: .key, remedy: "is no PEM file with a private key (\(Self.reason(error)))"))
            return nil
        }
    }

    private mutating func checkDates(_ leaf: Certificate, _ now: Date) {
        if leaf.notValidAfter < now {
            problems.append(
                Finding(file: .certificate, remedy: "has expired on \(Self.day(leaf.notValidAfter)): renew it"))
        } else if leaf.notValidBefore > now {
            problems.append(
                Finding(
                    file: .certificate,
                    remedy:
                        "is valid from \(Self.day(leaf.notValidBefore)) only: see that this machine's clock is right"
                ))
        } else {
            let days = Int(leaf.notValidAfter.timeIntervalSince(now) / 86_400)
            if days < Self.renewalDays {
                warnings.append(
                    "The certificate expires in \(days) days, on \(Self.day(leaf.notValidAfter)): renew it.")
            }
        }
    }

    private mutating func checkName(_ leaf: Certificate, _ hostname: String) {
        let names = Self.names(leaf)
        guard !names.contains(where: { Self.covers($0, hostname) }) else { return }
        let list = names.isEmpty ? "no name at all" : names.joined(separator: ", ")
        problems.append(
            Finding(
                file: .certificate,
                remedy: "is for \(list), not for sip.hostname (\(hostname)): correct one of the two"))
    }

    private mutating func checkChain(_ chain: [Certificate]) {
        guard let leaf = chain.first else { return }
        if leaf.issuer == leaf.subject {
            warnings.append("The certificate is signed by itself: Meta will refuse it.")
        } else if chain.count == 1 {
            warnings.append(
                "The certificate file holds no intermediate certificate: Meta needs the full chain (fullchain.pem).")
        }
        for (lower, upper) in zip(chain, chain.dropFirst()) where lower.issuer != upper.subject {
            warnings.append(
                "The certificates of the chain are not in order: each must be followed by the one that signed it.")
            break
        }
    }

    // MARK: Names

    /// Subject alternative names; the common name counts no longer (RFC 9525 §2).
    private static func names(_ leaf: Certificate) -> [String] {
        guard let alternatives = try? leaf.extensions.subjectAlternativeNames else { return [] }
        return alternatives.compactMap { name in
            switch name {
            case .dnsName(let name): name
            case .ipAddress(let octets): addressText(Array(octets.bytes))
            default: nil
            }
        }
    }

    /// A wildcard stands for exactly one label (RFC 9525 §6.3).
    static func covers(_ name: String, _ hostname: String) -> Bool {
        let (name, hostname) = (name.lowercased(), hostname.lowercased())
        if name == hostname { return true }
        guard name.hasPrefix("*."), !HostSyntax.isAddress(hostname) else { return false }
        guard let dot = hostname.firstIndex(of: "."), dot != hostname.startIndex else { return false }
        return hostname[dot...] == name.dropFirst()
    }

    static func addressText(_ octets: [UInt8]) -> String? {
        let family = octets.count == 4 ? AF_INET : AF_INET6
        guard octets.count == 4 || octets.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, octets, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    static func addressOctets(_ text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var octets = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &octets) == 1 { return octets }
        }
        return nil
    }

    // MARK: Words

    static func day(_ date: Date) -> String {
        date.formatted(.iso8601.year().month().day())
    }

    /// The first line of the library's words.
    private static func reason(_ error: any Error) -> String {
        String("\(error)".prefix { $0 != "\n" }.prefix(160))
    }
}
