/// A Q.850 cause, as carried in the Reason header field (RFC 3326), and its mapping to and from SIP (RFC 3398 §7.2.4.1, §8.2.6.1).
public struct Q850Cause: Hashable, Sendable, CustomStringConvertible {
    /// 1–127.
    public let value: Int

    public init?(_ value: Int) {
        guard (1...127).contains(value) else { return nil }
        self.value = value
    }

    private init(known value: Int) { self.value = value }

    public static let unallocatedNumber = Q850Cause(known: 1)
    public static let normalClearing = Q850Cause(known: 16)
    public static let userBusy = Q850Cause(known: 17)
    public static let noUserResponding = Q850Cause(known: 18)
    public static let noAnswer = Q850Cause(known: 19)
    public static let callRejected = Q850Cause(known: 21)
    public static let destinationOutOfOrder = Q850Cause(known: 27)
    public static let networkOutOfOrder = Q850Cause(known: 38)
    public static let temporaryFailure = Q850Cause(known: 41)
    public static let incompatibleDestination = Q850Cause(known: 88)
    public static let recoveryOnTimerExpiry = Q850Cause(known: 102)
    public static let interworking = Q850Cause(known: 127)

    /// The cause that a final SIP answer stands for.
    public init(status: Int) {
        switch status {
        case 404, 485, 604: self = .unallocatedNumber
        case 486, 600: self = .userBusy
        case 408: self = .recoveryOnTimerExpiry
        case 480: self = .noUserResponding
        case 401, 402, 403, 407, 603: self = .callRejected
        case 488, 606: self = .incompatibleDestination
        case 500, 503: self = .temporaryFailure
        case 502: self = .networkOutOfOrder
        case 504: self = .recoveryOnTimerExpiry
        case 487: self = .normalClearing
        default: self = .interworking
        }
    }

    /// Reads the Q.850 part of a Reason header field's value; nil where there is none.
    public init?(reason value: String) {
        for element in value.split(separator: ",") {
            let parts = element.split(separator: ";").map { $0.drop(while: { $0 == " " }) }
            guard let proto = parts.first, proto.lowercased().hasPrefix("q.850") else { continue }
            for part in parts.dropFirst() where part.lowercased().hasPrefix("cause=") {
                guard let number = Int(part.dropFirst(6)), let cause = Q850Cause(number) else { continue }
                self = cause
                return
            }
        }
        return nil
    }

    public var text: String {
        switch value {
        case 1: "Unallocated number"
        case 16: "Normal call clearing"
        case 17: "User busy"
        case 18: "No user responding"
        case 19: "No answer"
        case 21: "Call rejected"
        case 27: "Destination out of order"
        case 31: "Normal, unspecified"
        case 38: "Network out of order"
        case 41: "Temporary failure"
        case 88: "Incompatible destination"
        case 102: "Recovery on timer expiry"
        case 127: "Interworking"
        default: "Cause \(value)"
        }
    }

    /// Value of the Reason header field.
    public var reasonValue: String { "Q.850;cause=\(value);text=\"\(text)\"" }

    public var description: String { "\(value) \(text)" }
}
