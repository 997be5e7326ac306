import ArgumentParser
import Foundation
import Testing
import WabaBridge

@testable import Ibis

struct CommandTests {
    private func parsed<Command: ParsableCommand>(_ type: Command.Type, _ arguments: [String]) throws -> Command {
        try #require(try IbisCommand.parseAsRoot(arguments) as? Command)
    }

    @Test func everyKeyIsAFlagOfServe() throws {
        let serve = try parsed(
            ServeCommand.self, ["serve", "--config", "x.yaml", "--sip-tls-port", "5062", "--log-level=debug"])
        #expect(serve.options.config == "x.yaml")
        #expect(serve.options.settings == ["--sip-tls-port", "5062", "--log-level=debug"])
        for setting in Setting.all {
            let command = try parsed(ServeCommand.self, ["serve", setting.flagName, "value"])
            #expect(command.options.settings == [setting.flagName, "value"])
        }
    }

    @Test func helpListsEveryFlag() {
        let help = IbisCommand.helpMessage(for: ServeCommand.self, columns: 400)
        for setting in Setting.all { #expect(help.contains(setting.flagName)) }
    }

    @Test func numbers() throws {
        let add = try parsed(
            NumberCommand.Add.self,
            ["number", "add", "+15550100001", "--peer", "asterisk", "--extension", "100", "--store-file", "x.sqlite"])
        #expect(add.number == "+15550100001")
        #expect(add.dialled == "100")
        #expect(add.store.storeFile == "x.sqlite")
        #expect(add.peer == [.init("asterisk")])
        let several = try parsed(
            NumberCommand.Add.self,
            ["number", "add", "+15550100001", "--peer", "a=3", "--peer", "b", "--spread", "HASH"])
        #expect(several.peer == [.init("a", weight: 3), .init("b")])
        #expect(several.spread == .hash)
        for wrong in [
            [], ["--peer", "a", "--echo"], ["--echo", "--extension", "1"], ["--peer", "a", "--spread", "hash"],
            ["--peer", "a=x"], ["--peer", "a", "--peer", "b", "--spread", "dice"],
        ] {
            #expect(throws: (any Error).self) {
                try IbisCommand.parseAsRoot(["number", "add", "+15550100001"] + wrong)
            }
        }
    }

    @Test func storeCommandsWorkOnOneFile() async throws {
        let directory = try TemporaryDirectory()
        let file = ["--config", try directory.write("store: {file: my.sqlite}", to: "ibis.yaml")]
        func run(_ arguments: [String]) async throws {
            var command = try IbisCommand.parseAsRoot(arguments + file)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        }
        await #expect(throws: CommandFailure.self) { try await run(["number", "list"]) }
        try await run(["peer", "add", "asterisk", "--host", "192.0.2.10", "--transport", "TCP", "--ring-timeout", "30"])
        try await run(["number", "add", "+1 555 010-0001", "--peer", "asterisk"])
        try await run(["number", "add", "+15550100002", "--echo"])
        let store = directory.file("my.sqlite")
        let expected = StoreSnapshot(
            numbers: [
                NumberRecord(number: "+15550100001", destination: .peer("asterisk", extension: nil)),
                NumberRecord(number: "+15550100002", destination: .application("echo")),
            ],
            peers: [
                PeerRecord(name: "asterisk", host: "192.0.2.10", transport: .tcp, ringTimeout: .seconds(30))
            ])
        #expect(try await Store.read(at: store) == expected)
        try await run(["number", "list"])
        try await run(["peer", "list"])

        try await run(["export", "--output", directory.file("all.yaml")])
        try await run(["number", "remove", "+15550100001"])
        try await run(["peer", "remove", "asterisk"])
        try await run(["import", directory.file("all.yaml"), "--exact"])
        #expect(try await Store.read(at: store) == expected)
        await #expect(throws: StoreError.self) { try await run(["peer", "remove", "asterisk"]) }
        await #expect(throws: CommandFailure.self) { try await run(["import", directory.file("none.yaml")]) }
    }

    @Test func passwordsOfPeers() async throws {
        let directory = try TemporaryDirectory()
        let file = ["--config", try directory.write("store: {file: my.sqlite}", to: "ibis.yaml")]
        func run(_ arguments: [String]) async throws {
            var command = try IbisCommand.parseAsRoot(["peer", "add", "a", "--host", "192.0.2.10"] + arguments + file)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        }
        func peer() async throws -> PeerRecord {
            try #require(try await Store.read(at: directory.file("my.sqlite")).peers.first)
        }
        let password = try directory.write("EXAMPLE-peer-password\n", to: "password")
        await #expect(throws: StoreError.self) { try await run(["--from", "0.0.0.0/0"]) }
        await #expect(throws: CommandFailure.self) { try await run(["--user", "ibis"]) }
        await #expect(throws: CommandFailure.self) { try await run(["--password-file", password]) }
        try await run(["--user", "ibis", "--password-file", password, "--from", "0.0.0.0/0", "--realm", "pbx"])
        let first = try await peer()
        #expect(first.identifyBy == .digest && first.realm == "pbx" && first.sources == ["0.0.0.0/0"])
        #expect(first.words.hasSuffix("also from 0.0.0.0/0, calls need its password"))
        let box = try SecretBox.open(keyFile: directory.file("my.sqlite.key"), text: nil, making: false)
        #expect(try box.open(try #require(first.password), for: .peer("a")) == "EXAMPLE-peer-password")

        // A change of something else keeps it; a password for our answers alone makes nobody prove anything.
        try await run(["--replace", "--max-calls", "3"])
        #expect(try await peer().password == first.password)
        try await run(["--replace", "--identify", "address", "--no-qualify"])
        #expect(try await peer().words.hasSuffix("no OPTIONS, password set"))
        try await run(["--replace", "--no-password"])
        #expect(try await peer() == PeerRecord(name: "a", host: "192.0.2.10", realm: "pbx"))
    }

