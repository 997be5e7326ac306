import Foundation

/// The certificate that the edge serves with: the configured one, checked, or a self-made one.
struct ServerCertificate: Sendable, Hashable {
    var certificateFile: String
    var keyFile: String
    var isSelfMade: Bool
    /// Made by this very start.
    var isFresh: Bool
    var expires: Date?
    var warnings: [String]

    /// - Throws: what is wrong with the configured files, by key.
    static func obtain(
        _ loaded: ConfigurationLoader.Loaded, now: Date = Date()
    ) throws(ConfigurationProblems) -> ServerCertificate {
        let configuration = loaded.configuration
        if let certificate = configuration.sip.certificate, let key = configuration.sip.key {
            let check = CertificateCheck(
                certificateFile: certificate, keyFile: key, hostname: configuration.sip.hostname, now: now)
            guard check.problems.isEmpty else { throw ConfigurationProblems(list: check.problems.map(loaded.problem)) }
            return ServerCertificate(
                certificateFile: certificate, keyFile: key, isSelfMade: false, isFresh: false, expires: check.expires,
                warnings: check.warnings)
        }
        do throws(SelfMadeCertificate.Failure) {
            let made = try SelfMadeCertificate.ensure(
                beside: configuration.storeFile, hostname: configuration.sip.hostname, now: now)
            return ServerCertificate(
                certificateFile: made.certificateFile, keyFile: made.keyFile, isSelfMade: true, isFresh: made.isFresh,
                expires: nil, warnings: [])
        } catch {
            throw ConfigurationProblems(list: [
                loaded.problem(
                    "store.file", configuration.storeFile, "\(error): see that this user may write beside the store")
            ])
        }
    }
}
