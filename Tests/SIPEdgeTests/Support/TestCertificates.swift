import Foundation

/// Throw-away certificates for the process, made by `openssl`: each is its own authority.
enum TestCertificates {
    struct Pair: Sendable {
        let certificate: String
        let key: String
    }

    /// Of the edge: `sip.example.com`.
    static let edge = make("edge", names: "DNS:sip.example.com")
    /// Of the edge, made anew.
    static let renewed = make("renewed", names: "DNS:sip.example.com")

    static func octets(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// Of Meta's domain.
    static let meta = make("meta", names: "DNS:wa.meta.vc")
    static let pbx = make("pbx", names: "DNS:pbx.example.com")

    private static let folder: URL = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ibis-edge-\(UUID().uuidString)")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }()

    private static func make(_ name: String, names: String) -> Pair {
        let certificate = folder.appendingPathComponent("\(name).pem").path
        let key = folder.appendingPathComponent("\(name).key").path
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", certificate, "-days", "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(names)",
        ]
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
            process.waitUntilExit()
        } catch {
            preconditionFailure("openssl is needed for certificates of tests: \(error)")
        }
        return Pair(certificate: certificate, key: key)
    }
}
