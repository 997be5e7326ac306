/// The state two user agents share after an INVITE was answered (RFC 3261 §12).
///
/// Route set, remote target and the From and To values are kept as the octets received. Meta compares them: one changed
/// octet and the ACK gets lost or the BYE is answered 404 (meta-calling §7.3).
public struct Dialog: Hashable, Sendable {
    public let id: DialogID
    /// The From value of our requests, tag included.
    public let localURI: String
    /// The To value of our requests, tag included.
    public let remoteURI: String
    /// Route values in the order we write them.
    public let routeSet: [String]
    /// The URI in the peer's Contact, octet for octet.
    public var remoteTarget: String { target.description }
    /// Of our last request; 0 before the first one.
    public private(set) var localCSeq: UInt32
    /// Of the peer's last request; nil before the first one.
    public private(set) var remoteCSeq: UInt32?
    private var target: SIPURI

    /// The dialog of the side that was called (§12.1.1).
    /// - Parameter localTag: the tag we put on To.
    public static func uas(invite: Request, localTag: String) -> Dialog {
        let headers = invite.headers
        let to = headers[first: .to] ?? ""
        return Dialog(
            id: DialogID(
                callID: headers.callID ?? "", localTag: headers.toTag ?? localTag,
                remoteTag: headers.fromTag ?? ""),
            localURI: headers.toTag == nil ? "\(to);tag=\(localTag)" : to,
            remoteURI: headers[first: .from] ?? "", routeSet: headers.recordRoutes, localCSeq: 0,
            remoteCSeq: headers.cseq?.number,
            // Without a Contact, which RFC 3261 demands, From is the best guess.
            target: headers.contact?.uri ?? headers.from?.uri ?? invite.uri)
    }

    /// The dialog of the side that called (§12.1.2). The route set is the response's Record-Route reversed.
    /// - Parameter early: the dialog that provisional responses have made, whose numbers go on; its route set does not
    ///   (§13.2.2.4).
    public static func uac(invite: Request, response: Response, continuing early: Dialog? = nil) -> Dialog {
        let headers = response.headers
        return Dialog(
            id: DialogID(
                callID: invite.headers.callID ?? "", localTag: invite.headers.fromTag ?? "",
                remoteTag: headers.toTag ?? ""),
            localURI: invite.headers[first: .from] ?? "",
            remoteURI: headers[first: .to] ?? invite.headers[first: .to] ?? "",
            routeSet: headers.recordRoutes.reversed(), localCSeq: early?.localCSeq ?? invite.headers.cseq?.number ?? 1,
            remoteCSeq: early?.remoteCSeq,
            target: headers.contact?.uri ?? invite.uri)
    }

    private init(
        id: DialogID, localURI: String, remoteURI: String, routeSet: [String], localCSeq: UInt32, remoteCSeq: UInt32?,
        target: SIPURI
    ) {
        self.id = id
        self.localURI = localURI
        self.remoteURI = remoteURI
        self.routeSet = routeSet
        self.localCSeq = localCSeq
        self.remoteCSeq = remoteCSeq
        self.target = target
    }

    // MARK: Our requests

    /// A new request inside the dialog (§12.2.1.1).
    /// - Parameter branch: of its Via, magic cookie included.
    public mutating func request(
        _ method: Method, branch: String, party: LocalParty, headers: [HeaderField] = [], body: [UInt8] = []
    ) -> Request {
        localCSeq = localCSeq >= UInt32(Int32.max) ? 1 : localCSeq + 1
        return make(method, number: localCSeq, branch: branch, party: party, headers: headers, body: body)
    }

    /// The ACK to a 2xx (§13.2.2.4).
    /// - Parameters:
    ///   - number: the CSeq of the INVITE.
    ///   - headers: the INVITE's credentials, if it had some.
    public func ack(
        number: UInt32, branch: String, party: LocalParty, headers: [HeaderField] = [], body: [UInt8] = []
    ) -> Request {
        make(.ack, number: number, branch: branch, party: party, headers: headers, body: body)
    }

    private func make(
        _ method: Method, number: UInt32, branch: String, party: LocalParty, headers: [HeaderField], body: [UInt8]
    ) -> Request {
        var uri = target
        if uri.headers != nil { uri.headers = nil }  // may not stand in a Request-URI (§19.1.1)
        var routes = routeSet
        // A first hop without lr is a strict router: it goes into the Request-URI, the target to the end (§12.2.1.1).
        if let first = routes.first.flatMap({ NameAddr($0) }), !first.uri.parameters.contains("lr") {
            routes.removeFirst()
            routes.append("<\(uri)>")
            uri = first.uri
            if uri.headers != nil { uri.headers = nil }
        }
        var fields = Headers()
        fields.append(.via, party.via(branch: branch))
        for route in routes { fields.append(.route, route) }
        fields.append(.maxForwards, "70")
        fields.append(.from, localURI)
        fields.append(.to, remoteURI)
        fields.append(.callID, id.callID)
        fields.append(.cseq, CSeq(number: number, method: method).description)
        switch method {
        case .invite, .update:
            fields.append(.contact, party.contact)
            fields.append(.allow, party.allow)
        case .notify: fields.append(.contact, party.contact)  // RFC 6665 §4.4.1
        default: break
        }
        for field in headers { fields.append(field) }
        if !party.userAgent.isEmpty { fields.append(.userAgent, party.userAgent) }
        return Request(method: method, uri: uri, headers: fields, body: body)
    }

    // MARK: The peer's requests

    /// Takes note of a request inside the dialog (§12.2.2). False: it is older than one seen before and is answered 500.
    public mutating func accepts(_ request: Request) -> Bool {
        guard let number = request.headers.cseq?.number else { return false }
        if request.method == .ack || request.method == .cancel { return true }
        if let remoteCSeq, number < remoteCSeq { return false }
        remoteCSeq = number
        return true
    }

    /// A re-INVITE or UPDATE that we answer 2xx moves the peer's Contact (§12.2.2).
    mutating func refreshTarget(from request: Request) { refreshTarget(from: request.headers) }

    /// So does a 2xx to one of ours (§12.2.1.2).
    mutating func refreshTarget(from headers: Headers) {
        if let uri = headers.contact?.uri { target = uri }
    }
}

extension Request {
    /// Where the request goes first (RFC 3261 §8.1.2): its first Route, or its Request-URI. No other Route is ever
    /// resolved: Meta's second one names a host of its inner network.
    public var nextHop: SIPURI { headers.routes.first?.uri ?? uri }
}
