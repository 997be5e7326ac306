/// A header field's name: equal regardless of ASCII case, and its compact form equals the long one (RFC 3261 §7.3.3).
public struct HeaderName: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    private enum Storage: Sendable {
        case known(Known)
        case other(String)
    }
    private let storage: Storage

    init(_ known: Known) { storage = .known(known) }

    /// - Parameter spelling: a `token` that is no name we know.
    init(other spelling: String) { storage = .other(spelling) }

    var known: Known? {
        switch storage {
        case .known(let known): known
        case .other: nil
        }
    }

    /// Nil when the text is no `token` and therefore cannot name a field.
    public init?(_ spelling: String) {
        self.init(parsing: spelling.utf8Span.span)
    }

    /// For names written in source; anything but a `token` is a mistake there.
    public init(stringLiteral value: String) {
        guard let name = HeaderName(parsing: value.utf8Span.span) else {
            preconditionFailure("\(value) cannot name a header field")
        }
        self = name
    }

    /// Long or compact form, any case; nil when the octets are no `token`.
    init?(parsing octets: Span<UInt8>) {
        if let known = Known(octets) {
            storage = .known(known)
        } else {
            guard HeaderName.isToken(octets), let text = octets.text(0..<octets.count) else { return nil }
            storage = .other(text)
        }
    }

    static func isToken(_ octets: Span<UInt8>) -> Bool {
        var end = 0
        return octets.count > 0 && octets.scan(.token, &end).count == octets.count
    }

    /// As it is written into messages: the long form with the RFC's capitals for names we know, others as received.
    public var canonical: String {
        switch storage {
        case .known(let known): known.rawValue
        case .other(let spelling): spelling
        }
    }

    public var description: String { canonical }

    public static func == (a: HeaderName, b: HeaderName) -> Bool {
        switch (a.storage, b.storage) {
        case (.known(let a), .known(let b)): a == b
        case (.other(let a), .other(let b)): a.equalsIgnoringASCIICase(b)
        case (.known, .other), (.other, .known): false
        }
    }

    public func hash(into hasher: inout Hasher) {
        for octet in canonical.utf8 { hasher.combine(octet.asciiLowercased) }
    }

    public static let accept = HeaderName(.accept)
    public static let acceptContact = HeaderName(.acceptContact)
    public static let acceptEncoding = HeaderName(.acceptEncoding)
    public static let acceptLanguage = HeaderName(.acceptLanguage)
    public static let alertInfo = HeaderName(.alertInfo)
    public static let allow = HeaderName(.allow)
    public static let allowEvents = HeaderName(.allowEvents)
    public static let authenticationInfo = HeaderName(.authenticationInfo)
    public static let authorization = HeaderName(.authorization)
    public static let callID = HeaderName(.callID)
    public static let callInfo = HeaderName(.callInfo)
    public static let contact = HeaderName(.contact)
    public static let contentDisposition = HeaderName(.contentDisposition)
    public static let contentEncoding = HeaderName(.contentEncoding)
    public static let contentLanguage = HeaderName(.contentLanguage)
    public static let contentLength = HeaderName(.contentLength)
    public static let contentType = HeaderName(.contentType)
    public static let cseq = HeaderName(.cseq)
    public static let date = HeaderName(.date)
    public static let diversion = HeaderName(.diversion)
    public static let errorInfo = HeaderName(.errorInfo)
    public static let event = HeaderName(.event)
    public static let expires = HeaderName(.expires)
    public static let from = HeaderName(.from)
    public static let historyInfo = HeaderName(.historyInfo)
    public static let identity = HeaderName(.identity)
    public static let identityInfo = HeaderName(.identityInfo)
    public static let inReplyTo = HeaderName(.inReplyTo)
    public static let maxForwards = HeaderName(.maxForwards)
    public static let mimeVersion = HeaderName(.mimeVersion)
    public static let minExpires = HeaderName(.minExpires)
    public static let minSE = HeaderName(.minSE)
    public static let organization = HeaderName(.organization)
    public static let pAssertedIdentity = HeaderName(.pAssertedIdentity)
    public static let pPreferredIdentity = HeaderName(.pPreferredIdentity)
    public static let path = HeaderName(.path)
    public static let priority = HeaderName(.priority)
    public static let privacy = HeaderName(.privacy)
    public static let proxyAuthenticate = HeaderName(.proxyAuthenticate)
    public static let proxyAuthorization = HeaderName(.proxyAuthorization)
    public static let proxyRequire = HeaderName(.proxyRequire)
    public static let rAck = HeaderName(.rAck)
    public static let reason = HeaderName(.reason)
    public static let recordRoute = HeaderName(.recordRoute)
    public static let referTo = HeaderName(.referTo)
    public static let referredBy = HeaderName(.referredBy)
    public static let rejectContact = HeaderName(.rejectContact)
    public static let remotePartyID = HeaderName(.remotePartyID)
    public static let replaces = HeaderName(.replaces)
    public static let replyTo = HeaderName(.replyTo)
    public static let requestDisposition = HeaderName(.requestDisposition)
    public static let require = HeaderName(.require)
    public static let retryAfter = HeaderName(.retryAfter)
    public static let route = HeaderName(.route)
    public static let rSeq = HeaderName(.rSeq)
    public static let server = HeaderName(.server)
    public static let sessionExpires = HeaderName(.sessionExpires)
    public static let subject = HeaderName(.subject)
    public static let subscriptionState = HeaderName(.subscriptionState)
    public static let supported = HeaderName(.supported)
    public static let timestamp = HeaderName(.timestamp)
    public static let to = HeaderName(.to)
    public static let unsupported = HeaderName(.unsupported)
    public static let userAgent = HeaderName(.userAgent)
    public static let via = HeaderName(.via)
    public static let warning = HeaderName(.warning)
    public static let wwwAuthenticate = HeaderName(.wwwAuthenticate)
}

