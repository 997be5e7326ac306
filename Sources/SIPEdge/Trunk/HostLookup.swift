import CResolv
import Glibc
import NIOCore
import NIOPosix

/// The addresses of a host name, by the system's resolver: `/etc/hosts` and all else that nsswitch says, and what only the
/// name servers know, SRV records and times to live.
///
/// Everything here blocks, so it runs on ``pool``.
enum HostLookup {
    struct Found: Hashable, Sendable {
        var addresses: PeerAddresses
        /// When to ask again; of name servers the shortest of all records used.
        var timeToLive: Duration
    }

    /// Its own threads: a name server that does not answer holds up nobody but other look-ups.
    static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 2)
        pool.start()
        return pool
    }()

    /// For what has no time to live of its own, such as `/etc/hosts`.
    static let usualTimeToLive = Duration.seconds(60)
    /// Of SRV records; more hosts than that no peer has.
    private static let mostHosts = 16
    private static let mostAddresses = 16

    /// RFC 3263 §4.2: with a port, or without SRV records, the name's own addresses.
    ///
    /// - Parameters:
    ///   - family: of the socket that is to reach them; nil: either.
    ///   - known: what was found before. Where a name server fails just now, services do not turn into addresses.
    /// - Returns: Nil when nothing was found, for now or at all.
    static func find(
        _ host: String, port: UInt16?, transport: Peer.Transport, family: NIOBSDSocket.ProtocolFamily?,
        known: PeerAddresses
    ) -> Found? {
        if port == nil {
            switch ask("\(transport.serviceLabel).\(host)", type: typeSRV) {
            case .answer(let answer) where !answer.services.isEmpty:
                return services(answer, family: family)
            case .failure where known.areServices:
                return nil
            case .answer, .nothing, .failure: break
            }
        }
        let addresses = addresses(of: host, port: port ?? transport.usualPort, family: family)
        guard !addresses.isEmpty else { return nil }
        return Found(addresses: PeerAddresses(host, addresses), timeToLive: timeToLive(of: host, family: family))
    }

    private static func services(_ answer: DNSAnswer, family: NIOBSDSocket.ProtocolFamily?) -> Found? {
        var found = Found(
            addresses: PeerAddresses(areServices: true),
            timeToLive: answer.secondsToLive.map { .seconds(Int64($0)) } ?? usualTimeToLive)
        let services = answer.services.sorted { $0.priority < $1.priority }.prefix(mostHosts)
        for service in services where !service.target.isEmpty && service.port > 0 {
            let addresses = addresses(of: service.target, port: service.port, family: family)
            guard !addresses.isEmpty else { continue }
            found.addresses.hosts.append(
                .init(
                    name: service.target, priority: service.priority, weight: service.weight, addresses: addresses))
            found.timeToLive = min(found.timeToLive, timeToLive(of: service.target, family: family))
        }
        // A target of "." says that there is no such service (RFC 2782), which is an answer.
        let isRefusal = services.allSatisfy(\.target.isEmpty)
        return found.addresses.hosts.isEmpty && !isRefusal ? nil : found
    }

    // MARK: Addresses

    /// In the resolver's order, each once; empty when there is none of the family.
    static func addresses(
        of host: String, port: UInt16, family: NIOBSDSocket.ProtocolFamily?
    ) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
        if let family { hints.ai_family = family.rawValue }
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &first) == 0 else { return [] }
        defer { freeaddrinfo(first) }
        var found: [SocketAddress] = []
        var next = first
        while let entry = next?.pointee, found.count < mostAddresses {
            if let address = address(of: entry), !found.contains(address) { found.append(address) }
            next = entry.ai_next
        }
        return found
    }

    private static func address(of entry: addrinfo) -> SocketAddress? {
        guard let pointer = UnsafeRawPointer(entry.ai_addr) else { return nil }
        switch entry.ai_family {
        case AF_INET: return SocketAddress(pointer.loadUnaligned(as: sockaddr_in.self))
        case AF_INET6: return SocketAddress(pointer.loadUnaligned(as: sockaddr_in6.self))
        default: return nil
        }
    }

    // MARK: Name servers

    /// `getaddrinfo` does not tell it, so the name servers are asked once more; a name that they do not know is in
    /// `/etc/hosts`.
    private static func timeToLive(of host: String, family: NIOBSDSocket.ProtocolFamily?) -> Duration {
        var types: [Int32] = []
        if family != .inet6 { types.append(typeA) }
        if family != .inet { types.append(typeAAAA) }
        var shortest: Duration?
        for type in types {
            guard case .answer(let answer) = ask(host, type: type), let seconds = answer.secondsToLive else { continue }
            shortest = min(shortest ?? .seconds(Int64(seconds)), .seconds(Int64(seconds)))
        }
        return shortest ?? usualTimeToLive
    }

    // RFC 1035 §3.2.2, RFC 3596 §2.1, RFC 2782.
    private static let typeA: Int32 = 1
    private static let typeAAAA: Int32 = 28
    private static let typeSRV: Int32 = 33

    private enum Reply {
        case answer(DNSAnswer)
        /// There is no such name, or no such record of it.
        case nothing
        /// Nobody answered, or nothing that can be read.
        case failure
    }

    private static func ask(_ name: String, type: Int32) -> Reply {
        var answer = [UInt8](repeating: 0, count: 16_384)
        let length = resolv_search(name, type, &answer, Int32(answer.count))
        guard length >= 0 else { return Int(length) == RESOLV_NO_RECORD ? .nothing : .failure }
        do {
            return .answer(try DNSAnswer(parsing: Array(answer.prefix(Int(length)))))
        } catch {
            return .failure
        }
    }
}
