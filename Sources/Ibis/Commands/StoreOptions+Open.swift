import WabaBridge

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

    private func requireFile(_ path: String) throws {
        guard Store.exists(at: path) else {
            throw CommandFailure(
                "there is no store \(path) yet: start Ibis once (ibis serve), or name the file with --store-file")
        }
    }
}
