import Foundation
import Media

/// Files that the configuration names and that are read at the start, apart from the certificate.
enum FileCheck {
    static func problems(_ loaded: ConfigurationLoader.Loaded) -> [ConfigurationProblem] {
        guard let roots = loaded.configuration.meta.trustRoots, !FileManager.default.isReadableFile(atPath: roots)
        else {
            return []
        }
        return [loaded.problem("meta.trustRoots", roots, "there is no such file, or this user may not read it")]
    }

    /// The configured greeting, or the built-in chime, encoded.
    static func greeting(_ loaded: ConfigurationLoader.Loaded) throws(ConfigurationProblem) -> Prompt {
        let file = loaded.configuration.greeting
        do throws(PromptError) {
            if let file { return try Prompt.load(wav: file) }
            return Prompt.chime()
        } catch {
            throw loaded.problem("apps.greeting", file, error.description)
        }
    }
}

extension ConfigurationLoader.Loaded {
    func problem(_ key: String, _ value: String?, _ remedy: String) -> ConfigurationProblem {
        ConfigurationProblem(key: key, value: value, origin: origins[key] ?? .builtIn, remedy: remedy)
    }

    func problem(_ finding: CertificateCheck.Finding) -> ConfigurationProblem {
        switch finding.file {
        case .certificate: problem("sip.certificate", configuration.sip.certificate, finding.remedy)
        case .key: problem("sip.key", configuration.sip.key, finding.remedy)
        }
    }
}
