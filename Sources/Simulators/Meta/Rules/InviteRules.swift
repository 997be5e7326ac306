import Glibc
import SIPCore

/// Judges an INVITE of a business before a WhatsApp user hears of it (meta-calling §5.2, §7.4, §10.1).
struct InviteRules: Sendable {
    /// A refusal as Meta words it, with the rule behind it.
    struct Refusal: Sendable, Hashable {
        var status: Int
        var reason: String
        var violation: Violation
        /// Free text is repeated in Warning 399 (meta-calling §12.2 (8)).
        var warns = true
    }

    let domain: String
    let numbers: [MetaNumber]

    /// What is looked at before the challenge: where the request is for.
    func target(_ request: Request) -> Refusal? {
        let uri = request.uri
        if uri.scheme == .sips {
            return Refusal(status: 404, reason: "Not Found", violation: Violation(.requestURIScheme, "sips:"))
        }
        guard uri.scheme == .sip else {
            return Refusal(status: 404, reason: "Not Found", violation: Violation(.requestURIScheme, uri.scheme.text))
        }
        if Self.isAddress(uri.host) {
            return Refusal(
                status: 404, reason: "SIP INVITEs using IP in request URI are not allowed",
                violation: Violation(.requestURIAddress, uri.host))
        }
        guard uri.host == domain else {
            return Refusal(status: 404, reason: "Not Found", violation: Violation(.requestURIHost, uri.host))
        }
        guard let user = uri.user, Self.isE164(user) || Self.isBSUID(user) else {
            return Refusal(
                status: 500, reason: "Server Internal Error",
                violation: Violation(.requestURIUser, uri.user?.hasPrefix("+") == true ? "no E.164" : "without +"))
        }
        guard let from = request.headers.from?.uri.user, Self.isE164(from) else {
            return Refusal(status: 500, reason: "Server Internal Error", violation: Violation(.fromUser))
        }
        return nil
    }

    /// What asks for nothing less than refusal but Meta lets pass, or answers in its own way.
    func remarks(_ request: Request) -> [Violation] {
        var found: [Violation] = []
        let headers = request.headers
        if request.uri.parameters["transport"]?.lowercased() != "tls" { found.append(Violation(.requestURITransport)) }
        if headers.maxForwards == nil { found.append(Violation(.maxForwards)) }
        if headers.to?.uri.user != request.uri.user || headers.to?.uri.host != domain {
            found.append(Violation(.toUser))
        }
        if let contact = headers.contact, let detail = Self.problem(contact: contact.uri) {
            found.append(Violation(.contactForm, detail))
        }
        if headers[first: .sessionExpires] != nil { found.append(Violation(.sessionTimer, "Session-Expires")) }
        return found
    }

    /// What is looked at once the business has proved who it is, the account's number included.
    func business(_ request: Request) -> Result<MetaNumber, RefusalError> {
        let user = request.headers.from?.uri.user ?? ""
        let host = request.headers.from?.uri.host ?? ""
        guard let number = numbers.first(where: { $0.number == user }) else {
            return .failure(
                RefusalError(
                    Refusal(
                        status: 400, reason: "Asset not found: invalid business number",
                        violation: Violation(.fromNumber))))
        }
        guard host == number.hostname || number.hostname.hasSuffix(".\(host)") && host.contains(".") else {
            return .failure(
                RefusalError(
                    Refusal(
                        status: 403,
                        reason:
                            "SIP server \(host) from INVITE does not match any SIP server configured for phone number id \(number.phoneNumberID)",
                        violation: Violation(.fromHost, host))))
        }
        guard number.isAppAuthorized else {
            return .failure(
                RefusalError(
                    Refusal(
                        status: 403, reason: "App is not authorized for phone number id \(number.phoneNumberID)",
                        violation: Violation(.appNotAuthorized))))
        }
        guard !number.hasPaymentIssue else {
            return .failure(
                RefusalError(
                    Refusal(
                        status: 403, reason: "Business account has a payment issue", violation: Violation(.payment))))
        }
        let extensions = request.headers.elements(.require)
        guard extensions.isEmpty else {
            return .failure(
                RefusalError(
                    Refusal(
                        status: 420, reason: "Bad Extension",
                        violation: Violation(.extensionRequired, extensions.joined(separator: ", ")), warns: false)))
        }
        guard request.headers.contact != nil else {
            return .failure(
                RefusalError(
                    Refusal(status: 400, reason: "Missing Contact", violation: Violation(.contactMissing), warns: false)
                ))
        }
        return .success(number)
    }

    /// What is looked at last: may this user be called now.
    /// - Parameters:
    ///   - isBusy: a call between the two is up.
    ///   - connected: connected calls between the two today.
    func user(_ user: String, of number: MetaNumber, isBusy: Bool, connected: Int) -> Refusal? {
        if let permitted = number.permittedUsers, !permitted.contains(user) {
            return Refusal(
                status: 403, reason: "No approved call permission from the recipient", violation: Violation(.permission)
            )
        }
        if isBusy {
            return Refusal(
                status: 403, reason: "Duplicate call: another call with the recipient is in progress",
                violation: Violation(.duplicateCall))
        }
        guard connected < number.dailyLimit else {
            return Refusal(
                status: 403, reason: "Limit of connected calls per day to the recipient is reached",
                violation: Violation(.dailyLimit, "\(connected) calls"))
        }
        return nil
    }

    struct RefusalError: Error {
        let refusal: Refusal
        init(_ refusal: Refusal) { self.refusal = refusal }
    }

    // MARK: Pieces

    /// `+` and up to 15 digits (E.164).
    static func isE164(_ user: String) -> Bool {
        guard user.hasPrefix("+") else { return false }
        let digits = user.dropFirst()
        return (7...15).contains(digits.utf8.count) && digits.utf8.allSatisfy { (48...57).contains($0) }
    }

    /// `US.13491208655302741918`, or `US.ENT.…` for a parent's (meta-calling §7.1).
    static func isBSUID(_ user: String) -> Bool {
        var parts = user.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].utf8.count == 2, parts[0].allSatisfy({ $0.isASCII && $0.isUppercase }) else {
            return false
        }
        parts.removeFirst()
        if parts.first == "ENT" { parts.removeFirst() }
        return parts.count == 1 && !parts[0].isEmpty && parts[0].utf8.count <= 128
            && parts[0].utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) }
    }

    /// An IPv4 or IPv6 literal.
    static func isAddress(_ host: String) -> Bool {
        var octets = [UInt8](repeating: 0, count: 16)
        return inet_pton(AF_INET, host, &octets) == 1 || inet_pton(AF_INET6, host, &octets) == 1
    }

    /// What keeps Meta from reaching the business by this Contact; nil when nothing does.
    static func problem(contact uri: SIPURI) -> String? {
        if uri.scheme != .sip { return "\(uri.scheme.text):" }
        if isAddress(uri.host) { return "an IP address" }
        if uri.parameters["transport"]?.lowercased() != "tls" { return "no ;transport=tls" }
        if uri.port == nil { return "no port" }
        return nil
    }
}
