import ArgumentParser
import Foundation
import SIPEdge
import WabaBridge

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Says everything that is wrong with configuration, certificate and store.",
        discussion: "It changes nothing and needs no port, so it can run beside Ibis.\n\n" + ConfigurationOptions.help)

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let findings = await Findings(options)
        for warning in findings.warnings { Output.line("warning: \(warning)") }
        guard findings.problems.isEmpty else {
            throw CommandFailure(findings.problems.joined(separator: "\n\n"))
        }
        Output.line(findings.summary)
    }

    /// Goes on after each problem, as far as the next part can be judged without the last.
    struct Findings {
        var problems: [String] = []
        var warnings: [String] = []
        var summary = ""

        init(_ options: ConfigurationOptions) async {
            do throws(ConfigurationProblems) {
                await check(try options.load())
            } catch {
                problems.append(error.description)
            }
        }

        private mutating func check(_ loaded: ConfigurationLoader.Loaded) async {
            let configuration = loaded.configuration
            warnings += configuration.advice()
            var wrong = FileCheck.problems(loaded)
            do throws(ConfigurationProblem) {
                _ = try FileCheck.greeting(loaded)
            } catch {
                wrong.append(error)
            }
            if let certificate = configuration.sip.certificate, let key = configuration.sip.key {
                let check = CertificateCheck(
                    certificateFile: certificate, keyFile: key, hostname: configuration.sip.hostname)
                wrong += check.problems.map(loaded.problem)
                warnings += check.warnings
            } else {
                warnings.append(
                    "There is no certificate (sip.certificate, sip.key): Meta will refuse the self-made one.")
            }
            if !wrong.isEmpty { problems.append(ConfigurationProblems(list: wrong).description) }
            await checkStore(configuration)
        }

        private mutating func checkStore(_ configuration: Configuration) async {
            guard Store.exists(at: configuration.storeFile) else {
                warnings.append("There is no store \(configuration.storeFile) yet; the first start makes it.")
                summary = "Nothing is wrong."
                return
            }
            do throws(StoreError) {
                let snapshot = try await Store.read(at: configuration.storeFile)
                var sentences: [String] = []
                let secrets = snapshot.hasSecrets ? try SecretBox.open(configuration, making: false) : nil
                _ = RoutingTable(snapshot, secrets: secrets, problems: &sentences)
                problems += sentences
                for record in snapshot.peers {
                    problems += record.problems().map { "The peer \(record.name): \($0)." }
                    if let file = record.tlsAuthority, !FileManager.default.isReadableFile(atPath: file) {
                        problems.append("The peer \(record.name): its tlsAuthority \(file) cannot be read.")
                    }
                }
                if snapshot.numbers.isEmpty { warnings.append("No number is in the store, so every call is refused.") }
                summary =
                    "Nothing is wrong: \(Words.count(snapshot.numbers.count, "number")), "
                    + "\(Words.count(snapshot.peers.count, "peer"))."
            } catch {
                problems.append(error.description)
            }
        }
    }
}
