/// A SIP message. One made by the parser has readable Via, From, To, Call-ID and CSeq, and a request's CSeq names its
/// method.
public enum Message: Hashable, Sendable {
    public typealias Limits = MessageLimits

    case request(Request)
    case response(Response)

    public var headers: Headers {
        get {
            switch self {
            case .request(let request): request.headers
            case .response(let response): response.headers
            }
        }
        set {
            switch self {
            case .request(var request):
                request.headers = newValue
                self = .request(request)
            case .response(var response):
                response.headers = newValue
                self = .response(response)
            }
        }
    }

    public var body: [UInt8] {
        switch self {
        case .request(let request): request.body
        case .response(let response): response.body
        }
    }

    public func encoded() -> [UInt8] {
        switch self {
        case .request(let request): request.encoded()
        case .response(let response): response.encoded()
        }
    }

    /// Reads one whole datagram: the body is what Content-Length says, or the rest without it; octets beyond are
    /// dropped (RFC 3261 §18.3).
    public init(parsing datagram: Span<UInt8>, limits: Limits = .init()) throws(MalformedMessage) {
        var start = 0
        while start + 1 < datagram.count, datagram[start] == .cr, datagram[start + 1] == .lf { start += 2 }
        let octets = datagram.extracting(start..<datagram.count)
        guard octets.count > 0 else { throw MalformedMessage(.notSIP) }
        var scanned = 0
        let end = MessageHead.end(in: octets, scanned: &scanned)
        let headEnd = end ?? octets.count
        guard headEnd <= limits.maxHead else {
            throw MessageHead(reading: octets.extracting(0..<limits.maxHead), limits: limits)
                .malformed(.headTooLarge(limit: limits.maxHead))
        }
        let head = MessageHead(reading: octets.extracting(0..<headEnd), limits: limits)
        guard end != nil else { throw head.malformed(.truncatedHead) }
        let available = octets.count - headEnd
        let length = try head.bodyLength(limits: limits) ?? available
        guard length <= available else {
            throw head.malformed(.truncatedBody(expected: length, received: available))
        }
        guard length <= limits.maxBody else { throw head.malformed(.bodyTooLarge(limit: limits.maxBody)) }
        self = try head.message(body: octets.array(headEnd..<headEnd + length))
    }
}
