/// Typed values, read on demand: nil when the field is missing or malformed.
extension Headers {
    /// The readable values, topmost first.
    public var vias: [Via] {
        var vias: [Via] = []
        forEachElement(.via) { octets, range in
            if let via = Via(parsing: octets.extracting(range)) { vias.append(via) }
            return true
        }
        return vias
    }

    public var topVia: Via? {
        guard let place = topViaPlace else { return nil }
        return Via(parsing: octets.span.extracting(place))
    }

    /// Where the first value of the first Via field stands.
    var topViaPlace: Range<Int>? {
        guard let place = firstPlace(of: .via) else { return nil }
        let value = octets.span.extracting(place)
        return place.lowerBound..<place.lowerBound + Headers.elementEnd(value, from: 0)
    }

    /// The branch of the top Via, "" for one without a value; cheaper than `topVia?.branch`.
    public var topBranch: String? {
        guard let place = topViaPlace else { return nil }
        let value = octets.span.extracting(place)
        guard let layout = Via.Layout(value),
            case .some(.some(let branch)) = Parameters.find("branch", header: value, from: layout.parameters)
        else { return nil }
        return value.text(branch)
    }

    public var from: NameAddr? { nameAddr(.from) }
    public var to: NameAddr? { nameAddr(.to) }

    /// The tag of From, "" for one without a value; cheaper than `from?.tag`.
    public var fromTag: String? { tag(.from) }
    /// The tag of To, "" for one without a value; cheaper than `to?.tag`.
    public var toTag: String? { tag(.to) }

    private func nameAddr(_ name: HeaderName) -> NameAddr? {
        guard let place = firstPlace(of: name) else { return nil }
        do {
            return try NameAddr(parsing: octets.span.extracting(place))
        } catch {
            return nil
        }
    }

    private func tag(_ name: HeaderName) -> String? {
        guard let place = firstPlace(of: name) else { return nil }
        let value = octets.span.extracting(place)
        guard case .some(.some(let tag)) = NameAddr.find("tag", in: value) else { return nil }
        return value.text(tag)
    }

    /// Any text without space. RFC 3261 wants `word ["@" word]`, which has no `=`, but Meta's Call-IDs end with it
    /// (meta-calling §7.1).
    public var callID: String? { callIDPlace.map(text) }

    var callIDPlace: Range<Int>? {
        guard let place = firstPlace(of: .callID), !place.isEmpty,
            octets.span.firstIndex(of: .space, in: place) == nil, octets.span.firstIndex(of: .tab, in: place) == nil
        else { return nil }
        return place
    }

    public var cseq: CSeq? {
        guard let place = firstPlace(of: .cseq) else { return nil }
        return CSeq(parsing: octets.span.extracting(place))
    }

    /// 0...255.
    public var maxForwards: Int? {
        guard let place = firstPlace(of: .maxForwards) else { return nil }
        return octets.span.decimal(place, limit: 255)
    }

    /// The first contact; nil for `*` too.
    public var contact: NameAddr? { firstElement(.contact).flatMap { NameAddr($0) } }

    /// `type/subtype` in lower case, without parameters.
    public var contentType: String? {
        guard let place = firstPlace(of: .contentType) else { return nil }
        let octets = octets.span.extracting(place)
        if octets.equals(0..<octets.count, "application/sdp") { return "application/sdp" }
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
