import Foundation

/// Seconds of CPU time, as /proc has them.
struct CPUTime {
    var user = 0.0
    var system = 0.0
    var total: Double { user + system }

    static func + (left: CPUTime, right: CPUTime) -> CPUTime {
        CPUTime(user: left.user + right.user, system: left.system + right.system)
    }

    static func - (left: CPUTime, right: CPUTime) -> CPUTime {
        CPUTime(user: left.user - right.user, system: left.system - right.system)
    }

    static func ofProcess(_ pid: Int32) throws -> CPUTime { try read("/proc/\(pid)/stat") }

    /// Threads of this process whose name starts so.
    static func ofThreads(named prefix: String) throws -> CPUTime {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").reduce(CPUTime()) { sum, thread in
            // A thread may have ended since the listing.
            guard let name = try? String(contentsOfFile: "/proc/self/task/\(thread)/comm", encoding: .utf8),
                name.hasPrefix(prefix)
            else { return sum }
            return try sum + read("/proc/self/task/\(thread)/stat")
        }
    }

    private static func read(_ path: String) throws -> CPUTime {
        let stat = try String(contentsOfFile: path, encoding: .utf8)
        // The fields after the command's closing parenthesis; utime and stime are the 14th and 15th of all.
        let fields = (stat.split(separator: ")").last ?? "").split(separator: " ")
        guard fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) else {
            throw BenchError(description: "\(path) cannot be read")
        }
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        return CPUTime(user: user / ticks, system: system / ticks)
    }
}
