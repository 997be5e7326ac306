/// Start line and header fields as they stand, read line by line and judged afterwards: a fault in one line must not
/// hide the Content-Length that frames the message, nor the fields an answer needs.
struct MessageHead: Sendable {
    private enum StartLine: Sendable {
        case request(Method, SIPURI)
        case response(status: Int, reason: String)
        case unreadable
    }

    private struct Fault: Sendable {
        var reason: MalformedMessage.Reason
        var offset: Int
    }

    private var startLine: StartLine = .unreadable
    private var headers = Headers()
    private var isASCII = true
    private var contentLength: Int?
    /// The first one met.
    private var fault: Fault?
    /// Content-Length cannot be relied on.
    private var framingFault: Fault?

    /// Where the head ends, behind its blank line; nil when it is not there yet.
    ///
    /// - Parameter scanned: how far earlier calls looked; grows, so that dripped octets cost linear time.
    static func end(in octets: Span<UInt8>, scanned: inout Int) -> Int? {
        // Most octets are passed over: one that is no line end cannot be any of the four that end the head.
        var last = max(scanned, 3)
        while last < octets.count {
            // At least 3 and below the count.
            switch unsafe octets[unchecked: last] {
            case .lf:
                if octets[last - 1] == .cr, octets[last - 2] == .lf, octets[last - 3] == .cr { return last + 1 }
                last &+= 2
            case .cr: last &+= 1
            default: last &+= 4
            }
        }
        scanned = octets.count
        return nil
    }

    /// - Parameter octets: up to the blank line or beyond; an unfinished last line is left out.
    init(reading octets: Span<UInt8>, limits: MessageLimits) {
        var position = 0
        var kept: [UInt8] = []
        // The slack takes what the edge notes on the top Via.
        kept.reserveCapacity(octets.count + 192)
        octets.append(to: &kept)
        headers = Headers(in: kept)
        headers.reserve(fields: 24, octets: 0)
        isASCII = octets.isASCII(0..<octets.count)
        guard let first = Line(octets, from: &position) else {
            note(.notSIP, at: 0)
            return
        }
        readStartLine(octets, first, limits)
        while let line = Line(octets, from: &position), !line.range.isEmpty {
            guard headers.count < limits.maxHeaderFields else {
                note(.tooManyHeaderFields(limit: limits.maxHeaderFields), at: line.range.lowerBound)
                continue
            }
            readField(octets, line)
        }
    }

    private mutating func note(_ reason: MalformedMessage.Reason, at offset: Int) {
        if fault == nil { fault = Fault(reason: reason, offset: offset) }
    }
}

/// A line of the head with those that continue it (RFC 3261 §7.3.1).
private struct Line {
    /// Without the final CRLF.
    var range: Range<Int>
    var isFolded = false
    /// Has a CR or LF that ends no line.
    var hasStrayEnd = false

    /// Moves past one line; nil when none is complete.
    init?(_ octets: Span<UInt8>, from position: inout Int) {
        var at = position
        while let found = octets.firstLineEnd(in: at..<octets.count) {
            at = found
            guard octets[at] == .cr, at + 1 < octets.count, octets[at + 1] == .lf else {
                hasStrayEnd = true
                at += 1
                continue
            }
            if at > position, at + 2 < octets.count, octets[at + 2].isWhitespace {
                isFolded = true
                at += 3
                continue
            }
            range = position..<at
            position = at + 2
            return
        }
        return nil
    }
}

extension MessageHead {
    private mutating func readStartLine(_ octets: Span<UInt8>, _ line: Line, _ limits: MessageLimits) {
        let range = line.range
        guard MessageHead.isStartLine(octets, range), !line.hasStrayEnd, !line.isFolded else {
            return note(.notSIP, at: 0)
        }
        if MessageHead.isVersion(octets, range.prefix(4)) {
            readStatusLine(octets, range)
        } else {
            readRequestLine(octets, range, limits)
        }
    }

    /// Whether a line begins like a Status-Line or ends like a Request-Line, of whatever version. Anything else on a
    /// stream is not SIP and cannot be framed.
    static func isStartLine(_ octets: Span<UInt8>, _ range: Range<Int>) -> Bool {
        if isVersion(octets, range.prefix(4)) { return true }
        let line = octets.trimmed(range)
        guard let space = octets.lastIndex(of: .space, in: line) else { return false }
        return isVersion(octets, (space + 1..<line.upperBound).prefix(4))
    }

    private static func isVersion(_ octets: Span<UInt8>, _ range: Range<Int>) -> Bool {
        octets.equals(range, ignoringCase: "SIP/")
    }

