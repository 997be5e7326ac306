/// What one raw message is: what it says, what is wrong with it, what it would be answered, and what Meta makes of it.
///
/// The properties' names are the keys of `ibis sip inspect --json`. Nothing in it is a secret, see ``FieldRedaction``.
public struct MessageInspection: Hashable, Sendable, Encodable {
    /// Where a message travels, by the host of Meta in From and To.
    public enum Way: String, Hashable, Sendable, Encodable {
        case fromMeta, toMeta
    }

    public struct Field: Hashable, Sendable, Encodable {
        public var name: String
        public var value: String
    }

    public struct Problem: Hashable, Sendable, Encodable {
        public var reason: String
        /// Of the line at fault from the first octet of the input; 0 when it is no single line.
        public var offset: Int
        /// That line, counted from 1.
        public var line: Int
    }

    /// A refusal.
    public struct Answer: Hashable, Sendable, Encodable {
        public var status: Int
        public var reason: String
        /// Why, as the Warning says it.
        public var warning: String
    }

    public var valid: Bool
    /// Set when the message is malformed.
    public var problem: Problem?
    /// What it would be answered: a malformed request, or an INVITE from Meta that cannot become a call whatever number
    /// it is for. Nil for what is not answered, and for what nothing speaks against.
    public var answer: Answer?
    /// `request` or `response`; nil when not even that can be told.
    public var kind: String?
    public var method: String?
    public var requestURI: String?
    public var status: Int?
    public var reason: String?
    public var way: Way?
    /// In the order received, Content-Length left out.
    public var fields: [Field] = []
    /// `type/subtype`.
    public var bodyType: String?
    public var bodyOctets = 0
    public var sdp: SDPReading?
    /// Why there is a session description but no reading of it.
    public var sdpProblem: String?
    public var remarks: [Remark] = []

    /// - Parameter metaDomain: the host part of WhatsApp users.
    public init(_ input: [UInt8], metaDomain: String = "wa.meta.vc", limits: MessageLimits = .init()) {
        let raw = RawMessage(input)
        do throws(MalformedMessage) {
            let message = try raw.parsed(limits: limits)
            valid = true
            read(message, domain: metaDomain)
            remarks = raw.remarks(limits: limits) + remarks
        } catch {
            valid = false
            let line = raw.line(of: error)
            problem = Problem(reason: error.description, offset: line.offset, line: line.number)
            if let request = error.request {
                answer = Answer(
                    status: error.status, reason: Response.defaultReason(error.status), warning: error.description)
                kind = "request"
                method = request.method.rawValue
                requestURI = FieldRedaction.uriPasswords(request.uri.description)
                readFields(request.headers)
            }
            remarks = raw.lineEndRemarks
        }
    }

    private mutating func readFields(_ headers: Headers) {
        fields = headers.map { Field(name: $0.name.canonical, value: FieldRedaction.value($0)) }
    }

    private mutating func read(_ message: Message, domain: String) {
        switch message {
        case .request(let request):
            kind = "request"
            method = request.method.rawValue
            requestURI = FieldRedaction.uriPasswords(request.uri.description)
        case .response(let response):
            kind = "response"
            status = response.status
            reason = response.reason
            method = response.headers.cseq?.method.rawValue
        }
        readFields(message.headers)
        bodyType = message.headers.contentType
        bodyOctets = message.body.count
        var description: SessionDescription?
        if !message.body.isEmpty, bodyType == nil || bodyType == "application/sdp" {
            do throws(SDPError) {
                let parsed = try SessionDescription(parsing: message.body.span)
                sdp = SDPReading(parsed)
                description = parsed
            } catch {
                if bodyType != nil { sdpProblem = error.description }
            }
        }
        way = Way(message, domain: domain)
        if case .request(let request) = message, way == .fromMeta { answer = Answer(toMeta: request) }
        remarks = MetaRemarks(message, way: way, description: description, domain: domain).remarks
    }
}

extension MessageInspection.Way {
    /// From and To keep their places in responses, which travel the other way.
    init?(_ message: Message, domain: String) {
        let isFromUser = message.headers.from?.uri.host == domain
        let isToUser = message.headers.to?.uri.host == domain
        switch message {
        case .request(let request):
            if isToUser || request.uri.host == domain {
                self = .toMeta
            } else if isFromUser {
                self = .fromMeta
            } else {
                return nil
            }
        case .response:
            guard isFromUser || isToUser else { return nil }
            self = isToUser ? .fromMeta : .toMeta
        }
    }
}

extension MessageInspection.Answer {
    /// What speaks against an INVITE of Meta before anybody has looked for its number; nil for other methods.
    init?(toMeta request: Request) {
        guard request.method == .invite else { return nil }
        if request.headers.to?.tag != nil {
            self.init(488, "Media is settled once per call; no re-INVITE or UPDATE is supported")
            return
        }
        if !request.requiredExtensions.isEmpty {
            self.init(420, "unsupported extension: \(request.requiredExtensions.joined(separator: ", "))")
            return
        }
        let digits = (request.uri.userWithoutParameters ?? "").utf8.drop { $0 == UInt8(ascii: "+") }
        guard (7...15).contains(digits.count), digits.allSatisfy(\.isASCIIDigit) else {
            self.init(404, "the Request-URI names no number in E.164 form")
            return
        }
        do throws(SDPRefusal) {
            try OfferAnswer.checkMeta(offer: request.body, contentType: request.headers.contentType)
            return nil
        } catch {
            self.init(error.status, error.warningText)
        }
    }

    private init(_ status: Int, _ warning: String) {
        self.init(status: status, reason: Response.defaultReason(status), warning: warning)
    }
}
