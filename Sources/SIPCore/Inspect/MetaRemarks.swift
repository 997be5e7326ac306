/// What Meta makes of a message that it gets, and what is to be known of one that it sends (meta-calling §6, §7, §10).
struct MetaRemarks {
    let message: Message
    let way: MessageInspection.Way?
    let description: SessionDescription?
    let domain: String
    private(set) var remarks: [Remark] = []

    init(_ message: Message, way: MessageInspection.Way?, description: SessionDescription?, domain: String) {
        self.message = message
        self.way = way
        self.description = description
        self.domain = domain
        guard let way else {
            note("not-meta", "Neither From nor To is at \(domain): Meta's rules are not looked at")
            return
        }
        routes(way)
        switch (way, message) {
        case (.toMeta, .request(let request)): toMeta(request)
        case (.toMeta, .response(let response)): toMeta(response)
        case (.fromMeta, .request(let request)): fromMeta(request)
        case (.fromMeta, .response(let response)): fromMeta(response)
        }
        session(way)
    }

    mutating func note(_ code: String, _ text: String) { remarks.append(Remark(.note, code, text)) }
    mutating func warning(_ code: String, _ text: String) { remarks.append(Remark(.warning, code, text)) }
    mutating func problem(_ code: String, _ text: String) { remarks.append(Remark(.problem, code, text)) }

    private var headers: Headers { message.headers }
    private var method: Method? { headers.cseq?.method }

    // MARK: Route and Record-Route

    /// meta-calling §7.3: the order in which Meta's two proxies must stand.
    private mutating func routes(_ way: MessageInspection.Way) {
        switch (way, message) {
        case (.fromMeta, .request(let request)) where request.method == .invite:
            order(.recordRoute, outerFirst: true, absent: "Meta's INVITE carries its two proxies in Record-Route")
        case (.toMeta, .response(let response)) where method == .invite && response.isSuccess:
            order(
                .recordRoute, outerFirst: true,
                absent: "Meta's Record-Route must come back octet for octet, or its ACK gets lost and the call with it")
        case (.fromMeta, .response(let response)) where method == .invite && response.isSuccess:
            order(.recordRoute, outerFirst: false, absent: "Meta's 200 carries its two proxies in Record-Route")
        case (.toMeta, .request(let request)) where request.headers.to?.tag != nil && request.method != .cancel:
            let isACK = request.method == .ack
            order(
                .route, outerFirst: true,
                absent: isACK
                    ? "An ACK to a 200 needs Meta's two proxies as Route (one to a refusal does not)"
                    : "A request inside the call needs Meta's two proxies as Route, or Meta answers 404",
                severity: isACK ? .note : .problem)
        case (.fromMeta, _), (.toMeta, _):
            break
        }
        if way == .fromMeta, headers[first: .route] != nil {
            note("route-ignored", "Route comes from inside Meta; the called side ignores it")
        }
    }

    private mutating func order(
        _ name: HeaderName, outerFirst: Bool, absent: String, severity: Remark.Severity = .problem
    ) {
        let values = headers.elements(name).compactMap { NameAddr($0)?.uri }
        guard !values.isEmpty else {
            remarks.append(Remark(severity, "route-missing", "\(name) is missing. \(absent)"))
            return
        }
        let outer = values.firstIndex { $0.host == domain }
        let inner = values.firstIndex { $0.host.hasSuffix(".fbinfra.net") }
        guard let outer, let inner else {
            warning("route-incomplete", "\(name) lacks one of Meta's two proxies (\(domain), …fbinfra.net)")
            return
        }
        if (outer < inner) != outerFirst {
            problem(
                "route-order",
                outerFirst
                    ? "\(name) must name \(domain) before the …fbinfra.net proxy; Meta answers 404 or loses the ACK"
                    : "Record-Route of Meta's 200 names the …fbinfra.net proxy before \(domain); the Route of what you "
                        + "send is the reverse")
        }
        for uri in [values[outer], values[inner]] where !uri.parameters.contains("lr") || !uri.isTLS {
            problem(
                "route-altered",
                "\(FieldRedaction.uriPasswords(uri.description)) in \(name) has lost ;lr or ;transport=tls; keep it octet for octet"
            )
        }
    }

    // MARK: What Meta gets

    private mutating func toMeta(_ request: Request) {
        let inDialog = request.headers.to?.tag != nil
        switch request.method {
        case .invite where inDialog:
            problem("re-invite", "Meta answers every re-INVITE with 500; nothing can be changed in a call")
        case .invite, .ack, .bye, .cancel:
            break
        case .options:
            warning("options", "Meta is said not to answer OPTIONS; do not use it to see whether Meta is there")
        case .register:
            problem("method", "Meta answers REGISTER with 403; numbers are configured by the settings API")
        default:
            problem("method", "Meta does not take \(request.method); do not send it")
        }
        requestURI(request.uri, initial: request.method == .invite && !inDialog)
        if request.method == .invite, !inDialog { business(request) }
        if request.method == .invite { contact() }
        extensions()
        for value in headers.all(.proxyAuthorization) + headers.all(.authorization) {
            credentials(value, of: request)
        }
        hops()
    }

    private mutating func requestURI(_ uri: SIPURI, initial: Bool) {
        if uri.scheme == .sips { problem("sips", "Meta answers sips: with 404; use sip: with ;transport=tls") }
        if IPLiteral(uri.host) != nil {
            problem("ip-request-uri", "Meta answers an IP address in the Request-URI with 404; write \(domain)")
        }
        guard initial else { return }
        if MetaRemarks.lacksPlus(uri) {
            problem("no-plus", "The number in the Request-URI has no +; Meta has answered such with 500")
        }
        if uri.scheme == .sip, !uri.isTLS {
            warning("no-tls", "The Request-URI has no ;transport=tls")
        }
    }