extension HeaderName {
    /// The names this target writes or looks for, with the spelling of the RFC that defines each.
    enum Known: String, CaseIterable {
        case accept = "Accept"
        case acceptContact = "Accept-Contact"
        case acceptEncoding = "Accept-Encoding"
        case acceptLanguage = "Accept-Language"
        case alertInfo = "Alert-Info"
        case allow = "Allow"
        case allowEvents = "Allow-Events"
        case authenticationInfo = "Authentication-Info"
        case authorization = "Authorization"
        case callID = "Call-ID"
        case callInfo = "Call-Info"
        case contact = "Contact"
        case contentDisposition = "Content-Disposition"
        case contentEncoding = "Content-Encoding"
        case contentLanguage = "Content-Language"
        case contentLength = "Content-Length"
        case contentType = "Content-Type"
        case cseq = "CSeq"
        case date = "Date"
        case diversion = "Diversion"
        case errorInfo = "Error-Info"
        case event = "Event"
        case expires = "Expires"
        case from = "From"
        case historyInfo = "History-Info"
        case identity = "Identity"
        case identityInfo = "Identity-Info"
        case inReplyTo = "In-Reply-To"
        case maxForwards = "Max-Forwards"
        case mimeVersion = "MIME-Version"
        case minExpires = "Min-Expires"
        case minSE = "Min-SE"
        case organization = "Organization"
        case pAssertedIdentity = "P-Asserted-Identity"
        case pPreferredIdentity = "P-Preferred-Identity"
        case path = "Path"
        case priority = "Priority"
        case privacy = "Privacy"
        case proxyAuthenticate = "Proxy-Authenticate"
        case proxyAuthorization = "Proxy-Authorization"
        case proxyRequire = "Proxy-Require"
        case rAck = "RAck"
        case reason = "Reason"
        case recordRoute = "Record-Route"
        case referTo = "Refer-To"
        case referredBy = "Referred-By"
        case rejectContact = "Reject-Contact"
        case remotePartyID = "Remote-Party-ID"
        case replaces = "Replaces"
        case replyTo = "Reply-To"
        case requestDisposition = "Request-Disposition"
        case require = "Require"
        case retryAfter = "Retry-After"
        case route = "Route"
        case rSeq = "RSeq"
        case server = "Server"
        case sessionExpires = "Session-Expires"
        case subject = "Subject"
        case subscriptionState = "Subscription-State"
        case supported = "Supported"
        case timestamp = "Timestamp"
        case to = "To"
        case unsupported = "Unsupported"
        case userAgent = "User-Agent"
        case via = "Via"
        case warning = "Warning"
        case wwwAuthenticate = "WWW-Authenticate"

        init?(_ octets: Span<UInt8>) {
            if octets.count == 1, let known = Known(compact: octets[0]) {
                self = known
                return
            }
            guard octets.count > 1 else { return nil }
            var slot = Known.slot(octets)
            while let candidate = Known.slots[slot] {
                if candidate.letters.count == octets.count, octets.equalLetters(lowercased: candidate.letters.span) {
                    self = candidate.known
                    return
                }
                slot = (slot + 1) % Known.slots.count
            }
            return nil
        }

        private init?(compact: UInt8) {
            let known: Known? =
                switch Unicode.Scalar(compact.asciiLowercased) {
                case "a": .acceptContact
                case "u": .allowEvents
                case "i": .callID
                case "m": .contact
                case "e": .contentEncoding
                case "l": .contentLength
                case "c": .contentType
                case "o": .event
                case "f": .from
                case "y": .identity
                case "n": .identityInfo
                case "r": .referTo
                case "b": .referredBy
                case "j": .rejectContact
                case "d": .requestDisposition
                case "x": .sessionExpires
                case "s": .subject
                case "k": .supported
                case "t": .to
                case "v": .via
                default: nil
                }
            guard let known else { return nil }
            self = known
        }

        /// All names, each at the slot of its octets or at the next free one. Most slots are free, so that a search
        /// ends at once.
        private static let slots: [(known: Known, letters: [UInt8])?] = {
            var slots = [(known: Known, letters: [UInt8])?](repeating: nil, count: 512)
            for known in allCases {
                let letters = known.rawValue.utf8.map(\.asciiLowercased)
                var slot = slot(letters.span)
                while slots[slot] != nil { slot = (slot + 1) % slots.count }
                slots[slot] = (known, letters)
            }
            return slots
        }()

        /// From length and three letters, regardless of case; two octets at least.
        private static func slot(_ name: Span<UInt8>) -> Int {
            let (first, last, middle) = (name[0], name[name.count - 1], name[name.count / 2])
            return (name.count &* 37 &+ Int(first & 31) &* 17 &+ Int(last & 31) &* 5 &+ Int(middle & 31) &* 71) & 511
        }
    }
}
