/// Whom a REFER sends us to (RFC 3515, RFC 3892): the parts of it that a new INVITE is built from, and no others.
public struct Referral: Hashable, Sendable {
    /// The Refer-To URI without its headers and `method`.
    public var target: SIPURI
    /// For an attended transfer: what the new INVITE replaces at the target.
    public var replaces: Replaces?
    /// The URI of Referred-By.
    public var referredBy: SIPURI?

    public init(target: SIPURI, replaces: Replaces? = nil, referredBy: SIPURI? = nil) {
        self.target = target
        self.replaces = replaces
        self.referredBy = referredBy
    }
}

extension Referral {
    /// Why a REFER names nobody we could call.
    public enum Refusal: Error, Hashable, Sendable {
        /// No Refer-To, more than one, or one that cannot be read: 400.
        case malformed
        /// Another scheme than sip and sips, or another method than INVITE: 603.
        case notACall

        var status: Int {
            switch self {
            case .malformed: 400
            case .notACall: 603
            }
        }
    }

    init(_ refer: Request) throws(Refusal) {
        // RFC 3515 §2.4.1: one and only one.
        let values = refer.headers.elements(.referTo)
        guard values.count == 1, let value = values.first, let referTo = NameAddr(value) else { throw .malformed }
        var uri = referTo.uri
        guard uri.scheme == .sip || uri.scheme == .sips else { throw .notACall }
        if let method = uri.parameters["method"], Method(rawValue: method) != .invite { throw .notACall }
        var replaces: Replaces?
        for header in (uri.headers ?? "").split(separator: "&").prefix(16) {
            let parts = header.split(separator: "=", maxSplits: 1)
            guard parts.first?.lowercased() == "replaces" else { continue }
            guard replaces == nil, parts.count == 2, let value = String(parts[1]).unescaped,
                let read = Replaces(value)
            else { throw .malformed }
            replaces = read
        }
        uri.headers = nil
        uri.parameters["method"] = nil
        self.init(
            target: uri, replaces: replaces,
            referredBy: refer.headers[first: .referredBy].flatMap { NameAddr($0)?.uri })
    }
}

extension String {
    /// With the `%` escapes of a URI resolved; nil when the result is no text or holds a control character.
    var unescaped: String? {
        guard utf8.contains(UInt8(ascii: "%")) else { return self }
        let octets = Array(utf8)
        var result: [UInt8] = []
        var position = 0
        while position < octets.count {
            if octets[position] == UInt8(ascii: "%") {
                guard position + 2 < octets.count, let high = octets[position + 1].hexDigit,
                    let low = octets[position + 2].hexDigit
                else { return nil }
                result.append(high << 4 | low)
                position += 3
            } else {
                result.append(octets[position])
                position += 1
            }
        }
        guard result.allSatisfy({ $0 >= 32 && $0 != 127 }) else { return nil }
        return result.span.text(0..<result.count)
    }
}
