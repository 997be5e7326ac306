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
        for via in headers.all(.via) { answer.append(.via, via) }
        if toTag != nil, (101...299).contains(status) {
            for route in headers.all(.recordRoute) { answer.append(.recordRoute, route) }
        }
        if let from = headers[first: .from] { answer.append(.from, from) }
        if let to = headers[first: .to] {
            if let toTag, headers.to?.tag == nil {
                answer.append(.to, "\(to);tag=\(toTag)")
            } else {
                answer.append(.to, to)
            }
        }
        if let callID = headers[first: .callID] { answer.append(.callID, callID) }
        if let cseq = headers[first: .cseq] { answer.append(.cseq, cseq) }
        if status == 100, let timestamp = headers[first: .timestamp] { answer.append(.timestamp, timestamp) }
        for field in extra { answer.append(field) }
        return Response(status: status, reason: reason, headers: answer, body: body)
    }

    /// Notes on the top Via where the request really came from (RFC 3261 §18.2.1, RFC 3581 §4): `received` when
    /// `rport` was asked for or sent-by is another address, and the port in `rport`. The other values of the field
    /// keep their octets.
    ///
    /// - Parameter address: the source address literal, IPv6 without brackets.
    public mutating func stampTopVia(received address: String, port: UInt16) {
        guard let value = headers[first: .via] else { return }
        let octets = value.utf8Span.span
        let end = Headers.elementEnd(octets, from: 0)
        guard var via = Via(parsing: octets.extracting(0..<end)) else { return }
        let asksPort = via.parameters.contains("rport")
        // Whatever the sender wrote there itself is not true.
        via.parameters["received"] = nil
        if asksPort { via.parameters["rport"] = "\(port)" }
        if asksPort || !via.host.equalsIgnoringASCIICase(address) {
            via.parameters.insert(.init(name: "received", value: address), after: "rport")
        }
        headers.replaceFirst(.via, via.description + (octets.text(end..<octets.count) ?? ""))
    }

    /// The octets to send; Content-Length is counted from the body and written last.
    public func encoded() -> [UInt8] {
        MessageWriter.encode(startLine: "\(method) \(uri) SIP/2.0", headers: headers, body: body)
    }
}
