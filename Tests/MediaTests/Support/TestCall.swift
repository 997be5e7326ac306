import Dispatch
import Synchronization
import Testing

@testable import Media

extension Tag {
    @Tag static var engine: Self
}

/// Events of a session, and a way to wait for one.
final class EventLog: Sendable {
    private let events = Mutex<[MediaEvent]>([])
    private let arrived = DispatchSemaphore(value: 0)

    func put(_ event: MediaEvent) {
        events.withLock { $0.append(event) }
        arrived.signal()
    }

    var all: [MediaEvent] { events.withLock { $0 } }

    /// The first event, past or to come, that `matches`.
    func wait(seconds: Double = 5, _ matches: (MediaEvent) -> Bool) -> MediaEvent? {
        let deadline = DispatchTime.now() + seconds
        while true {
            if let found = all.first(where: matches) { return found }
            guard arrived.wait(timeout: deadline) == .success else { return nil }
        }
    }
}

/// An engine with one session, on ports of this test alone.
struct TestCall {
    static let keys = try! SRTPKeys(  // 30 octets each
        suite: .aesCM128HMACSHA1_80, receive: Array(1...30), send: Array(101...130))
    private static let nextRange = Atomic<Int>(0)

    let engine: MediaEngine
    let session: MediaSession
    let events: EventLog

    /// Ranges do not overlap between the tests of a run, and lie below the ports that the kernel gives to peers.
    static func ports(pairs: Int = 4) -> ClosedRange<UInt16> {
        let first = 10_000 + nextRange.wrappingAdd(pairs * 2, ordering: .relaxed).oldValue % 20_000
        return UInt16(first)...UInt16(first + pairs * 2 - 1)
    }

    init(_ change: (inout MediaConfiguration) -> Void = { _ in }) throws {
        var configuration = MediaConfiguration(
            workers: 1, bindAddress: "127.0.0.1", ports: Self.ports(), portRest: .milliseconds(1))
        change(&configuration)
        let events = EventLog()
        self.events = events
        engine = try MediaEngine(configuration)
        session = engine.makeSession(id: "test") { events.put($0) }
    }

    /// Opens and connects a leg.
    func leg(
        _ id: LegID, to peer: TestPeer, keys: SRTPKeys? = nil, audio: UInt8 = 111, event: UInt8? = 126,
        rtcpMux: Bool = true, symmetric: Bool = true, keepAlive: Bool = true,
        waitsForSource: Bool = false
    ) throws -> MediaAddress {
        let address = try session.openLeg(id)
        session.connect(
            id,
            LegParameters(
                remote: peer.address, audioPayloadType: audio, eventPayloadType: event, srtp: keys,
                ssrc: id == .a ? 0xaaaa_0001 : 0xbbbb_0002, cname: "test@example.com", rtcpMux: rtcpMux,
                symmetric: symmetric, keepAlive: keepAlive, waitsForSource: waitsForSource))
        return address
    }

    /// Starts the legs; they run when this returns.
    func start(_ legs: LegID...) {
        for leg in legs { session.start(leg) }
        _ = settle()
    }

    /// Waits until the worker has done what was asked before. Blocks rather than suspends: a test that gives up its thread
    /// may get it back when the packets that it looks for are long past.
    @discardableResult
    func settle() -> [LegID: LegStatistics] { settle(session) }

    @discardableResult
    func settle(_ session: MediaSession) -> [LegID: LegStatistics] {
        let answer = Answer()
        session.statistics { answer.put($0) }
        return answer.get()
    }
}

/// One value on its way from a worker to a test.
private final class Answer: Sendable {
    private let value = Mutex<[LegID: LegStatistics]>([:])
    private let ready = DispatchSemaphore(value: 0)

    func put(_ statistics: [LegID: LegStatistics]) {
        value.withLock { $0 = statistics }
        ready.signal()
    }

    func get() -> [LegID: LegStatistics] {
        ready.wait()
        return value.withLock { $0 }
    }
}
