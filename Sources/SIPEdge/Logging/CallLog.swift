import Glibc
import NIOCore
import SIPCore

/// The messages of the last calls, in memory alone, for the console.
///
/// A message is kept as it was parsed or made; text without secrets and numbers is made of it when somebody looks, so a
/// call costs no more than a few appends. Calls, messages of a call and octets are bounded: the oldest call gives way.
/// Runs on the signalling loop.
final class CallLog {
    /// Messages of one call; later ones are counted only.
    static let maximumMessages = 100
    static let maximumOctets = 16 << 20
    /// What an entry holds besides its octets, about.
    private static let overhead = 256

    struct Entry {
        let at: NIODeadline
        let isSent: Bool
        let leg: String
        let message: Message
    }

    /// What is kept of one call. The call writes to it for as long as it likes; what was pushed out takes nothing more.
    final class Record {
        let id: String
        /// Seconds since 1970.
        let began: Int
        fileprivate(set) var entries: [Entry] = []
        /// Messages that there was no room for.
        fileprivate(set) var dropped = 0
        fileprivate(set) var octets = 0
        fileprivate weak var log: CallLog?

        fileprivate init(id: String, log: CallLog) {
            self.id = id
            self.log = log
            began = time(nil)
        }

        func append(_ message: Message, isSent: Bool, leg: String) { log?.append(message, isSent, leg, to: self) }
    }

    private let maximumCalls: Int
    private var records: [String: Record] = [:]
    /// Oldest first, from `first` on.
    private var order: [Record] = []
    private var first = 0
    private(set) var octets = 0

    /// Told of the Call-IDs of two legs of one call; `main` is that of the leg it came in by.
    private let onLeg: ((_ callID: String, _ main: String) -> Void)?

    /// - Parameter maximumCalls: 0 keeps nothing, unless somebody wants to hear of the legs.
    init(maximumCalls: Int, onLeg: ((_ callID: String, _ main: String) -> Void)? = nil) {
        self.maximumCalls = maximumCalls > 0 || onLeg == nil ? maximumCalls : 200
        self.onLeg = onLeg
    }

    var count: Int { records.count }

    /// A call begins; nil when nothing is kept.
    func begin(_ id: String) -> Record? {
        guard maximumCalls > 0 else { return nil }
        while records.count >= maximumCalls, forgetOldest() {}
        let record = Record(id: id, log: self)
        records[id] = record
        order.append(record)
        return record
    }

    private func append(_ message: Message, _ isSent: Bool, _ leg: String, to record: Record) {
        let size = message.size + Self.overhead
        guard record.entries.count < Self.maximumMessages, size <= Self.maximumOctets / 16 else {
            record.dropped += 1
            return
        }
        if let onLeg, let main = record.entries.first?.message.headers.callID, let other = message.headers.callID {
            onLeg(other, main)
        }
        record.entries.append(Entry(at: .now(), isSent: isSent, leg: leg, message: message))
        record.octets += size
        octets += size
        while octets > Self.maximumOctets, forgetOldest() {}
    }

    private func forgetOldest() -> Bool {
        guard first < order.count else { return false }
        let record = order[first]
        first += 1
        record.log = nil
        records[record.id] = nil
        octets -= record.octets
        if first > 256, first > order.count / 2 {
            order.removeFirst(first)
            first = 0
        }
        return true
    }

    // MARK: Reading

    /// Newest first.
    func summaries(limit: Int) -> [CallTrace.Summary] {
        order[first...].reversed().prefix(limit).map { CallTrace(Capture($0)).summary }
    }

    /// The messages as they are, to be made text of elsewhere than on the loop.
    func capture(_ id: String) -> Capture? { records[id].map(Capture.init) }

    struct Capture: Sendable {
        let id: String
        let began: Int
        let dropped: Int
        let entries: [Entry]

        init(_ record: Record) {
            id = record.id
            began = record.began
            dropped = record.dropped
            entries = record.entries
        }
    }
}

extension CallLog.Entry: Sendable {}

extension Message {
    /// Octets that it holds, about.
    var size: Int {
        switch self {
        case .request(let request): request.heldOctets
        case .response(let response): response.body.count + response.headers.storedOctets
        }
    }
}
