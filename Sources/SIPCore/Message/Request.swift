/// A SIP request (RFC 3261 §7.1).
public struct Request: Hashable, Sendable {
    public var method: Method
    public var uri: SIPURI
    public var headers: Headers
    public var body: [UInt8]

    public init(method: Method, uri: SIPURI, headers: Headers = [], body: [UInt8] = []) {
        self.method = method
        self.uri = uri
        self.headers = headers
        self.body = body
    }

    /// An answer to this request (RFC 3261 §8.2.6): Via, From, To, Call-ID and CSeq are copied octet for octet.
    ///
    /// - Parameters:
    ///   - reason: the standard phrase when nil.
    ///   - toTag: put on To when it has no tag yet. With it, Record-Route is copied octet for octet into responses
    ///     that make a dialog, 101 to 299 (§12.1.1).
    ///   - headers: follow the copied ones; Content-Type belongs here when there is a body.
    public func response(
        _ status: Int, reason: String? = nil, toTag: String? = nil, headers extra: [HeaderField] = [],
        body: [UInt8] = []
    ) -> Response {
        var answer = Headers()
        answer.reserve(fields: headers.count + extra.count, octets: 1_024)
        answer.copy(.via, from: headers, onlyFirst: false)
        if toTag != nil, (101...299).contains(status) {
            answer.copy(.recordRoute, from: headers, onlyFirst: false)
        }
        answer.copy(.from, from: headers, onlyFirst: true)
        let tag = toTag.map { headers.toTag == nil ? ";tag=\($0)" : "" } ?? ""
        answer.copy(.to, from: headers, onlyFirst: true, suffix: tag)
        answer.copy(.callID, from: headers, onlyFirst: true)
        answer.copy(.cseq, from: headers, onlyFirst: true)
        if status == 100 { answer.copy(.timestamp, from: headers, onlyFirst: true) }
        for field in extra { answer.append(field) }
        return Response(status: status, reason: reason, headers: answer, body: body)
    }

    /// Notes on the top Via where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4): `received` when
    /// `rport` was asked for or sent-by is another address, and the port in `rport`. The other values of the field
    /// keep their octets.
    ///
    /// - Parameter address: the source address literal, IPv6 without brackets.
    public mutating func stampTopVia(received address: String, port: UInt16) {
        if let stamped = stampedVia(received: address, port: port) { headers.replaceFirst(.via, stamped) }
    }

    private func stampedVia(received address: String, port: UInt16) -> [UInt8]? {
        guard let field = headers.firstPlace(of: .via) else { return nil }
        let value = headers.octets.span.extracting(field)
        let end = Headers.elementEnd(value, from: 0)
        let top = value.extracting(0..<end)
        guard let layout = Via.Layout(top) else { return nil }
        let isOther = !top.equals(layout.host, ignoringCase: address)
        var asksPort = false
        var parameters: [UInt8] = []
        var afterPort: Int?
        var cursor = Parameters.Cursor(header: layout.parameters)
        while let parameter = cursor.next(in: top) {
            // Whatever the sender wrote there itself is not true.
            if top.equals(parameter.name, ignoringCase: "received") { continue }
            if top.equals(parameter.name, ignoringCase: "rport"), !asksPort {
                asksPort = true
                parameters += ";rport=\(port)".utf8
                afterPort = parameters.count
                continue
            }
            parameters.append(UInt8(ascii: ";"))
            top.extracting(parameter.name).append(to: &parameters)
            if let value = parameter.value {
                parameters.append(UInt8(ascii: "="))
                top.extracting(value).append(to: &parameters)
            }
        }
        if cursor.isMalformed { return nil }
        if asksPort || isOther {
            parameters.insert(contentsOf: ";received=\(address)".utf8, at: afterPort ?? parameters.count)
        }
        var stamped: [UInt8] = []
        stamped.reserveCapacity(field.count + 96)
        stamped += "SIP/2.0/".utf8
        top.extracting(layout.transport).append(to: &stamped)
        stamped.append(.space)
        let isIPv6 = top.firstIndex(of: UInt8(ascii: ":"), in: layout.host) != nil
        if isIPv6 { stamped.append(UInt8(ascii: "[")) }
        top.extracting(layout.host).append(to: &stamped)
        if isIPv6 { stamped.append(UInt8(ascii: "]")) }
        if let port = layout.port { stamped += ":\(port)".utf8 }
        stamped += parameters
        value.extracting(end..<value.count).append(to: &stamped)
        return stamped
    }

    /// The octets to send; Content-Length is counted from the body and written last.
    public func encoded() -> [UInt8] {
        MessageWriter.encode(startLine: (method.rawValue, uri.description, "SIP/2.0"), headers: headers, body: body)
    }
}
