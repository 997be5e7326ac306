import Synchronization

/// What the edge counted since its start; every refusal of input has a counter. Written on the signalling loop, read anywhere.
public final class EdgeCounters: Sendable {
    public enum Name: String, Sendable, CaseIterable {
        case connectionsAccepted = "connections_accepted"
        case connectionsRefusedSource = "connections_refused_source"
        case connectionsRefusedLimit = "connections_refused_limit"
        case handshakesFailed = "handshakes_failed"
        case handshakesTimedOut = "handshakes_timed_out"
        case connectionsTooSlow = "connections_too_slow"
        case connectionsIdle = "connections_idle"
        /// Ended as too many octets of unfinished messages were held.
        case connectionsBuffersFull = "connections_buffers_full"
        /// Handshakes ended early to make room for a new connection.
        case handshakesEvicted = "handshakes_evicted"
        case framingLost = "framing_lost"
        case messagesMalformed = "messages_malformed"
        case datagramsRefusedSource = "datagrams_refused_source"
        case requestsReceived = "requests_received"
        case responsesReceived = "responses_received"
        case responsesUnmatched = "responses_unmatched"
        case requestsOutsideDialog = "requests_outside_dialog"
        /// INVITEs answered 503 without a transaction, as too many are open.
        case transactionsShed = "transactions_shed"
        case callsStarted = "calls_started"
        case callsAnswered = "calls_answered"
        case callsRefused = "calls_refused"
        case callsShed = "calls_shed"
        /// Ended here as nothing was heard of the caller any more.
        case callsSilent = "calls_silent"
        /// Attempts at a peer that failed so that another could be tried, and those that were made in their place.
        case peerAttemptsFailed = "peer_attempts_failed"
        case peerFailovers = "peer_failovers"
        /// INVITEs answered 503 as every peer of the route was at its limits.
        case callsRefusedPeersFull = "calls_refused_peers_full"
    }

    private let values: [Cell]

    private final class Cell: Sendable {
        let value = Atomic<Int>(0)
    }

    public init() {
        values = Name.allCases.map { _ in Cell() }
    }

    func count(_ name: Name) {
        guard let index = Name.allCases.firstIndex(of: name) else { return }
        values[index].value.wrappingAdd(1, ordering: .relaxed)
    }

    public subscript(_ name: Name) -> Int {
        guard let index = Name.allCases.firstIndex(of: name) else { return 0 }
        return values[index].value.load(ordering: .relaxed)
    }

    public var snapshot: [(name: String, value: Int)] {
        Name.allCases.map { ($0.rawValue, self[$0]) }
    }
}
