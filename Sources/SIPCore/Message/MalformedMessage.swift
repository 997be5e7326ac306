/// Octets that are no acceptable SIP message, and what can be done about it.
///
/// A request with `request` set can be answered with `status`; a malformed response is dropped (RFC 3261 §18.1.2).
public struct MalformedMessage: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// The first line is neither a Request-Line nor a Status-Line.
        case notSIP
        case badStartLine
        case unsupportedVersion
        case badRequestURI(URIError)
        case badStatusCode
        case badHeaderLine
        case notUTF8
        case missing(HeaderName)
        case malformed(HeaderName)
        /// A field that may stand once stands several times with different values.
        case repeated(HeaderName)
        /// CSeq names another method than the Request-Line.
        case methodMismatch
        /// No blank line ends the header fields.
        case truncatedHead
        case truncatedBody(expected: Int, received: Int)
        case headTooLarge(limit: Int)
        case bodyTooLarge(limit: Int)
        case tooManyHeaderFields(limit: Int)
        case uriTooLong(limit: Int)
        /// More octets were handed to the framer than two messages can take.
        case bufferFull(limit: Int)
    }

    public var reason: Reason
    /// Offset of the line at fault from the message's first octet; 0 when it is no single line.
    public var offset: Int
    /// Set when a request was read far enough to be answered, that is when the fields a response copies are there.
    /// They may be malformed, Via too: send the answer where the request came from, without a transaction. Nil for
    /// ACK, which is never answered.
    public var request: Request?

    init(_ reason: Reason, offset: Int = 0, request: Request? = nil) {
        self.reason = reason
        self.offset = offset
        self.request = request
    }

    /// What to answer.
    public var status: Int {
        switch reason {
        case .unsupportedVersion: 505
        case .bodyTooLarge: 413
        case .uriTooLong: 414
        case .headTooLarge, .tooManyHeaderFields, .bufferFull: 513
        case .notSIP, .badStartLine, .badRequestURI, .badStatusCode, .badHeaderLine, .notUTF8, .missing, .malformed,
            .repeated, .methodMismatch, .truncatedHead, .truncatedBody:
            400
        }
    }

    /// A plain sentence without anything from the message, fit for a Warning text and for logs.
    public var description: String {
        switch reason {
        case .notSIP: "This is not SIP"
        case .badStartLine: "The first line is malformed"
        case .unsupportedVersion: "Only SIP/2.0 is understood"
        case .badRequestURI: "The Request-URI is malformed"
        case .badStatusCode: "The status code is not in 100 to 699"
        case .badHeaderLine: "A header line is malformed"
        case .notUTF8: "A header field is not UTF-8"
        case .missing(let name): "\(name) is missing"
        case .malformed(let name): "\(name) is malformed"
        case .repeated(let name): "\(name) stands more than once with different values"
        case .methodMismatch: "CSeq names another method than the request line"
        case .truncatedHead: "No blank line ends the header fields"
        case .truncatedBody(let expected, let received):
            "Content-Length promises \(expected) octets, \(received) came"
        case .headTooLarge(let limit): "The head is larger than \(limit) octets"
        case .bodyTooLarge(let limit): "The body is larger than \(limit) octets"
        case .tooManyHeaderFields(let limit): "There are more than \(limit) header fields"
        case .uriTooLong(let limit): "The Request-URI is longer than \(limit) octets"
        case .bufferFull(let limit): "More than \(limit) octets wait to be read"
        }
    }
}