    @Test func passwordsOfNumbers() async throws {
        let directory = try TemporaryDirectory()
        let file = ["--config", try directory.write("store: {file: my.sqlite}", to: "ibis.yaml")]
        func run(_ arguments: [String]) async throws {
            var command = try #require(
                try IbisCommand.parseAsRoot(arguments + file) as? any AsyncParsableCommand)
            try await command.run()
        }
        func number() async throws -> NumberRecord {
            try #require(try await Store.read(at: directory.file("my.sqlite")).numbers.first)
        }
        let password = try directory.write("EXAMPLE-sip-password\n", to: "password")
        let add = ["number", "add", "+15550100001", "--echo"]
        await #expect(throws: CommandFailure.self) { try await run(add + ["--challenge"]) }
        try await run(add + ["--password-file", password, "--challenge", "--domain", "Sip.Example.com"])
        let key = directory.file("my.sqlite.key")
        let box = try SecretBox.open(keyFile: key, text: nil, making: false)
        let first = try await number()
        #expect(first.words == "echo (password set, challenged, at sip.example.com)")
        #expect(try box.open(try #require(first.password), for: .number("+15550100001")) == "EXAMPLE-sip-password")

        // A new destination keeps what is not given.
        try await run(add + ["--replace"])
        #expect(try await number() == first)
        await #expect(throws: CommandFailure.self) { try await run(add + ["--replace", "--no-password"]) }
        await #expect(throws: CommandFailure.self) {
            try await run(add + ["--replace", "--password-file", directory.file("none")])
        }

        // Out and in again: without passwords they stay, with them they are the same.
        let plain = directory.file("plain.yaml")
        try await run(["export", "--output", plain])
        #expect(try !String(contentsOfFile: plain, encoding: .utf8).contains("EXAMPLE-sip-password"))
        try await run(["import", plain, "--exact"])
        #expect(try await number() == first)
        let full = directory.file("full.yaml")
        try await run(["export", "--output", full, "--with-passwords"])
        #expect(try String(contentsOfFile: full, encoding: .utf8).contains("    password: \"EXAMPLE-sip-password\"\n"))
        #expect(try FileManager.default.attributesOfItem(atPath: full)[.posixPermissions] as? Int == 0o600)
        try await run(["import", full, "--exact"])
        #expect(try await number() == first)
        try await run(["number", "remove", "+15550100001"])
        try await run(["import", full])
        #expect(
            try box.open(try #require(try await number().password), for: .number("+15550100001"))
                == "EXAMPLE-sip-password")
        try await run(["number", "remove", "+15550100001"])
        await #expect(throws: StoreError.self) { try await run(["import", plain]) }

        // Without its key, the store's passwords stop the start and the check.
        try await run(["import", full])
        try FileManager.default.removeItem(atPath: key)
        let check = try parsed(CheckCommand.self, ["check"] + file)
        let findings = await CheckCommand.Findings(check.options)
        #expect(findings.problems.contains { $0.contains("the key file \(key) is not there") }, "\(findings.problems)")

        try await run(add + ["--replace", "--no-password", "--no-challenge", "--domain", ""])
        #expect(try await number() == NumberRecord(number: "+15550100001", destination: .application("echo")))
    }

    @Test func checkSaysEverything() async throws {
        let directory = try TemporaryDirectory()
        let yaml = """
            sip: {certificate: none.pem, key: none.pem}
            meta: {trustRoots: none.pem}
            apps: {greeting: none.wav}
            store: {file: my.sqlite}
            """
        let file = try directory.write(yaml, to: "ibis.yaml")
        let check = try parsed(CheckCommand.self, ["check", "--config", file])
        let findings = await CheckCommand.Findings(check.options)
        #expect(findings.problems.count == 1)
        let text = findings.problems.first ?? ""
        #expect(text.hasPrefix("4 things in the configuration are wrong:"))
        for key in ["sip.certificate", "sip.key", "meta.trustRoots", "apps.greeting"] {
            #expect(text.contains("  \(key): "))
        }
        #expect(
            findings.warnings == ["There is no store \(directory.file("my.sqlite")) yet; the first start makes it."])
        #expect(!Store.exists(at: directory.file("my.sqlite")))
    }
}
