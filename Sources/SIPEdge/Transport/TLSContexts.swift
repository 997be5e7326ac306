import NIOSSL

/// The TLS settings of the listener and of connections that we open (meta-calling §5).
struct TLSContexts {
    private var clients: [ClientKey: NIOSSLContext] = [:]

    private struct ClientKey: Hashable {
        let trustRootsFile: String?
        let verifies: Bool
    }

    /// Full chain and key from PEM files.
    static func server(certificateFile: String, privateKeyFile: String) throws(EdgeError) -> NIOSSLContext {
        do {
            return try server(
                chain: try NIOSSLCertificate.fromPEMFile(certificateFile),
                key: try NIOSSLPrivateKey(file: privateKeyFile, format: .pem))
        } catch {
            throw EdgeError(
                code: .certificate,
                message: "the certificate \(certificateFile) with key \(privateKeyFile) cannot be used (\(error))",
                remedy: "set sip.certificate to the full chain and sip.key to its private key, both PEM")
        }
    }

    /// Full chain and key, both PEM.
    static func server(certificate: [UInt8], privateKey: [UInt8]) throws(EdgeError) -> NIOSSLContext {
        do {
            return try server(
                chain: try NIOSSLCertificate.fromPEMBytes(certificate),
                key: try NIOSSLPrivateKey(bytes: privateKey, format: .pem))
        } catch {
            throw EdgeError(
                code: .certificate, message: "the certificate with its key cannot be used (\(error))",
                remedy: "give the full chain and its private key, both PEM")
        }
    }

    /// No ALPN, no client certificate is asked for; TLS 1.2 and 1.3.
    private static func server(chain: [NIOSSLCertificate], key: NIOSSLPrivateKey) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        return try NIOSSLContext(configuration: configuration)
    }

    /// Verifies chain and name, unless the target is a test's; offers no ALPN, which Meta answers with alert 120.
    mutating func client(for target: Target) throws(EdgeError) -> NIOSSLContext {
        let key = ClientKey(trustRootsFile: target.trustRootsFile, verifies: target.verifiesCertificate)
        if let known = clients[key] { return known }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let file = target.trustRootsFile { configuration.trustRoots = .file(file) }
        if !target.verifiesCertificate { configuration.certificateVerification = .none }
        do {
            let context = try NIOSSLContext(configuration: configuration)
            clients[key] = context
            return context
        } catch {
            throw EdgeError(
                code: .trustRoots,
                message: "the authorities in \(target.trustRootsFile ?? "the system's store") cannot be read",
                remedy: "name a PEM file with the authority's certificate")
        }
    }
}
