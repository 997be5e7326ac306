import Foundation
import Glibc

/// Another program under way; all that it writes goes to one file.
///
/// It runs under `timeout`, which hands SIGTERM on, so that nothing outlives a test run that was killed. Foundation's
/// `Process` does not serve here: it takes a program for running as long as any daemon that it left behind is.
final class Program {
    let name: String
    let log: URL
    private let pid: pid_t
    private let input: Int32
    private var status: Int32?

    init(
        _ command: String, _ arguments: [String], environment: [String: String] = [:], in folder: URL, limit: Duration
    ) throws {
        name = URL(filePath: command).lastPathComponent
        log = folder.appending(path: "\(name).log")
        var pipe: [Int32] = [-1, -1]
        guard Glibc.pipe(&pipe) == 0 else { throw InteropFailure("no pipe (errno \(errno))") }
        _ = fcntl(pipe[1], F_SETFD, FD_CLOEXEC)
        defer { close(pipe[0]) }
        input = pipe[1]
        pid = try Program.spawn(
            ["env", "-C", folder.path, "timeout", "--kill-after=40", "\(limit.components.seconds)", command]
                + arguments,
            ProcessInfo.processInfo.environment.merging(environment) { $1 }.map { "\($0)=\($1)" }, pipe[0], log)
    }

    private static func spawn(_ words: [String], _ environment: [String], _ input: Int32, _ log: URL) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log.path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Threads of the concurrency runtime block signals, and a child inherits that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, "env", &actions, &attributes, &argv, &envp)
        guard code == 0 else {
            throw InteropFailure("“\(words.joined(separator: " "))” could not be started (errno \(code))")
        }
        return pid
    }

    deinit { close(input) }

    /// Gives the program something to read.
    func write(_ text: String) throws {
        let octets = Array(text.utf8)
        guard Glibc.write(input, octets, octets.count) == octets.count else {
            throw failure("reads nothing more (errno \(errno))")
        }
    }

    /// Exit status, or 128 and the signal's number; nil while it runs.
    private func poll() -> Int32? {
        if status == nil {
            var word: Int32 = 0
            if waitpid(pid, &word, WNOHANG) == pid {
                status = word & 0x7F == 0 ? word >> 8 & 0xFF : 128 + (word & 0x7F)
            }
        }
        return status
    }

    var isRunning: Bool { poll() == nil }

    var output: String {
        String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self)
    }

    func failure(_ what: String) -> InteropFailure {
        InteropFailure("\(name): \(what)", log: output)
    }

    /// Waits until the program has written `text`.
    func wait(for text: String, within limit: Duration) async throws {
        try await eventually(within: limit) {
            if output.contains(text) { return () }
            guard isRunning else { throw failure("ended before it said “\(text)”") }
            return nil
        } orFail: {
            failure("did not say “\(text)” within \(limit)")
        }
    }

    /// Exit status, once it has ended.
    func ended(within limit: Duration) async throws -> Int32 {
        try await eventually(within: limit) {
            poll()
        } orFail: {
            failure("still ran after \(limit)")
        }
    }

    func terminate() {
        if isRunning { kill(pid, SIGTERM) }
    }

    /// Runs a command to its end and gives back what it wrote; throws that where it failed.
    @discardableResult
    static func run(_ command: String, _ arguments: [String], in folder: URL, within limit: Duration = .seconds(60))
        async throws -> String
    {
        let program = try Program(command, arguments, in: folder, limit: limit)
        let status = try await program.ended(within: limit + .seconds(10))
        guard status == 0 else {
            throw program.failure("\(arguments.joined(separator: " ")) ended with status \(status)")
        }
        return program.output
    }
}
