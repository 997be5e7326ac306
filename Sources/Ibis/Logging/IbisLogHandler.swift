import Foundation
import Glibc
import Logging
import Synchronization

/// Writes log events to standard error: one line each, as text with `key=value` or as JSON.
struct IbisLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let format: Configuration.Log.Format
    private let now: @Sendable () -> Int64
    private let sink: @Sendable (String) -> Void

    /// - Parameters:
    ///   - now: milliseconds since 1970.
    ///   - sink: gets whole lines with their line feed.
    init(
        label: String, level: Logger.Level, format: Configuration.Log.Format,
        now: @escaping @Sendable () -> Int64 = wallClock,
        sink: @escaping @Sendable (String) -> Void = standardError
    ) {
        self.label = label
        self.logLevel = level
        self.format = format
        self.now = now
        self.sink = sink
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var facts = metadata
        if let provided = metadataProvider?.get() { facts.merge(provided) { _, new in new } }
        if let own = event.metadata { facts.merge(own) { _, new in new } }
        if let error = event.error { facts["error"] = "\(error)" }
        let line = LogLine(
            time: LogLine.timestamp(now()), level: event.level, label: label, message: "\(event.message)",
            facts: LogLine.flattened(facts))
        sink((format == .json ? line.json : line.text) + "\n")
    }

    @Sendable static func wallClock() -> Int64 {
        Int64(Date().timeIntervalSince1970 * 1000)
    }

    /// One write for each line, so that lines of several threads do not mix.
    @Sendable static func standardError(_ line: String) {
        var line = line
        line.withUTF8 { octets in
            var rest = octets[...]
            while !rest.isEmpty {
                let piece = UnsafeBufferPointer(rebasing: rest)
                let written = write(STDERR_FILENO, piece.baseAddress, piece.count)
                guard written > 0 else { return }  // a closed pipe: there is nowhere to say it
                rest = rest.dropFirst(written)
            }
        }
    }
}
