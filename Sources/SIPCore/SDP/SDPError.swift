/// Why a session description could not be read (RFC 8866). Line numbers start at 1; no text of the peer is kept, since
/// it may hold a key.
public enum SDPError: Error, Hashable, Sendable {
    case empty
    case tooLarge(limit: Int)
    case tooManyLines(limit: Int)
    case tooManyMedia(limit: Int)
    /// The line is not `<letter>=<value>`, or its value does not have the form its letter asks for.
    case malformedLine(type: Character?, number: Int)
    /// `v=` or `o=` is not where it must be.
    case missingLine(type: Character)
    /// `v=` is not 0.
    case unsupportedVersion
}

extension SDPError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .empty: "the session description is empty"
        case .tooLarge(let limit): "the session description is longer than \(limit) octets"
        case .tooManyLines(let limit): "the session description has more than \(limit) lines"
        case .tooManyMedia(let limit): "the session description has more than \(limit) m= lines"
        case .malformedLine(let type?, let number): "line \(number) of the session description, \(type)=, is malformed"
        case .malformedLine(nil, let number): "line \(number) of the session description is not of the form x=value"
        case .missingLine(let type): "the session description has no \(type)= line where one must stand"
        case .unsupportedVersion: "the session description is not of version 0"
        }
    }
}