    private mutating func business(_ invite: Request) {
        if let from = headers.from?.uri {
            if MetaRemarks.lacksPlus(from) {
                problem("no-plus", "The number in From has no +; Meta does not find the business then")
            }
            if IPLiteral(from.host) != nil || from.host == domain {
                problem(
                    "from-host",
                    "The host in From must be the one configured for the number; Meta answers others with 403")
            }
        }
        if invite.body.isEmpty {
            problem("no-offer", "The INVITE has no SDP; Meta wants the offer in it")
        }
    }

    private static func lacksPlus(_ uri: SIPURI) -> Bool {
        guard let user = uri.userWithoutParameters, !user.isEmpty else { return false }
        return user.utf8.allSatisfy(\.isASCIIDigit)
    }

    private mutating func toMeta(_ response: Response) {
        if method == .invite, response.isSuccess {
            contact()
            if response.body.isEmpty { problem("no-answer", "The 200 has no SDP answer") }
        }
        if method == .invite, response.isProvisional, !response.body.isEmpty {
            warning(
                "early-media", "Do not send SDP before the 200: the caller's app counts the first packet as the answer")
        }
        extensions()
        if response.status == 401 || response.status == 407 { challenges(response) }
    }

    /// Meta's BYE goes to our Contact, over a new connection if need be.
    private mutating func contact() {
        guard let contact = headers.contact?.uri else {
            problem("contact", "Contact is missing: Meta cannot send ACK and BYE")
            return
        }
        if IPLiteral(contact.host) != nil {
            warning(
                "ip-contact",
                "Contact has an IP address: Meta cannot check the certificate of a new connection to it; "
                    + "write your host name and TLS port")
        }
        if !contact.isTLS { warning("contact-transport", "Contact has no ;transport=tls") }
    }

    private mutating func extensions() {
        for name: HeaderName in [.sessionExpires, .minSE] where headers[first: name] != nil {
            problem(
                "session-timer",
                "\(name) asks for session timers, and Meta takes neither re-INVITE nor UPDATE to refresh")
        }
        let required = headers.elements(.require).map(\.asciiLowercased)
        if required.contains("100rel") {
            problem("100rel", "Require: 100rel cannot work: Meta has no PRACK")
        } else if headers.elements(.supported).map(\.asciiLowercased).contains("100rel") {
            note("100rel", "Supported: 100rel is of no use: Meta has no PRACK")
        }
        for other in required where other != "100rel" {
            problem("require", "Require: \(other) is nothing that Meta is known to have")
        }
    }

    private mutating func credentials(_ value: String, of request: Request) {
        guard let answer = try? DigestAnswer(parsing: value) else {
            return problem("credentials", "The credentials are no readable digest answer")
        }
        if answer.username.hasPrefix("+") {
            problem("username", "The digest username is the number without +; Meta answers 403")
        } else if request.method == .invite, let user = headers.from?.uri.userWithoutParameters,
            user.drop(while: { $0 == "+" }) != answer.username
        {
            problem("username", "The digest username and the number in From must be the same; Meta answers 403")
        }
        if answer.realm != domain { warning("realm", "The answer is for the realm \(answer.realm), not \(domain)") }
        if answer.uri != request.uri.description {
            warning("digest-uri", "uri in the digest answer is not the Request-URI as it stands")
        }
    }

    /// Nothing of the inner network belongs into what Meta sees.
    private mutating func hops() {
        if headers.vias.contains(where: { IPLiteral($0.host)?.isPrivate == true }) {
            note("private-via", "Via shows an address of your inner network")
        }
    }

    // MARK: What Meta sends

    private mutating func fromMeta(_ request: Request) {
        guard request.method == .invite else { return }
        if headers.callID?.contains("=") == true {
            note("call-id", "The Call-ID has =, which RFC 3261 does not allow there; Meta's always do")
        }
        if let user = headers.from?.uri.userWithoutParameters, user.contains(".") {
            note("user-id", "The caller is a business-scoped user id, not a number")
        }
        for value in headers.all(.proxyAuthorization) + headers.all(.authorization) {
            if let answer = try? DigestAnswer(parsing: value), answer.uri != request.uri.description {
                note("digest-uri", "uri in Meta's digest answer lacks what its Request-URI has; hash it as sent")
            }
        }
    }

    private mutating func fromMeta(_ response: Response) {
        if response.status == 401 || response.status == 407 {
            challenges(response)
        } else if let meaning = MetaRemarks.meanings[response.status] {
            note("meaning", meaning)
        }
    }

    private mutating func challenges(_ response: Response) {
        let challenges = response.digestChallenges
        guard !challenges.isEmpty else {
            return problem("challenge", "There is no readable digest challenge")
        }
        note("challenge", "Challenges, in order: \(challenges.map { "\($0.algorithm)" }.joined(separator: ", "))")
        if way == .fromMeta, challenges.contains(where: { $0.realm != domain }) {
            problem("realm", "A challenge is for another realm than \(domain): do not answer it")
        }
    }

    /// meta-calling §10.1.
    private static let meanings: [Int: String] = [
        400: "Meta: the number in From is no registered business number",
        403: "Meta: refused for a reason that its phrase and Warning say (host of From, permission, digest, payment, "
            + "limit, duplicate call, SDP); do not retry",
        404: "Meta: an IP address or sips: in the Request-URI, or a BYE with the wrong Route set",
        408: "Meta: the app ended the call for lack of media; look at what you send",
        480: "Meta: the user could not be reached or did not answer; it counts against the call permission",
        486: "Meta: the user declined; it counts against the call permission",
        487: "Meta: your CANCEL worked",
        500: "Meta: a re-INVITE, or a number without +",
        503: "Meta: an internal error; retry once, later",
    ]
}
