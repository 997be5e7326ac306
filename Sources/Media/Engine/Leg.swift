/// One side of a call, as its worker keeps it: plain values in memory of the worker's own, no references to other legs.
struct Leg: ~Copyable {
    /// Whose packets the leg is sent.
    enum Source: UInt8 { case silence, prompt, echo, bridge }

    let session: SessionKey
    let id: LegID
    /// Place in the worker's table, and the other leg's; -1 while there is none.
    let index: Int
    var peer = -1

    let socket: Int32
    /// -1 when RTCP is muxed.
    var rtcpSocket: Int32
    let address: MediaAddress
    let openedAt: MediaInstant

    // What signalling said; nil until it did. The packet path looks at the plain copies below, as touching `parameters`
    // would count references.
    var parameters: LegParameters?
    var isStarted = false
    var startedAt: MediaInstant
    var audioPayloadType: UInt8 = 0xff
    var eventPayloadType: UInt8 = 0xff
    var isSymmetric = false
    var keepsAlive = false
    var waitsForSource = false
    var isSecure = false
    /// Where we send, which is also the only address that plain RTP is taken from.
    var remote: MediaAddress
    var remoteName: SocketName
    /// False while signalling named no place to send to (0.0.0.0 or port 0: hold in the style of RFC 2543).
    var hasRemote = false
    /// Plain RTP: the peer's other port has been taken, once.
    var isLatched = false
    var srtp: SRTPSession?

    // Sending.
    var rewriter: Rewriter
    /// Ticks of 20 ms.
    var frameTicks: UInt32 = 960
    var source = Source.silence
    /// Frames of ours go out every 20 ms.
    var isPacing = false
    var clock: PlayoutClock
    var lastSent: MediaInstant
    /// When the source of an echo or a bridge last spoke; nil: not since it became the source.
    var sourceSpokeAt: MediaInstant?
    var playback: Playback?
    var digits = TelephoneEventSender()
    var eventTimestamp: UInt32 = 0

    // Receiving.
    var receiver: ReceiverStatistics?
    /// Counts of receivers before the present one.
    var earlier = LegStatistics()
    var events: TelephoneEventReceiver
    var recording: Unmanaged<PacketRecording>?
    var lastReceived: MediaInstant?
    var toldNoMedia = false
    var toldBye = false
    /// In a row, from the peer's address.
    var authenticationFailures = 0
    var toldAuthentication = false

    // RTCP.
    var report = ReportState()

    /// Counted in place; loss and jitter are filled in by ``snapshot()``.
    var statistics = LegStatistics()

    init(
        session: SessionKey, id: LegID, index: Int, sockets: LegSockets, now: MediaInstant
    ) {
        self.session = session
        self.id = id
        self.index = index
        socket = sockets.rtp
        rtcpSocket = sockets.rtcp
        address = sockets.address
        openedAt = now
        startedAt = now
        remote = sockets.address
        remoteName = SocketName(sockets.address, ipv6: sockets.address.isIPv6)
        rewriter = Rewriter(ssrc: 0, firstSequenceNumber: 0, firstTimestamp: 0, clockRate: 48_000)
        clock = PlayoutClock(origin: now, rate: 48_000)
        lastSent = now
        events = TelephoneEventReceiver(clockRate: 48_000)
    }

    deinit {
        recording?.release()
        UDPSocket.close(socket)
        UDPSocket.close(rtcpSocket)
    }

    @inline(__always)
    var isConnected: Bool { audioPayloadType != 0xff }

    /// Allowed and able to send.
    @inline(__always)
    var isSending: Bool { isStarted && hasRemote }

    /// Echo or bridge: frames of ours only fill its gaps.
    @inline(__always)
    var hasLiveSource: Bool { source == .echo || source == .bridge }

    /// Silence is sent now and then, as nobody has spoken to the leg yet.
    @inline(__always)
    var isWaitingForSource: Bool {
        waitsForSource && source != .prompt && sourceSpokeAt == nil && !digits.isActive
    }

    /// A prompt being played.
    struct Playback: ~Copyable {
        private let prompt: Unmanaged<Prompt>
        private let count: Int
        private var frame = 0
        /// Below 1: for ever.
        private var loops: Int
        let then: AfterPlay

        init(_ prompt: Prompt, loops: Int, then: AfterPlay) {
            self.prompt = Unmanaged.passRetained(prompt)
            count = prompt.frameCount
            // An empty prompt ends at once, however often it is asked for.
            self.loops = prompt.frameCount == 0 ? 1 : loops
            self.then = then
        }

        deinit {
            prompt.release()
        }

        /// Copies the next frame to `payload`; nil: the prompt is over.
        mutating func next(into payload: UnsafeMutableRawBufferPointer) -> Int? {
            if frame == count {
                if loops == 1 || count == 0 { return nil }
                if loops > 1 { loops -= 1 }
                frame = 0
            }
            defer { frame += 1 }
            return prompt._withUnsafeGuaranteedRef { prompt in
                prompt.withFrame(frame) { octets in
                    let octets = octets.prefix(payload.count)
                    payload.copyMemory(from: UnsafeRawBufferPointer(rebasing: octets))
                    return octets.count
                }
            }
        }
    }

    /// What RTCP has to remember between reports.
    struct ReportState {
        var next = MediaInstant.never
        var sentAtReport: UInt64 = 0
        /// Middle bits of the peer's last sender report, and when it came.
        var lastSenderReport: UInt32 = 0
        var lastSenderReportAt = MediaInstant(nanoseconds: 0)
    }

    /// The counts as they are now.
    func snapshot() -> LegStatistics {
        var copy = statistics
        copy.lost = earlier.lost
        copy.duplicates = earlier.duplicates
        copy.reordered = earlier.reordered
        if let receiver {
            copy.lost &+= receiver.lost
            copy.duplicates &+= receiver.duplicates
            copy.reordered &+= receiver.reordered
            copy.jitter = receiver.jitterMilliseconds
            copy.remoteSSRC = receiver.ssrc
        }
        return copy
    }
}
