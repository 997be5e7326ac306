import Foundation
import SIPEdge
import Testing

@testable import Ibis

struct ConfigurationTests {
    private func load(
        _ yaml: String? = nil, flags: [String] = [], environment: [String: String] = [:]
    ) throws -> ConfigurationLoader.Loaded {
        let directory = try TemporaryDirectory()
        let file = try yaml.map { try directory.write($0, to: "ibis.yaml") }
        return try ConfigurationLoader.load(file: file, flags: flags, environment: environment, usualFiles: [])
    }

    /// The messages, with the directory of the file taken away.
    private func problems(
        _ yaml: String? = nil, flags: [String] = [], environment: [String: String] = [:]
    ) throws -> [String] {
        do {
            _ = try load(yaml, flags: flags, environment: environment)
            return []
        } catch let problems as ConfigurationProblems {
            return problems.list.map {
                $0.description.replacing(/\/\S*\/ibis-[^\/]*\//, with: "").replacing("\n    ", with: " | ")
            }
        }
    }

    // MARK: Layers

    @Test func defaultsAloneAreRight() throws {
        let loaded = try load()
        #expect(loaded.configuration == Configuration())
        #expect(loaded.origins.isEmpty)
        #expect(loaded.file == nil)
    }

    @Test func flagsWinOverEnvironmentOverFileOverDefaults() throws {
        let yaml = """
            sip:
              tlsPort: 1001
              peerPort: 1002
              hostname: sip.example.com
            console:
              port: 1003
            """
        let environment = [
            "IBIS_SIP_PEER_PORT": "2002", "IBIS_CONSOLE_PORT": "2003", "IBIS_SOMETHING": "else",
            "IBIS_SIP_TLS_PORT": "", "HOME": "/",
        ]
        let loaded = try load(yaml, flags: ["--console-port", "3003", "--log-level=debug"], environment: environment)
        #expect(loaded.configuration.sip.tlsPort == 1001)
        #expect(loaded.configuration.sip.peerPort == 2002)
        #expect(loaded.configuration.console.port == 3003)
        #expect(loaded.configuration.log.level == "debug")
        #expect(loaded.configuration.sip.tlsAddress == "0.0.0.0")
        #expect(loaded.origins["sip.hostname"]?.line == 4)
        #expect(loaded.origins["sip.peerPort"] == .environment("IBIS_SIP_PEER_PORT"))
        #expect(loaded.origins["console.port"] == .flag("--console-port"))
        #expect(loaded.origins["media.portLow"] == nil)
    }

    @Test func everyKindOfValue() throws {
        let loaded = try load(
            """
            sip:
              trustedRanges:
                - 192.0.2.0/24
                - 2001:db8::/32
            media: {publicAddress: 192.0.2.7, workers: 3, portLow: 30000, portHigh: 30999}
            limits:
              handshakeTimeout: 2500ms
              idleTimeout: 2m
              calls: 50
              bufferedOctets: 8MB
            log: {format: json}
            meta.host: 127.0.0.1
            """)
        let configuration = loaded.configuration
        #expect(configuration.sip.trustedRanges == ["192.0.2.0/24", "2001:db8::/32"].compactMap(CIDR.init))
        #expect(configuration.media.publicAddress == "192.0.2.7")
        #expect(configuration.media.workers == 3)
        #expect(configuration.limits.handshakeTimeout == .milliseconds(2500))
        #expect(configuration.limits.idleTimeout == .seconds(120))
        #expect(configuration.limits.calls == 50)
        #expect(configuration.limits.bufferedOctets == 8_388_608)
        #expect(configuration.log.format == .json)
        #expect(configuration.meta.host == "127.0.0.1")
    }

    @Test func listsAreCommasOutsideOfFiles() throws {
        let ranges = ["192.0.2.0/24", "127.0.0.0/8"].compactMap(CIDR.init)
        let text = "192.0.2.0/24, 127.0.0.0/8"
        #expect(try load(flags: ["--sip-trusted-ranges", text]).configuration.sip.trustedRanges == ranges)
        let environment = ["IBIS_SIP_TRUSTED_RANGES": text]
        #expect(try load(environment: environment).configuration.sip.trustedRanges == ranges)
        #expect(try load("sip: {trustedRanges: '\(text)'}").configuration.sip.trustedRanges == ranges)
    }

    @Test func pathsInAFileAreRelativeToIt() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("sip: {certificate: tls/cert.pem, key: /etc/key.pem}", to: "ibis.yaml")
        let loaded = try ConfigurationLoader.load(
            file: nil, flags: ["--store-file", "here.sqlite"], environment: ["IBIS_CONFIG": file], usualFiles: [])
        #expect(loaded.configuration.sip.certificate == "\(directory.path)/tls/cert.pem")
        #expect(loaded.configuration.sip.key == "/etc/key.pem")
        #expect(loaded.configuration.storeFile == "here.sqlite")
    }

