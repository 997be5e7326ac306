import Foundation
import Media
import SIPEdge
import WabaBridge

/// Gathers what `/status` and `/health` show.
struct StatusSource: Sendable {
    let edge: SIPEdge
    let media: MediaEngine
    let state: ServerState
    let certificate: CertificateState
    let configuration: Configuration
    let start: ContinuousClock.Instant

    func now() async -> ConsoleStatus {
        let (sip, console) = (configuration.sip, configuration.console)
        return ConsoleStatus(
            version: IbisVersion.number,
            problems: state.isStopping ? ["Ibis is stopping: it takes no new calls."] : [],
            uptimeSeconds: Int(clamping: start.duration(to: .now).components.seconds),
            listeners: [
                .init(name: "sip-tls", transports: ["tls"], address: sip.tlsAddress, port: Int(sip.tlsPort)),
                .init(
                    name: "sip-peers", transports: ["udp", "tcp"], address: sip.peerAddress, port: Int(sip.peerPort)),
                .init(name: "console", transports: ["http"], address: console.address, port: Int(console.port)),
            ],
            certificate: certificateStatus, admittedPercent: Int((await edge.admittedShare * 100).rounded()),
            calls: await edge.activeCalls, numbers: state.numbers, peers: state.peers,
            peerStates: await edge.peers.map(ConsoleStatus.Peer.init),
            counters: Dictionary(edge.counters.snapshot.map { ($0.name, $0.value) }) { first, _ in first },
            media: StatusSource.figures(media.statistics))
    }

    private var certificateStatus: ConsoleStatus.Certificate? {
        guard let expires = certificate.expires else { return nil }
        return .init(
            expires: expires.formatted(.iso8601), daysLeft: Int((expires.timeIntervalSinceNow / 86_400).rounded(.down)),
            problem: certificate.problem)
    }

    private static func figures(_ statistics: EngineStatistics) -> [String: Int] {
        [
            "sessions": statistics.sessions, "legs": statistics.legs,
            "packets_received": Int(clamping: statistics.packetsReceived),
            "packets_sent": Int(clamping: statistics.packetsSent),
            "octets_received": Int(clamping: statistics.octetsReceived),
            "octets_sent": Int(clamping: statistics.octetsSent),
            "dropped_stranger": Int(clamping: statistics.strangers),
            "dropped_unauthenticated": Int(clamping: statistics.unauthenticated),
            "dropped_malformed": Int(clamping: statistics.malformed),
            "dropped_replayed": Int(clamping: statistics.replayed),
            "dropped_unknown_payload": Int(clamping: statistics.unknownPayload),
            "dropped_late": Int(clamping: statistics.late),
            "send_failures": Int(clamping: statistics.sendFailures),
            "silence_sent": Int(clamping: statistics.silenceSent),
            "ports_free": statistics.portsFree, "ports_used": statistics.portsUsed,
            "ports_resting": statistics.portsResting, "ports_squatted": statistics.portsSquatted,
        ]
    }
}

extension ConsoleStatus.Peer {
    init(_ status: PeerStatus) {
        self.init(
            name: status.name, transport: status.transport.rawValue, state: status.state.rawValue,
            stateSeconds: Int(clamping: status.age.components.seconds), calls: status.calls,
            addresses: status.addresses,
            answerMilliseconds: status.roundTrip.map { Int(($0 / .milliseconds(1)).rounded(.up)) })
    }
}
