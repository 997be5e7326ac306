import Foundation
import Logging
import SIPEdge
import ServiceLifecycle
import UnixSignals

/// Takes a renewed certificate into use while calls go on: when the files change, and on SIGHUP. New connections get the
/// new one; those that are open keep theirs. Files that cannot be used change nothing, and the log says why.
struct CertificateReloader: Service {
    private static let interval = Duration.seconds(3)

    let hostname: String
    /// Nil while the certificate is self-made: then SIGHUP has nothing to read.
    let files: (certificate: String, key: String)?
    let state: CertificateState
    let logger: Logger
    /// Gives the edge chain and key.
    let use: @Sendable (_ chain: [UInt8], _ key: [UInt8]) async throws -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                group.addTask { await hangUps() }
                group.addTask { await watch() }
                group.addTask { await watchExpiry() }
            }
        }
    }

    private func hangUps() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup) {
            guard files != nil else {
                logger.notice("SIGHUP: nothing to read again, as the certificate is self-made.")
                continue
            }
            await reload(because: "SIGHUP")
        }
    }

    /// Asks for the files' dates every few seconds, which works on every file system. A change counts when it has stood
    /// still for one turn: certificate and key are written one after the other.
    private func watch() async {
        guard let files else { return }
        let paths = [files.certificate, files.key]
        var used = CertificateFiles.Stamp(paths)
        var seen = used
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let now = CertificateFiles.Stamp(paths)
            defer { seen = now }
            guard now != used, now == seen else { continue }
            used = now
            await reload(because: "the files have changed")
        }
    }

    private func watchExpiry() async {
        var watch = ExpiryWatch()
        repeat {
            if let expires = state.expires, let notice = watch.notice(expires: expires, now: Date()) {
                logger.log(level: notice.isUrgent ? .error : .warning, "\(notice.text)")
            }
        } while (try? await Task.sleep(for: .seconds(3_600))) != nil
    }

    func reload(because reason: String) async {
        guard let files else { return }
        let read = CertificateFiles(certificateFile: files.certificate, keyFile: files.key)
        let check = CertificateCheck(read, hostname: hostname)
        guard check.problems.isEmpty, let chain = read.certificate, let key = read.key else {
            return refused(
                check.problems.map { "\($0.file == .certificate ? files.certificate : files.key) \($0.remedy)" })
        }
        do {
            try await use(Array(chain), Array(key))
        } catch {
            return refused(["\(error)"])
        }
        state.use(expires: check.expires)
        for warning in check.warnings { logger.warning("\(warning)") }
        let end = check.expires.map { CertificateCheck.day($0) } ?? "?"
        logger.notice(
            "The new certificate is in use for new connections; it is valid until \(end).",
            metadata: ["reason": "\(reason)", "sip.certificate": "\(files.certificate)"])
    }

    private func refused(_ problems: [String]) {
        let text = problems.joined(separator: "; ")
        state.refuse(text)
        logger.error(
            "The new certificate is not taken into use, the old one stays: \(text). Correct the files; they are read again by themselves, or at once with SIGHUP."
        )
    }
}