    @Test func usualFilesAreFoundInOrder() throws {
        let directory = try TemporaryDirectory()
        let second = try directory.write("sip: {tlsPort: 1001}", to: "second.yaml")
        let loaded = try ConfigurationLoader.load(
            file: nil, flags: [], environment: [:], usualFiles: [directory.file("first.yaml"), second])
        #expect(loaded.file == second)
        #expect(loaded.configuration.sip.tlsPort == 1001)
    }

    @Test func emptyFilesAndSectionsAreFine() throws {
        #expect(try load("# nothing yet\n").configuration == Configuration())
        #expect(try load("sip:\nmedia:\n  # portLow: 1\n").configuration == Configuration())
    }

    /// The table's text of a default, where it is a value, gives the default.
    @Test func defaultsOfTheTableAreTheRealOnes() {
        for setting in Setting.all {
            var configuration = Configuration()
            guard setting.apply([setting.defaultText], &configuration) == nil, !setting.isList else { continue }
            // A path may be any text, "a built-in chime" too.
            guard !setting.isPath || setting.key == "store.file" else { continue }
            #expect(configuration == Configuration(), "\(setting.key)")
        }
    }

    @Test func everyKeyHasItsThreeNames() {
        let setting = Setting.byKey["sip.trustedRanges"]
        #expect(setting?.environmentName == "IBIS_SIP_TRUSTED_RANGES")
        #expect(setting?.flagName == "--sip-trusted-ranges")
        #expect(Set(Setting.all.map(\.environmentName)).count == Setting.all.count)
        #expect(Set(Setting.all.map(\.flagName)).count == Setting.all.count)
    }

    // MARK: What is wrong

    struct Wrong: CustomTestStringConvertible {
        let testDescription: String
        var yaml: String?
        var flags: [String] = []
        var environment: [String: String] = [:]
        let expected: [String]
    }

