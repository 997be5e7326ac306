import Glibc

/// The number of sockets and files that the process may have open.
enum DescriptorLimit {
    /// Raises the soft limit to the hard one; answers what is in force now.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        if limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// What the configured limits can take at most: connections, two sockets a call with one more for plain RTCP, and
    /// some for the rest.
    static func needed(_ limits: (calls: Int, connections: Int)) -> Int {
        limits.calls * 3 + limits.connections + 128
    }
}
