import Foundation
import Testing

@testable import WabaBridge

struct SecretBoxTests {
    private let directory: TemporaryDirectory
    private let box: SecretBox
    private let owner = SecretOwner.number("+15550100001")

    init() throws {
        directory = try TemporaryDirectory()
        box = try SecretBox.open(keyFile: directory.file("key"), text: nil, making: true)
    }

    private func code(_ body: () throws -> Void) -> StoreError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? StoreError)?.code
        }
    }

    @Test(arguments: ["EXAMPLE-sip-password", "p", "пароль", String(repeating: "x", count: 1_024)])
    func comesBack(secret: String) throws {
        let sealed = try box.seal(secret, for: owner)
        #expect(try box.open(sealed, for: owner) == secret)
        #expect(!sealed.octets.elementsEqual(try box.seal(secret, for: owner).octets), "each has a nonce of its own")
        #expect(sealed.octets.count == secret.utf8.count + 33)
        #expect(!String(decoding: sealed.octets, as: UTF8.self).contains(secret) || secret.count == 1)
    }

    @Test(arguments: ["", "two\nlines", "nul\0", String(repeating: "x", count: 1_025)])
    func isNoPassword(secret: String) {
        #expect(code { _ = try box.seal(secret, for: owner) } == .invalid)
    }

    @Test func opensOnlyWhereItBelongs() throws {
        let sealed = try box.seal("EXAMPLE-sip-password", for: owner)
        for other in [SecretOwner.number("+15550100002"), .peer("+15550100001")] {
            #expect(code { _ = try box.open(sealed, for: other) } == .key)
        }
    }

    @Test func everyOctetIsProtected() throws {
        let sealed = try box.seal("EXAMPLE-sip-password", for: owner)
        for index in sealed.octets.indices {
            var octets = sealed.octets
            octets[index] ^= 1
            #expect(code { _ = try box.open(SealedSecret(octets: octets), for: owner) } == .key, "octet \(index)")
        }
        for length in 0..<sealed.octets.count {
            let cut = SealedSecret(octets: Array(sealed.octets.prefix(length)))
            #expect(code { _ = try box.open(cut, for: owner) } == .key, "\(length) octets")
        }
    }

    @Test func anotherKeySaysSo() throws {
        let sealed = try box.seal("EXAMPLE-sip-password", for: owner)
        let other = try SecretBox.open(keyFile: directory.file("other"), text: nil, making: true)
        let error = #expect(throws: StoreError.self) { try other.open(sealed, for: owner) }
        #expect(error?.message.contains("another key") == true)
        #expect(error?.remedy.contains("--password-stdin") == true)
    }

    @Test func theKeyFile() throws {
        let path = directory.file("key")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.count == 65)
        // Made once, then read; the environment can hold the same.
        let sealed = try box.seal("EXAMPLE-sip-password", for: owner)
        for again in [
            try SecretBox.open(keyFile: path, text: "", making: true),
            try SecretBox.open(keyFile: directory.file("none"), text: String(text.prefix(64)), making: false),
        ] {
            #expect(try again.open(sealed, for: owner) == "EXAMPLE-sip-password")
        }
        #expect(!FileManager.default.fileExists(atPath: directory.file("none")))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.file("")) == ["key"], "no draft is left")
    }

    @Test func keysThatCannotBeUsed() throws {
        let path = directory.file("key")
        #expect(code { _ = try SecretBox.open(keyFile: directory.file("none"), text: nil, making: false) } == .key)
        #expect(code { _ = try SecretBox.open(keyFile: directory.file("no/dir/key"), text: nil, making: true) } == .key)
        for text in [
            "12", String(repeating: "g", count: 64), String(repeating: "0", count: 65),
            "é" + String(repeating: "0", count: 62),
        ] {
            #expect(code { _ = try SecretBox.open(keyFile: path, text: text, making: true) } == .key, "\(text)")
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        let open = #expect(throws: StoreError.self) { try SecretBox.open(keyFile: path, text: nil, making: true) }
        #expect(open?.remedy == "chmod 600 \(path)")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        try Data("nothing".utf8).write(to: URL(fileURLWithPath: path))
        #expect(code { _ = try SecretBox.open(keyFile: path, text: nil, making: true) } == .key)
    }

    @Test func nothingShowsWhenPrinted() throws {
        let sealed = try box.seal("EXAMPLE-sip-password", for: owner)
        let text = try String(contentsOfFile: directory.file("key"), encoding: .utf8).prefix(64)
        for printed in ["\(sealed)", String(reflecting: sealed), "\(box)", String(reflecting: box)] {
            #expect(!printed.contains(text))
            #expect(printed.count < 40)
        }
    }
}
