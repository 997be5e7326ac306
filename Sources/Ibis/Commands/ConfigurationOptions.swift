import ArgumentParser
import Foundation

/// The options of commands that run on the configuration: a file, and every key as a flag.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The configuration file; without it, ibis.yaml here or in /etc/ibis.", valueName: "file"))
    var config: String?

    /// What the table of settings understands, so that there is one list of flags.
    @Argument(
        parsing: .allUnrecognized,
        help: ArgumentHelp("Any key of the configuration, see below.", valueName: "--key value"))
    var settings: [String] = []

    func load(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationProblems) -> ConfigurationLoader.Loaded {
        try ConfigurationLoader.load(file: config, flags: settings, environment: environment)
    }

    /// The flags, for the end of a command's help.
    static var help: String {
        let width = Setting.all.map(\.flagName.count).max() ?? 0
        let lines = Setting.all.map { setting in
            let space = String(repeating: " ", count: width - setting.flagName.count + 2)
            return "  \(setting.flagName)\(space)\(setting.summary)"
        }
        return """
            Every key of the configuration is a flag, an environment variable and a line of the YAML file: sip.tlsPort is \
            --sip-tls-port, IBIS_SIP_TLS_PORT, and tlsPort below sip. A flag wins over the environment, that over the file.

            \(lines.joined(separator: "\n"))
            """
    }
}

/// The options of commands that work on the store alone.
struct StoreOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The configuration file; without it, ibis.yaml here or in /etc/ibis.", valueName: "file"))
    var config: String?

    @Option(name: .long, help: ArgumentHelp("The SQLite file, instead of the configuration's.", valueName: "file"))
    var storeFile: String?

    func configuration(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationProblems) -> Configuration {
        let flags = storeFile.map { ["--store-file", $0] } ?? []
        return try ConfigurationLoader.load(file: config, flags: flags, environment: environment).configuration
    }

    func path() throws(ConfigurationProblems) -> String { try configuration().storeFile }
}
