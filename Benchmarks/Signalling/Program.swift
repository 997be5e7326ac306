import Foundation
import Glibc

/// Another program under way. Foundation's `Process` does not serve: it takes a program for running as long as any daemon
/// that it left behind is, and hands on the signal mask of the concurrency runtime's threads.
final class Program {
    let pid: pid_t
    let log: URL
    private var status: Int32?

    /// All that it writes goes to `log`.
    init(_ words: [String], log: URL) throws {
        self.log = log
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log.path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var argv: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, words[0], &actions, &attributes, &argv, environ)
        guard code == 0 else {
            throw BenchError(description: "\(words.joined(separator: " ")) could not be started (errno \(code))")
        }
        self.pid = pid
    }

    /// Runs a command to its end and gives back what it wrote; throws that where it failed.
    @discardableResult
    static func run(_ words: [String], log: URL) throws -> String {
        let program = try Program(words, log: log)
        var word: Int32 = 0
        while waitpid(program.pid, &word, 0) < 0, errno == EINTR {}
        program.status = word
        guard word == 0 else { throw program.failure("\(words.joined(separator: " ")) failed") }
        return program.output
    }

    /// The program's folder in PATH, with its name; nil: it is not installed.
    static func find(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return (path.split(separator: ":").map(String.init) + ["/usr/sbin"]).map { $0 + "/" + name }
            .first(where: FileManager.default.isExecutableFile)
    }

    var output: String { String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self) }

    var isRunning: Bool {
        guard status == nil else { return false }
        var word: Int32 = 0
        if waitpid(pid, &word, WNOHANG) == pid { status = word }
        return status == nil
    }

    func failure(_ what: String) -> BenchError {
        BenchError(description: "\(what):\n\(output.suffix(1_500))")
    }

    func stop(_ signal: Int32 = SIGTERM) {
        guard isRunning else { return }
        kill(pid, signal)
        for _ in 0..<100 where isRunning { usleep(20_000) }
        guard isRunning else { return }
        kill(pid, SIGKILL)
        for _ in 0..<100 where isRunning { usleep(20_000) }
    }
}