    static let wrongs: [Wrong] = [
        Wrong(
            testDescription: "unknown key", yaml: "sip:\n  tlsProt: 5061",
            expected: ["sip.tlsProt: 5061  (ibis.yaml, line 2) | there is no such key; did you mean sip.tlsPort?"]),
        Wrong(
            testDescription: "unknown key in another spelling", yaml: "sip:\n  tls_port: 5061",
            expected: ["sip.tls_port: 5061  (ibis.yaml, line 2) | there is no such key; did you mean sip.tlsPort?"]),
        Wrong(
            testDescription: "unknown key without a neighbour", yaml: "weather: fine",
            expected: [
                "weather: fine  (ibis.yaml, line 1) | there is no such key; docs/configuration.md lists them all"
            ]),
        Wrong(
            testDescription: "port out of range", yaml: "sip:\n\n  tlsPort: 65536",
            expected: ["sip.tlsPort: 65536  (ibis.yaml, line 3) | must be a port, 1 to 65535"]),
        Wrong(
            testDescription: "port 0", flags: ["--sip-peer-port=0"],
            expected: ["sip.peerPort: 0  (flag --sip-peer-port) | must be a port, 1 to 65535"]),
        Wrong(
            testDescription: "no number", environment: ["IBIS_MEDIA_WORKERS": "many"],
            expected: [
                "media.workers: many  (environment variable IBIS_MEDIA_WORKERS) | must be a whole number, 1 to 64"
            ]),
        Wrong(
            testDescription: "list for one value", yaml: "console: {port: [1, 2]}",
            expected: ["console.port: 1, 2  (ibis.yaml, line 1) | must be a port, 1 to 65535, not a list"]),
        Wrong(
            testDescription: "section for one value", yaml: "console:\n  port:\n    tcp: 1",
            expected: ["console.port  (ibis.yaml, line 2) | must be a port, 1 to 65535, not a section"]),
        Wrong(
            testDescription: "value for a section", yaml: "log: debug",
            expected: ["log: debug  (ibis.yaml, line 1) | is a section: its keys go indented below it"]),
        Wrong(
            testDescription: "no value", yaml: "log:\n  level:",
            expected: [
                "log.level  (ibis.yaml, line 2) | has no value: give one of: trace, debug, info, notice, warning, error, "
                    + "critical, or remove the line"
            ]),
        Wrong(
            testDescription: "choice", environment: ["IBIS_LOG_FORMAT": "xml"],
            expected: ["log.format: xml  (environment variable IBIS_LOG_FORMAT) | must be one of: text, json"]),
        Wrong(
            testDescription: "host name", yaml: "sip: {hostname: my_host}",
            expected: ["sip.hostname: my_host  (ibis.yaml, line 1) | must be a host name, such as sip.example.com"]),
        Wrong(
            testDescription: "address", flags: ["--media-address", "localhost"],
            expected: [
                "media.address: localhost  (flag --media-address) | must be an IPv4 or IPv6 address, such as 0.0.0.0"
            ]
        ),
        Wrong(
            testDescription: "range", yaml: "sip:\n  trustedRanges: [192.0.2.0/24, 192.0.2.0/33]",
            expected: [
                "sip.trustedRanges: 192.0.2.0/24, 192.0.2.0/33  (ibis.yaml, line 2) | 192.0.2.0/33 must be an address "
                    + "range, such as 192.0.2.0/24 or 2001:db8::/32"
            ]),
        Wrong(
            testDescription: "empty list", yaml: "sip:\n  trustedRanges: []",
            expected: ["sip.trustedRanges:   (ibis.yaml, line 2) | must have at least one entry"]),
        Wrong(
            testDescription: "time without a unit", yaml: "limits: {messageTimeout: 10}",
            expected: [
                "limits.messageTimeout: 10  (ibis.yaml, line 1) | must be a time with its unit (ms, s, m or h), 1s to "
                    + "120s, such as 10s"
            ]),
        Wrong(
            testDescription: "size without a unit", yaml: "limits: {bufferedOctets: 8000000}",
            expected: [
                "limits.bufferedOctets: 8000000  (ibis.yaml, line 1) | must be a size in MB, 1MB to 4096MB, such as 64MB"
            ]),
        Wrong(
            testDescription: "certificate without key", yaml: "sip: {certificate: /etc/cert.pem}",
            expected: [
                "sip.certificate: /etc/cert.pem  (ibis.yaml, line 1) | sip.key must be given too, or neither of them"
            ]),
        Wrong(
            testDescription: "media ports the wrong way round", flags: ["--media-port-low", "30000"],
            expected: [
                "media.portHigh: 29999  (default) | must be at least 3 above media.portLow (30000): a call takes 4 ports"
            ]),
        Wrong(
            testDescription: "SIP among the media ports", flags: ["--sip-peer-port", "25060"],
            expected: [
                "sip.peerPort: 25060  (flag --sip-peer-port) | must be outside of media.portLow…media.portHigh "
                    + "(20000–29999)"
            ]),
        Wrong(
            testDescription: "two listeners on one port", yaml: "sip:\n  peerPort: 5061\nconsole:\n  port: 5061",
            expected: [
                "sip.peerPort: 5061  (ibis.yaml, line 2) | must differ from sip.tlsPort, as both listen on TCP",
                "console.port: 5061  (ibis.yaml, line 4) | must differ from sip.tlsPort, as both listen on TCP",
                "console.port: 5061  (ibis.yaml, line 4) | must differ from sip.peerPort, as both listen on TCP",
            ]),
        Wrong(
            testDescription: "unknown variable", environment: ["IBIS_SIP_TLS_PROT": "1"],
            expected: [
                "environment variable IBIS_SIP_TLS_PROT: 1 | there is no such variable; did you mean IBIS_SIP_TLS_PORT?"
            ]),
        Wrong(
            testDescription: "unknown flag with its value", flags: ["--log-levl", "debug", "--log-format", "json"],
            expected: ["flag --log-levl | there is no such flag; did you mean --log-level?"]),
        Wrong(
            testDescription: "flag without a value", flags: ["--log-level"],
            expected: [
                "log.level  (flag --log-level) | needs a value: one of: trace, debug, info, notice, warning, error, critical"
            ]),
        Wrong(
            testDescription: "stray word", flags: ["please"],
            expected: ["flag please | was not expected here; see ibis serve --help"]),
        Wrong(
            testDescription: "not YAML", yaml: "sip:\n  hostname: [a",
            expected: [
                "ibis.yaml, line 3 | is not YAML: did not find expected ',' or ']'"
            ]),
        Wrong(
            testDescription: "tabs", yaml: "sip:\n\ttlsPort: 1\n",
            expected: ["ibis.yaml, line 2 | is not YAML: lines are indented with spaces, never with tabs"]),
        Wrong(
            testDescription: "a list as the whole file", yaml: "- sip\n",
            expected: ["ibis.yaml, line 1 | the file must hold keys and values, such as sip: {tlsPort: 5061}"]),
        Wrong(
            testDescription: "twice in one section", yaml: "sip:\n  tlsPort: 1\n  tlsPort: 2",
            expected: ["ibis.yaml, line 2 | has the same key twice: tlsPort"]),
        Wrong(
            testDescription: "twice in two spellings", yaml: "sip:\n  tlsPort: 1\nsip.tlsPort: 2",
            expected: ["sip.tlsPort: 2  (ibis.yaml, line 3) | is in line 2 already: keep one of them"]),
        Wrong(
            testDescription: "no such file", environment: ["IBIS_CONFIG": "/nonexistent/ibis.yaml"],
            expected: [
                "environment variable IBIS_CONFIG: /nonexistent/ibis.yaml | there is no such file, or this user may not "
                    + "read it"
            ]),
        Wrong(
            testDescription: "wrong in the file though the flag wins", yaml: "sip: {tlsPort: x}",
            flags: ["--sip-tls-port", "5062"],
            expected: ["sip.tlsPort: x  (ibis.yaml, line 1) | must be a port, 1 to 65535"]),
        Wrong(
            testDescription: "all at once, in the order of lines",
            yaml: "sip:\n  nonsense: 1\n  tlsPort: x\nlog:\n  level: loud",
            flags: ["--media-workers", "0"], environment: ["IBIS_CONSOLE_PORT": "y"],
            expected: [
                "sip.nonsense: 1  (ibis.yaml, line 2) | there is no such key; docs/configuration.md lists them all",
                "sip.tlsPort: x  (ibis.yaml, line 3) | must be a port, 1 to 65535",
                "log.level: loud  (ibis.yaml, line 5) | must be one of: trace, debug, info, notice, warning, error, "
                    + "critical",
                "console.port: y  (environment variable IBIS_CONSOLE_PORT) | must be a port, 1 to 65535",
                "media.workers: 0  (flag --media-workers) | must be a whole number, 1 to 64",
            ]),
    ]

    @Test(arguments: wrongs)
    func wrong(_ row: Wrong) throws {
        #expect(try problems(row.yaml, flags: row.flags, environment: row.environment) == row.expected)
    }

    @Test func theWholeTextCountsThem() {
        let one = ConfigurationProblem(key: "a.b", value: "1", origin: .flag("--a-b"), remedy: "must be 2")
        #expect(
            ConfigurationProblems(list: [one]).description
                == "One thing in the configuration is wrong:\n\n  a.b: 1  (flag --a-b)\n      must be 2")
        #expect(
            ConfigurationProblems(list: [one, one]).description.hasPrefix("2 things in the configuration are wrong:"))
    }

    // MARK: The documentation

    /// docs/configuration.md names every key with its default.
    @Test func everyKeyIsDocumented() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        for setting in Setting.all {
            #expect(text.contains("| `\(setting.key)` | \(setting.summary) | \(setting.defaultText) |"))
        }
    }
}
