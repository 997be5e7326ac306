/// Typed values, read on demand: nil when the field is missing or malformed.
extension Headers {
    /// The readable values, topmost first.
    public var vias: [Via] { elements(.via).compactMap { Via($0) } }

    public var topVia: Via? {
        guard let value = self[first: .via] else { return nil }
        let octets = value.utf8Span.span
        return Via(parsing: octets.extracting(0..<Headers.elementEnd(octets, from: 0)))
    }

    public var from: NameAddr? { self[first: .from].flatMap { NameAddr($0) } }
    public var to: NameAddr? { self[first: .to].flatMap { NameAddr($0) } }

    /// Any text without space. RFC 3261 wants `word ["@" word]`, which has no `=`, but Meta's Call-IDs end with it
    /// (meta-calling §7.1).
    public var callID: String? {
        guard let value = self[first: .callID], !value.isEmpty,
            !value.utf8.contains(where: { $0.isWhitespace })
        else { return nil }
        return value
    }

    public var cseq: CSeq? { self[first: .cseq].flatMap { CSeq($0) } }

    /// 0...255.
    public var maxForwards: Int? {
        guard let value = self[first: .maxForwards] else { return nil }
        let octets = value.utf8Span.span
        return octets.decimal(0..<octets.count, limit: 255)
    }

    /// The first contact; nil for `*` too.
    public var contact: NameAddr? { elements(.contact).first.flatMap { NameAddr($0) } }

    /// `type/subtype` in lower case, without parameters.
    public var contentType: String? {
        guard let value = self[first: .contentType] else { return nil }
        let octets = value.utf8Span.span
        var position = 0
        let type = octets.scan(.token, &position)
        octets.skipWhitespace(&position)
        guard !type.isEmpty, octets.take("/", &position) else { return nil }
        octets.skipWhitespace(&position)
        let subtype = octets.scan(.token, &position)
        guard !subtype.isEmpty, let type = octets.text(type), let subtype = octets.text(subtype) else { return nil }
        return "\(type)/\(subtype)".asciiLowercased
    }

    /// Readable Route values in order.
    public var routes: [NameAddr] { elements(.route).compactMap { NameAddr($0) } }

    /// Record-Route values octet for octet, in order.
    public var recordRoutes: [String] { elements(.recordRoute) }
}
