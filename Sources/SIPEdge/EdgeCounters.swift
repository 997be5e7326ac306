import Synchronization

/// What the edge counted since its start; every refusal of input has a counter. Written on the signalling loop, read anywhere.
public final class EdgeCounters: Sendable {
    public enum Name: Int, Sendable, CaseIterable {
        case connectionsAccepted
        case connectionsRefusedSource
        case connectionsRefusedLimit
        case handshakesFailed
        case handshakesTimedOut
        case connectionsTooSlow
        case connectionsIdle
        /// Ended as too many octets of unfinished messages were held.
        case connectionsBuffersFull
        /// Handshakes ended early to make room for a new connection.
        case handshakesEvicted
        case framingLost
        case messagesMalformed
        case datagramsRefusedSource
        case requestsReceived
        case responsesReceived
        case responsesUnmatched
        case requestsOutsideDialog
        /// Of a dialog of ours, but not from its peer.
        case messagesFromElsewhere
        case invitesMerged
        /// Our own INVITEs that came back, and those that have no hop left.
        case invitesLooped
        /// CANCELs of no INVITE, or from another host than the INVITE's.
        case cancelsUnmatched
        /// INVITEs answered 503 without a transaction: too many are open, too many came at once, or the machine is full.
        case transactionsShed
        case invitesShedRate
        case invitesShedSourceRate
        case invitesShedOverload
        /// Copies of messages for the capture server, and those that there was no time for.
        case hepSent
        case hepDropped
        /// INVITEs from Meta that were asked for the number's password, and those whose answer was wrong.
        case invitesChallenged
        case invitesUnauthenticated
        /// Challenges of Meta that we could not or must not answer.
        case challengesRefused
        case callsStarted
        case callsAnswered
        case callsRefused
        case callsShed
        /// Ended here as nothing was heard of the caller any more.
        case callsSilent
        /// Attempts at a peer that failed so that another could be tried, and those that were made in their place.
        case peerAttemptsFailed
        case peerFailovers
        /// Transfers that a PBX asked for: taken up; refused at once; those whose target did not answer.
        case transfers
        case transfersRefused
        case transfersFailed
        /// INVITEs answered 503 as every peer of the route was at its limits.
        case callsRefusedPeersFull
    }

    private let values: [Cell]

    private final class Cell: Sendable {
        let value = Atomic<Int>(0)
    }

    public init() {
        values = Name.allCases.map { _ in Cell() }
    }

    func count(_ name: Name) {
        values[name.rawValue].value.wrappingAdd(1, ordering: .relaxed)
    }

    public subscript(_ name: Name) -> Int {
        values[name.rawValue].value.load(ordering: .relaxed)
    }

    public var snapshot: [(name: String, value: Int)] {
        Name.allCases.map { ($0.label, self[$0]) }
    }
}

extension EdgeCounters.Name {
    /// `connections_accepted` for ``connectionsAccepted``.
    public var label: String {
        "\(self)".reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : "\($1)" }
    }
}
