/// What is fed with octets nobody would send.
///
/// A target reads its input in every way that Ibis has, and holds what comes out against rules of its own. It never
/// traps: that is what the runs are there to show.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// A datagram, and the same octets as a stream in pieces.
    case message
    /// A session description, as an offer and as an answer.
    case sdp
    /// Challenges, and answers to them.
    case digest
    /// A script of events for one of the machines, on virtual time.
    case sequence

    /// - Throws: the rule that the input broke.
    public func run(_ input: [UInt8]) throws(FuzzFinding) {
        switch self {
        case .message: try MessageTarget.run(input)
        case .sdp: try SDPTarget.run(input)
        case .digest: try DigestTarget.run(input)
        case .sequence: try SequenceTarget.run(input)
        }
    }
}

/// A rule that an input broke.
public struct FuzzFinding: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}

func require(_ holds: Bool, _ rule: @autoclosure () -> String) throws(FuzzFinding) {
    if !holds { throw FuzzFinding(rule()) }
}
