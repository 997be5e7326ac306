import Foundation
import WabaBridge

extension SecretBox {
    /// With the key of the environment, else of the configuration's file.
    static func open(
        _ configuration: Configuration, making: Bool,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(StoreError) -> SecretBox {
        try open(
            keyFile: configuration.keyFile, text: environment[ConfigurationLoader.keyVariable], making: making)
    }
}

extension StoreOptions {
    /// For commands that add: makes the file when it is not there, and says so.
    func openOrMake() async throws -> Store {
        let store = try await Store.open(at: path())
        if store.isNew { Output.line("Made a new store, \(store.path).") }
        return store
    }

    /// For commands that change what is there.
    func open() async throws -> Store {
        let path = try path()
        try requireFile(path)
        return try await Store.open(at: path)
    }

    /// For commands that only look: leaves the file as it is.
    func read() async throws -> StoreSnapshot {
        let path = try path()
        try requireFile(path)
        return try await Store.read(at: path)
    }

    /// What seals and opens passwords.
    /// - Parameter making: makes the key when there is none, and says so.
    func secrets(making: Bool) throws -> SecretBox {
        let configuration = try configuration()
        let isThere = Store.exists(at: configuration.keyFile)
        let box = try SecretBox.open(configuration, making: making)
        if making, !isThere, Store.exists(at: configuration.keyFile) {
            Output.line("Made the key \(configuration.keyFile); keep a copy of it apart from copies of the store.")
        }
        return box
    }

    private func requireFile(_ path: String) throws {
        guard Store.exists(at: path) else {
            throw CommandFailure(
                "there is no store \(path) yet: start Ibis once (ibis serve), or name the file with --store-file")
        }
    }
}