    /// `Method SP Request-URI SP SIP-Version`, single spaces (RFC 3261 §7.1).
    private mutating func readRequestLine(_ octets: Span<UInt8>, _ range: Range<Int>, _ limits: MessageLimits) {
        let line = octets.trimmed(range)
        guard let last = octets.lastIndex(of: .space, in: line),
            let first = octets.firstIndex(of: .space, in: line), first < last
        else { return note(.badStartLine, at: 0) }
        let uriRange = first + 1..<last
        var methodEnd = line.lowerBound
        guard octets.scan(.token, &methodEnd).upperBound == first, first > line.lowerBound,
            let method = Method(octets, line.lowerBound..<first)
        else { return note(.badStartLine, at: 0) }
        if line != range { note(.badStartLine, at: 0) }
        if !octets.equals(last + 1..<line.upperBound, ignoringCase: "SIP/2.0") { note(.unsupportedVersion, at: 0) }
        startLine = .request(method, readURI(octets, uriRange, limits))
    }

    private mutating func readURI(_ octets: Span<UInt8>, _ range: Range<Int>, _ limits: MessageLimits) -> SIPURI {
        guard range.count <= limits.maxURILength else {
            note(.uriTooLong(limit: limits.maxURILength), at: 0)
            return SIPURI(unreadable: "")
        }
        do {
            let uri = try SIPURI(parsing: octets.extracting(range))
            // RFC 3261 §19.1.1: no headers in a Request-URI (RFC 4475 §3.1.2.11).
            if uri.headers != nil { note(.badRequestURI(.badParameters), at: 0) }
            return uri
        } catch {
            note(.badRequestURI(error), at: 0)
            return SIPURI(unreadable: octets.text(range) ?? "")
        }
    }

    /// `SIP-Version SP Status-Code SP Reason-Phrase`; the phrase and its space may be missing.
    private mutating func readStatusLine(_ octets: Span<UInt8>, _ range: Range<Int>) {
        let space = octets.firstIndex(of: .space, in: range) ?? range.upperBound
        guard octets.equals(range.lowerBound..<space, ignoringCase: "SIP/2.0") else {
            return note(.unsupportedVersion, at: 0)
        }
        var position = min(space + 1, range.upperBound)
        let code = octets.scan(.digit, &position)
        guard code.count == 3, let status = octets.decimal(code, limit: 699), status >= 100,
            position == range.upperBound || octets[position] == .space
        else { return note(.badStatusCode, at: 0) }
        guard let reason = octets.text(min(position + 1, range.upperBound)..<range.upperBound) else {
            return note(.notUTF8, at: 0)
        }
        startLine = .response(status: status, reason: reason)
    }

    private mutating func readField(_ octets: Span<UInt8>, _ line: Line) {
        let range = line.range
        guard !line.hasStrayEnd, let colon = octets.firstIndex(of: UInt8(ascii: ":"), in: range),
            !octets[range.lowerBound].isWhitespace
        else { return note(.badHeaderLine, at: range.lowerBound) }
        let nameRange = octets.trimmed(range.lowerBound..<colon)
        let name = octets.extracting(nameRange)
        let known = HeaderName.Known(name)
        guard known != nil || HeaderName.isToken(name) else { return note(.badHeaderLine, at: range.lowerBound) }
        var value = octets.trimmed(colon + 1..<range.upperBound)
        guard isASCII || octets.isUTF8(value) else { return note(.notUTF8, at: range.lowerBound) }
        if line.isFolded { value = headers.add(octets: MessageHead.unfolded(octets, value)) }
        if known == .contentLength {
            readContentLength(value, at: range.lowerBound)
        } else {
            headers.append(Headers.Field(known, name: nameRange, value: value))
        }
    }

    /// The value with each CRLF and the space around it as one space.
    private static func unfolded(_ octets: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            guard octets[position] == .cr else {
                value.append(octets[position])
                position += 1
                continue
            }
            while value.last?.isWhitespace == true { value.removeLast() }
            while position < range.upperBound,
                octets[position] == .cr || octets[position] == .lf
                    || octets[position].isWhitespace
            { position += 1 }
            if !value.isEmpty { value.append(.space) }
        }
        while value.last?.isWhitespace == true { value.removeLast() }
        return value
    }

    /// Equal repetitions are tolerated, as Meta's partners log them (meta-calling §5.3).
    private mutating func readContentLength(_ value: Range<Int>, at offset: Int) {
        guard let length = headers.octets.span.decimal(value, limit: Int(Int32.max)) else {
            framingFault = framingFault ?? Fault(reason: .malformed(.contentLength), offset: offset)
            return
        }
        if let contentLength, contentLength != length {
            framingFault = framingFault ?? Fault(reason: .repeated(.contentLength), offset: offset)
        }
        contentLength = length
    }
}

