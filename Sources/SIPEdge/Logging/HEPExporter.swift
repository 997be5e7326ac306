import Foundation
import NIOCore
import NIOPosix
import SIPCore
import Synchronization

/// Where copies of all SIP messages go (Homer and the like).
public struct HEPConfiguration: Sendable, Hashable {
    /// Address literal or host name of the capture server.
    public var host: String
    /// Its UDP port.
    public var port: UInt16
    /// Tells this Ibis from other sources of the server.
    public var captureID: UInt32
    public var password: String?

    public init(host: String, port: UInt16 = 9060, captureID: UInt32 = 2001, password: String? = nil) {
        self.host = host
        self.port = port
        self.captureID = captureID
        self.password = password
    }
}

/// Sends HEP version 3 packets by UDP, best effort, from a loop that is not the signalling's: a slow or absent server costs
/// packets and never a call. SRTP keys and digest answers are covered before anything leaves.
final class HEPExporter {
    /// Packets that wait for the exporter's loop; more are dropped.
    private static let maximumWaiting = 2_048
    /// Legs whose call is known; the oldest are forgotten.
    private static let maximumCorrelations = 65_536

    /// One message, as it passed.
    struct Sighting: Sendable {
        let octets: [UInt8]
        let isSent: Bool
        let flow: Flow
        /// Our end; nil where the kernel chooses.
        let local: SocketAddress?
    }

    private let configuration: HEPConfiguration
    private let counters: EdgeCounters
    private let loop: any EventLoop
    private let waiting = Waiting()
    private var channel: (any Channel)?
    private var server: SocketAddress?
    /// By the Call-ID of a leg: that of the leg which the call came in by.
    private var correlations: [String: String] = [:]
    private var order: [String] = []
    private var first = 0

    private final class Waiting: Sendable {
        let count = Atomic<Int>(0)
    }

    init(_ configuration: HEPConfiguration, counters: EdgeCounters) {
        self.configuration = configuration
        self.counters = counters
        loop = MultiThreadedEventLoopGroup.singleton.next()
    }

    /// Makes the socket; what is sighted before is dropped. `home` is the loop that everything else here runs on.
    func start(home: any EventLoop) {
        let (host, port, loop) = (configuration.host, Int(configuration.port), loop)
        let this = NIOLoopBound(self, eventLoop: home)
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try SocketAddress.makeAddressResolvingHost(host, port: port)
        }.flatMap { server in
            DatagramBootstrap(group: loop).bind(host: server.protocol == .inet6 ? "::" : "0.0.0.0", port: 0)
                .map { (server, $0) }
        }.hop(to: home).assumeIsolated().whenSuccess { server, channel in
            this.value.server = server
            this.value.channel = channel
        }
    }

    func stop() {
        channel?.close(promise: nil)
        channel = nil
    }

    /// Both Call-IDs are legs of one call; `main` is that of the leg it came in by.
    func correlate(_ callID: String, with main: String) {
        guard callID != main, correlations.updateValue(main, forKey: callID) == nil else { return }
        order.append(callID)
        while order.count - first > Self.maximumCorrelations {
            correlations[order[first]] = nil
            first += 1
        }
        if first > 1_024, first > order.count / 2 {
            order.removeFirst(first)
            first = 0
        }
    }

    func sight(_ sighting: Sighting) {
        guard let channel, let server else { return }
        guard waiting.count.load(ordering: .relaxed) < Self.maximumWaiting else {
            return counters.count(.hepDropped)
        }
        let own = Self.callID(in: sighting.octets)
        let correlation = correlations[own] ?? own
        waiting.count.wrappingAdd(1, ordering: .relaxed)
        let (waiting, configuration, counters) = (waiting, configuration, counters)
        channel.eventLoop.execute {
            waiting.count.wrappingSubtract(1, ordering: .relaxed)
            guard channel.isWritable,
                let octets = Self.packet(sighting, configuration, correlation: correlation)?.encoded()
            else { return counters.count(.hepDropped) }
            counters.count(.hepSent)
            channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: server, data: ByteBuffer(bytes: octets)), promise: nil)
        }
    }

    static func packet(
        _ sighting: Sighting, _ configuration: HEPConfiguration, correlation: String
    ) -> HEP3Packet? {
        guard var far = endpoint(sighting.flow.remote) else { return nil }
        var near = sighting.local.flatMap(endpoint) ?? .init(address: [], port: 0)
        if near.address.count != far.address.count { near.address = far.address.map { _ in 0 } }
        var payload = sighting.octets
        SecretMask.cover(&payload)
        if sighting.isSent { swap(&far, &near) }
        let microseconds = UInt64(max(Date().timeIntervalSince1970, 0) * 1_000_000)
        return HEP3Packet(
            source: far, destination: near, transport: sighting.flow.transport == .udp ? .udp : .tcp,
            seconds: UInt32(truncatingIfNeeded: microseconds / 1_000_000),
            microseconds: UInt32(truncatingIfNeeded: microseconds % 1_000_000), captureID: configuration.captureID,
            password: configuration.password, correlation: correlation, payload: payload)
    }

    private static func endpoint(_ address: SocketAddress) -> HEP3Packet.Endpoint? {
        guard let text = address.ipAddress, let octets = CIDR.octets(of: text) else { return nil }
        return .init(address: octets, port: UInt16(clamping: address.port ?? 0))
    }

    /// The Call-ID of a message that is known to be well-formed enough to be sent or read; empty when there is none.
    static func callID(in octets: [UInt8]) -> String {
        var line = 0
        while line < octets.count {
            var end = line
            while end < octets.count, octets[end] != UInt8(ascii: "\n") { end += 1 }
            let text = String(decoding: octets[line..<end], as: UTF8.self)
            if text.allSatisfy(\.isWhitespace) { break }  // the head is over
            if let colon = text.firstIndex(of: ":") {
                let name = text[..<colon].lowercased().trimmingCharacters(in: .whitespaces)
                if name == "call-id" || name == "i" {
                    return text[text.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
                }
            }
            line = end + 1
        }
        return ""
    }
}
