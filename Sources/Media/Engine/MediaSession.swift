import Synchronization

/// The media of one call: up to two legs on one worker. Every method but ``openLeg(_:bind:rtcpMux:)`` posts a command and returns
/// at once; commands of one session take effect in the order in which they were given. Closes itself when released.
public final class MediaSession: Sendable {
    /// The owner's name of the call, for logs.
    public let id: String

    private struct State: Sendable {
        var openLegs: Set<LegID> = []
        var startedLegs: Set<LegID> = []
        var isClosed = false
    }

    private let key: SessionKey
    private let worker: MediaWorker
    private let pool: PortPool
    private let bindAddress: String
    private let final = FinalStatistics()
    private let state = Mutex(State())

    init(
        id: String, key: SessionKey, worker: MediaWorker, pool: PortPool, bindAddress: String,
        events: @escaping @Sendable (MediaEvent) -> Void
    ) {
        self.id = id
        self.key = key
        self.worker = worker
        self.pool = pool
        self.bindAddress = bindAddress
        worker.load.wrappingAdd(1, ordering: .relaxed)
        worker.mailbox.post(.register(key, SessionRecord(events: events, final: final)), urgent: false)
    }

    deinit {
        close()
    }

    /// Binds the leg's socket. The result is what SDP must say, unless the owner knows a public address for it; its host is
    /// the one bound to, so 0.0.0.0 when that was asked for.
    ///
    /// `rtcpMux`: both sides are known to have RTCP on the RTP port (RFC 5761), so the port above it is not bound.
    ///
    /// Throws `portRangeExhausted`, `addressUnavailable`, `descriptorsExhausted`, `legLimit`, `legAlreadyOpen`,
    /// `sessionClosed`.
    public func openLeg(
        _ leg: LegID, bind address: String? = nil, rtcpMux: Bool = false
    ) throws(MediaError) -> MediaAddress {
        let host = try MediaEngine.literal(address ?? bindAddress)
        try reserve(leg)
        let sockets: LegSockets
        do throws(MediaError) {
            sockets = try pool.open(host, rtcpMux: rtcpMux)
        } catch {
            state.withLock { _ = $0.openLegs.remove(leg) }
            throw error
        }
        guard worker.mailbox.post(.open(key, leg, sockets), urgent: false) else {
            UDPSocket.close(sockets.rtp)
            UDPSocket.close(sockets.rtcp)
            pool.release(sockets.address.port)
            throw Self.closedError
        }
        return sockets.address
    }

    private func reserve(_ leg: LegID) throws(MediaError) {
        let result = state.withLock { state -> Result<Void, MediaError> in
            guard !state.isClosed else { return .failure(Self.closedError) }
            guard state.openLegs.insert(leg).inserted else {
                return .failure(
                    MediaError(
                        code: .legAlreadyOpen, message: "leg \(leg.rawValue) of the session is open already",
                        remedy: "connect it to another peer, or make a new session"))
            }
            return .success(())
        }
        try result.get()
    }

    private static let closedError = MediaError(
        code: .sessionClosed, message: "the media session is closed", remedy: "make a new session")

    /// Says where the peer is and what it speaks. May be repeated: the same parameters change nothing, others replace the
    /// peer; SSRC, sequence numbers and timestamps of what we send go on.
    public func connect(_ leg: LegID, _ parameters: LegParameters) {
        // Nothing is sent before the start.
        worker.mailbox.post(.connect(key, leg, parameters), urgent: isStarted(leg))
    }

    /// Begins to send, at once: silence until another source speaks.
    public func start(_ leg: LegID) {
        state.withLock { _ = $0.startedLegs.insert(leg) }
        worker.mailbox.post(.start(key, leg, at: .monotonic()))
    }

    /// Plays to the leg, from the first frame. `loops` below 1: for ever. Ends with ``MediaEvent/playFinished(_:)``, unless
    /// another source replaces it first.
    public func play(_ leg: LegID, _ prompt: Prompt, loops: Int = 1, then: AfterPlay = .silence) {
        worker.mailbox.post(.play(key, leg, prompt, loops: loops, then: then))
    }

    /// Sends the leg silence, whatever it was sent before.
    public func silence(_ leg: LegID) {
        worker.mailbox.post(.silence(key, leg))
    }

    /// Sends the leg's own audio back to it.
    public func echo(_ leg: LegID) {
        worker.mailbox.post(.echo(key, leg))
    }

    /// Relays both ways between the legs: audio to audio, events to events, each leg under its own payload types.
    public func bridge() {
        // A leg that is not started neither sends nor has anything to say.
        worker.mailbox.post(.bridge(key), urgent: isStarted(.a) && isStarted(.b))
    }

    private func isStarted(_ leg: LegID) -> Bool { state.withLock { $0.startedLegs.contains(leg) } }

    /// Keeps what the leg receives, undecoded.
    public func record(_ leg: LegID, into recording: PacketRecording) {
        worker.mailbox.post(.record(key, leg, recording))
    }

    /// Ends the recording of the leg.
    public func stopRecording(_ leg: LegID) {
        worker.mailbox.post(.record(key, leg, nil))
    }

    /// Sends key presses by RFC 4733: 0–9, *, #, A–D; other characters are skipped. Needs an event payload type, else it is
    /// refused with ``MediaEvent/digitsSent(_:)`` at once. The leg's audio pauses while a key is down.
    public func sendDigits(
        _ leg: LegID, _ digits: String, duration: Duration = .milliseconds(160), gap: Duration = .milliseconds(80)
    ) {
        worker.mailbox.post(.sendDigits(key, leg, digits, duration: duration, gap: gap))
    }

    /// RTCP BYE to connected peers, then the sockets close and their ports rest. Idempotent.
    public func close() {
        let wasOpen = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard wasOpen else { return }
        worker.load.wrappingSubtract(1, ordering: .relaxed)
        worker.mailbox.post(.close(key))
    }

    /// Of the open legs; after ``close()``, the last values of the closed ones.
    public func statistics() async -> [LegID: LegStatistics] {
        await withCheckedContinuation { continuation in
            statistics { continuation.resume(returning: $0) }
        }
    }

    /// As ``statistics()``; `reply` is called once, on the worker's thread, after the commands given before.
    public func statistics(reply: @escaping @Sendable ([LegID: LegStatistics]) -> Void) {
        let final = final
        let posted = worker.mailbox.post(.statistics(key) { reply($0 ?? final.legs) })
        if !posted { reply(final.legs) }
    }
}