extension MessageHead {
    /// Whether the first line could be told to be SIP at all.
    var isSIP: Bool { fault?.reason != .notSIP }

    /// Whether a body is announced, so that its length must be too on a stream.
    var hasContentType: Bool { headers.contains(.contentType) }

    /// The body's size as Content-Length gives it, nil without that field.
    ///
    /// - Throws: when it is unreadable, contradicts itself or exceeds the limit, so that the message has no known end.
    func bodyLength(limits: MessageLimits) throws(MalformedMessage) -> Int? {
        if let framingFault { throw malformed(framingFault.reason, at: framingFault.offset) }
        if let contentLength, contentLength > limits.maxBody { throw malformed(.bodyTooLarge(limit: limits.maxBody)) }
        return contentLength
    }

    /// An error that carries the request when it can be answered.
    func malformed(_ reason: MalformedMessage.Reason, at offset: Int = 0) -> MalformedMessage {
        MalformedMessage(reason, offset: offset, request: answerable)
    }

    private var answerable: Request? {
        guard case .request(let method, let uri) = startLine, method != .ack, headers.contains(.via),
            headers.contains(.from), headers.contains(.to), headers.contains(.callID), headers.contains(.cseq)
        else { return nil }
        return Request(method: method, uri: uri, headers: headers)
    }

    /// The message with its body, after all that every user of it relies on has been checked.
    func message(body: [UInt8]) throws(MalformedMessage) -> Message {
        if let fault { throw malformed(fault.reason, at: fault.offset) }
        var headers = headers
        if hasRepetitions {
            for name: HeaderName in [.from, .to, .callID, .cseq, .maxForwards, .contentType] {
                try collapse(name, in: &headers)
            }
        }
        try require(.via, headers.hasReadableTopVia)
        try require(.from, headers.hasReadableNameAddr(.from))
        try require(.to, headers.hasReadableNameAddr(.to))
        try require(.callID, headers.callIDPlace != nil)
        guard let cseq = headers.cseq else { throw absentOrMalformed(.cseq) }
        switch startLine {
        case .unreadable: throw malformed(.badStartLine)
        case .response(let status, let reason):
            return .response(Response(status: status, reason: reason, headers: headers, body: body))
        case .request(let method, let uri):
            guard cseq.method == method else { throw malformed(.methodMismatch) }
            if headers.contains(.maxForwards) { try require(.maxForwards, headers.maxForwards != nil) }
            for name: HeaderName in [.contact, .route, .recordRoute] {
                try require(name, headers.hasReadableElements(name))
            }
            return .request(Request(method: method, uri: uri, headers: headers, body: body))
        }
    }

    /// Whether a field that may stand once stands twice.
    private var hasRepetitions: Bool {
        var seen: UInt8 = 0
        for field in headers.fields {
            let bit: UInt8 =
                switch field.known {
                case .from: 1
                case .to: 2
                case .callID: 4
                case .cseq: 8
                case .maxForwards: 16
                case .contentType: 32
                default: 0
                }
            if seen & bit != 0 { return true }
            seen |= bit
        }
        return false
    }

    /// Keeps one of several equal fields and refuses different ones (RFC 4475 §3.3.8).
    private func collapse(_ name: HeaderName, in headers: inout Headers) throws(MalformedMessage) {
        let values = headers.all(name)
        guard values.count > 1 else { return }
        guard values.allSatisfy({ $0 == values.first }) else { throw malformed(.repeated(name)) }
        headers.keepFirst(name)
    }

    private func require(_ name: HeaderName, _ isReadable: Bool) throws(MalformedMessage) {
        if !isReadable { throw absentOrMalformed(name) }
    }

    private func absentOrMalformed(_ name: HeaderName) -> MalformedMessage {
        malformed(headers.contains(name) ? .malformed(name) : .missing(name))
    }
}

/// Checks of fields without making values of them.
extension Headers {
    fileprivate var hasReadableTopVia: Bool {
        guard let place = topViaPlace else { return false }
        let value = octets.span.extracting(place)
        guard let layout = Via.Layout(value) else { return false }
        return Parameters.find("", header: value, from: layout.parameters) != nil
    }

    fileprivate func hasReadableNameAddr(_ name: HeaderName) -> Bool {
        guard let place = firstPlace(of: name) else { return false }
        return NameAddr.isReadable(octets.span.extracting(place))
    }

    fileprivate func hasReadableElements(_ name: HeaderName) -> Bool {
        var isReadable = true
        forEachElement(name) { octets, range in
            let element = octets.extracting(range)
            isReadable = octets.equals(range, "*") || NameAddr.isReadable(element)
            return isReadable
        }
        return isReadable
    }
}
