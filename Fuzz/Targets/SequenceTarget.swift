import SIPCore

/// The input is a script: one octet picks the machine, one how it is set up, then each pair of octets is an event.
///
/// Time is virtual and passes by some events; at the end it passes until nothing is armed any more. Each machine keeps
/// the manners that its driver relies on, whatever it is told and in whatever order.
enum SequenceTarget {
    static let mostEvents = 64

    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        guard input.count >= 2 else { return }
        var script = Script(input.dropFirst(2))
        let reliable = input[1] & 1 == 1
        switch input[0] % 7 {
        case 0: try TransactionScripts.inviteClient(&script, reliable: reliable)
        case 1: try TransactionScripts.nonInviteClient(&script, reliable: reliable)
        case 2: try TransactionScripts.inviteServer(&script, reliable: reliable)
        case 3: try TransactionScripts.nonInviteServer(&script, reliable: reliable)
        case 4: try SessionScripts.called(&script, setUp: input[1])
        case 5: try SessionScripts.calling(&script, setUp: input[1])
        default: try SessionScripts.joined(&script)
        }
    }
}

/// The events of a script, one pair of octets each.
struct Script {
    private var octets: ArraySlice<UInt8>
    private var left = SequenceTarget.mostEvents

    init(_ octets: ArraySlice<UInt8>) { self.octets = octets }

    /// What happens and with which detail; nil at the end.
    mutating func next() -> (event: UInt8, detail: UInt8)? {
        guard left > 0, let event = octets.popFirst() else { return nil }
        left -= 1
        return (event, octets.popFirst() ?? 0)
    }
}

/// Virtual time with one machine's timers, and the rules about them.
final class Manners<TimerID: Hashable & Sendable> {
    private(set) var now = Instant(.seconds(1))
    private var timers: [TimerID: Instant] = [:]
    private(set) var isFinished = false
    /// No timer of a machine is due later than this from now.
    private static var furthest: Duration { .seconds(100_000) }

    func arm(_ timer: TimerID, at instant: Instant) throws(FuzzFinding) {
        try require(!isFinished, "a finished machine arms \(timer)")
        try require(instant > now, "\(timer) is armed in the past")
        try require(instant <= now.advanced(by: Self.furthest), "\(timer) is armed for ever")
        timers[timer] = instant
    }

    func cancel(_ timer: TimerID) throws(FuzzFinding) {
        try require(timers.removeValue(forKey: timer) != nil, "\(timer) is cancelled and was not armed")
    }

    func finish() throws(FuzzFinding) {
        try require(!isFinished, "a machine finishes twice")
        try require(timers.isEmpty, "\(timers.keys) outlive their machine")
        isFinished = true
    }

    var hasTimers: Bool { !timers.isEmpty }

    func pass(_ duration: Duration) { now = now.advanced(by: duration) }

    /// The next timer that is due by then, which is fired by taking it; time moves there.
    func due(by limit: Instant) -> TimerID? {
        guard let (timer, at) = timers.min(by: { $0.value < $1.value }), at <= limit else { return nil }
        timers[timer] = nil
        now = max(now, at)
        return timer
    }
}

/// What machines write can be read.
func requireReadable(_ message: Message) throws(FuzzFinding) {
    do {
        let read = try Message(parsing: message.encoded().span)
        try require(read.headers.cseq == message.headers.cseq, "what a machine writes is read as it was written")
    } catch let error as MalformedMessage {
        throw FuzzFinding("what a machine writes cannot be read: \(error)")
    } catch {
        throw FuzzFinding("\(error)")
    }
}

/// Requests and responses of the scripts.
enum Samples {
    static let methods: [Method] = [
        .invite, .ack, .bye, .cancel, .options, .prack, .update, .info, .refer, .notify, .message, "UNHEARD",
    ]
    static let statuses = [
        100, 180, 183, 199, 200, 202, 299, 300, 302, 400, 401, 403, 404, 407, 408, 422, 481, 486, 487, 488, 491, 500,
        503, 600, 603, 699,
    ]
    static let offer = OfferAnswer.offerPeer(
        local: LocalAudio(address: "192.0.2.20", port: 12_000, sessionID: 7, ssrc: 7, cname: "fuzz")
    ).description

    static func request(
        _ method: Method, number: UInt32 = 1, from: String = "a", to: String? = nil, body: [UInt8] = [],
        headers: [HeaderField] = []
    ) -> Request {
        var fields: Headers = [
            HeaderField(.via, "SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK-\(number)\(method)"),
            HeaderField(.maxForwards, "70"), HeaderField(.from, "<sip:a@example.com>;tag=\(from)"),
            HeaderField(.to, "<sip:b@example.net>" + (to.map { ";tag=\($0)" } ?? "")),
            HeaderField(.callID, "fuzz@example.com"), HeaderField(.cseq, "\(number) \(method)"),
            HeaderField(.contact, "<sip:a@192.0.2.1:5060>"),
        ]
        for field in headers { fields.append(field) }
        if !body.isEmpty { fields.append(.contentType, "application/sdp") }
        return Request(method: method, uri: SIPURI(user: "b", host: "example.net"), headers: fields, body: body)
    }

    static func status(_ detail: UInt8) -> Int { statuses[Int(detail) % statuses.count] }
    static func method(_ detail: UInt8) -> Method { methods[Int(detail) % methods.count] }
}
