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
            guard let port = UInt16(exactly: record.port) else {
                problems.append("The peer \(record.name) has no usable port.")
                continue
            }
            peers[record.name] = Peer(
                name: record.name, host: record.host, port: port, transport: Peer.Transport(record.transport),
                secureMedia: record.secureMedia, ringTimeout: record.ringTimeout, tlsName: record.tlsName,
                tlsAuthorityFile: record.tlsAuthority)
        }
        for record in snapshot.numbers {
            trunks[record.number] = TrunkNumber(record, secrets: secrets, problems: &problems)
            switch record.destination {
            case .peer(let name, let dialled):
                guard peers[name] != nil else {
                    problems.append("The number \(record.number) goes to the peer \(name), which is not usable.")
                    continue
                }
                numbers[record.number] = .peer(name, extension: dialled)
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

extension Peer.Transport {
    init(_ transport: PeerRecord.Transport) {
        switch transport {
        case .udp: self = .udp
        case .tcp: self = .tcp
        case .tls: self = .tls
        }
    }
}
