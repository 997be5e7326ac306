/// The media of one call: up to two legs on one worker. Every method but ``openLeg(_:bind:)`` posts a command and returns
/// at once; commands of one session take effect in the order in which they were given. Closes itself when released.
public final class MediaSession: Sendable {
    /// The owner's name of the call, for logs.
    public let id: String

    init(id: String) {
        self.id = id
    }

    /// Binds the leg's socket. The result is what SDP must say, unless the owner knows a public address for it; its host is
    /// the one bound to, so 0.0.0.0 when that was asked for.
    ///
    /// Throws `portRangeExhausted`, `addressUnavailable`, `descriptorsExhausted`, `legLimit`, `legAlreadyOpen`,
    /// `sessionClosed`.
    public func openLeg(_ leg: LegID, bind address: String? = nil) throws(MediaError) -> MediaAddress {
        throw MediaError(code: .sessionClosed, message: "not yet", remedy: "wait")
    }

    /// Says where the peer is and what it speaks. May be repeated: the same parameters change nothing, others replace the
    /// peer; SSRC, sequence numbers and timestamps of what we send go on.
    public func connect(_ leg: LegID, _ parameters: LegParameters) {}

    /// Begins to send, at once: silence until another source speaks.
    public func start(_ leg: LegID) {}

    /// Plays to the leg, from the first frame. `loops` below 1: for ever. Ends with ``MediaEvent/playFinished(_:)``, unless
    /// another source replaces it first.
    public func play(_ leg: LegID, _ prompt: Prompt, loops: Int = 1, then: AfterPlay = .silence) {}

    /// Sends the leg silence, whatever it was sent before.
    public func silence(_ leg: LegID) {}

    /// Sends the leg's own audio back to it.
    public func echo(_ leg: LegID) {}

    /// Relays both ways between the legs.
    public func bridge() {}

    /// Keeps what the leg receives, undecoded.
    public func record(_ leg: LegID, into recording: PacketRecording) {}

    /// Ends the recording of the leg.
    public func stopRecording(_ leg: LegID) {}

    /// Sends key presses by RFC 4733: 0–9, *, #, A–D; other characters are skipped. Needs an event payload type, else it is
    /// refused with ``MediaEvent/digitsSent(_:)`` at once. The leg's audio pauses while a key is down.
    public func sendDigits(
        _ leg: LegID, _ digits: String, duration: Duration = .milliseconds(160), gap: Duration = .milliseconds(80)
    ) {}

    /// RTCP BYE to connected peers, then the sockets close and their ports rest. Idempotent.
    public func close() {}

    /// Of the open legs; after ``close()``, the last values of the closed ones.
    public func statistics() async -> [LegID: LegStatistics] { [:] }
}
