import SIPCore
import SIPEdge
import WabaBridge

extension RoutingTable {
    /// The store's numbers and peers in the edge's terms.
    ///
    /// - Parameters:
    ///   - secrets: opens the passwords; nil: they stay unknown.
    ///   - problems: gets a sentence for each record that cannot be used, which happens when another version wrote it; the
    ///     others work.
    init(_ snapshot: StoreSnapshot, secrets: SecretBox?, problems: inout [String]) {
        self.init()
        for record in snapshot.peers {
            let port = record.port.flatMap(UInt16.init(exactly:))
            guard port != nil || record.port == nil else {
                problems.append("The peer \(record.name) has no usable port.")
                continue
            }
            peers[record.name] = Peer(
                name: record.name, host: record.host, port: port, transport: Peer.Transport(record.transport),
                secureMedia: record.secureMedia, ringTimeout: record.ringTimeout, tlsName: record.tlsName,
                tlsAuthorityFile: record.tlsAuthority, qualifyInterval: record.qualifyInterval,
                maximumCalls: record.maxCalls, maximumCallsPerSecond: record.maxCallsPerSecond,
                sources: record.sources.compactMap(CIDR.init),
                credentials: PeerCredentials(record, secrets: secrets, problems: &problems))
        }
        for record in snapshot.numbers {
            trunks[record.number] = TrunkNumber(record, secrets: secrets, problems: &problems)
            switch record.destination {
            case .peers(let members, let spread, let dialled):
                let usable = members.filter { peers[$0.name] != nil }
                for lost in members where peers[lost.name] == nil {
                    problems.append("The number \(record.number) goes to the peer \(lost.name), which is not usable.")
                }
                guard !usable.isEmpty else { continue }
                numbers[record.number] = .peers(
                    usable.map { .init($0.name, weight: $0.weight) }, Spread(spread), extension: dialled)
            case .application(let name):
                guard let application = Route.Application(rawValue: name) else {
                    problems.append(
                        "The number \(record.number) goes to the application \(name), which this version does not have."
                    )
                    continue
                }
                numbers[record.number] = .application(application)
            }
        }
    }
}

extension TrunkNumber {
    /// Nil for a number of which only the route is known.
    fileprivate init?(_ record: NumberRecord, secrets: SecretBox?, problems: inout [String]) {
        guard record.password != nil || record.challenge || record.domain != nil else { return nil }
        var credentials: DigestCredentials?
        if let sealed = record.password, let secrets {
            do throws(StoreError) {
                let password = try secrets.open(sealed, for: .number(record.number))
                credentials = DigestCredentials(username: String(record.number.dropFirst()), password: password)
            } catch {
                problems.append("\(error.message): \(error.remedy).")
            }
        }
        self.init(credentials: credentials, challenge: record.challenge, domain: record.domain)
    }
}

extension PeerCredentials {
    /// Nil for a peer without a password. Where it cannot be opened nobody has it, so that a peer that must prove itself is
    /// not believed by its address alone.
    fileprivate init?(_ record: PeerRecord, secrets: SecretBox?, problems: inout [String]) {
        guard let user = record.user, let sealed = record.password else { return nil }
        var password = IDSource.random.next()
        if let secrets {
            do throws(StoreError) {
                password = try secrets.open(sealed, for: .peer(record.name))
            } catch {
                problems.append("\(error.message): \(error.remedy).")
            }
        }
        self.init(user: user, password: password, realm: record.realm, identifies: record.identifyBy == .digest)
    }
}

extension Spread {
    fileprivate init(_ spread: NumberRecord.Spread) {
        switch spread {
        case .order: self = .order
        case .weight: self = .weight
        case .hash: self = .hash
        }
    }
}

extension Peer.Transport {
    init(_ transport: PeerRecord.Transport) {
        switch transport {
        case .udp: self = .udp
        case .tcp: self = .tcp
        case .tls: self = .tls
        }
    }
}
