import CMediaIO

/// The packets that we make: prompts, silence, key presses. A leg's timer runs at 20 ms while it paces, and looks for gaps
/// of a live source while it does not; legs that do neither have none.
extension WorkerLoop {
    /// The leg's timer fired.
    mutating func pace(_ leg: UnsafeMutablePointer<Leg>) {
        guard leg.pointee.isSending else { return }
        if !leg.pointee.isPacing {
            guard looksForGaps(leg) else { return }
            let due = leg.pointee.lastSent + Self.fillAfter
            guard due <= now else {
                wheel.arm(leg.pointee.index, at: due)
                return
            }
            leg.pointee.isPacing = true
            leg.pointee.clock.restart(at: Self.aligned(now))
        }
        var frames = 0
        while leg.pointee.isPacing, leg.pointee.clock.due <= now {
            guard frames < Self.catchUp else {
                leg.pointee.rewriter.skip()
                leg.pointee.clock.restart(at: now + Self.frameTime)
                break
            }
            sendFrame(leg)
            leg.pointee.clock.advance(leg.pointee.frameTicks)
            frames += 1
        }
        armTimer(leg)
    }

    private mutating func armTimer(_ leg: UnsafeMutablePointer<Leg>) {
        if leg.pointee.isPacing {
            wheel.arm(leg.pointee.index, at: leg.pointee.clock.due)
        } else if looksForGaps(leg) {
            wheel.arm(leg.pointee.index, at: leg.pointee.lastSent + Self.fillAfter)
        }
    }

    private func looksForGaps(_ leg: UnsafeMutablePointer<Leg>) -> Bool {
        leg.pointee.keepsAlive && leg.pointee.hasLiveSource || leg.pointee.isWaitingForSource
    }

    /// The beginning of the grid's step, so that legs which began at different times are served by the same wake-ups.
    private static func aligned(_ instant: MediaInstant) -> MediaInstant {
        MediaInstant(nanoseconds: instant.nanoseconds - instant.nanoseconds % gridTime)
    }

    /// Begins to pace, in step with what was sent last; the first frame goes out at once when it is due.
    mutating func beginPacing(_ leg: UnsafeMutablePointer<Leg>) {
        guard leg.pointee.isSending, !leg.pointee.isPacing else { return }
        leg.pointee.isPacing = true
        let hasSent = leg.pointee.statistics.packetsSent > 0
        leg.pointee.clock.restart(
            at: Self.aligned(hasSent ? max(now, leg.pointee.lastSent + Self.frameTime) : now))
        pace(leg)
    }

    /// One 20 ms step of a pacing leg.
    private mutating func sendFrame(_ leg: UnsafeMutablePointer<Leg>) {
        if leg.pointee.digits.isActive {
            switch leg.pointee.digits.step() {
            case .send(let event, let begins):
                send(event, begins: begins, leg)
                return
            case .pause:
                break
            case .finished:
                emit(.digitsSent(leg.pointee.id), for: leg.pointee.session)
            }
        }
        let payload = UnsafeMutableRawBufferPointer(rebasing: scratch[RTPHeader.length...])
        if leg.pointee.source == .prompt {
            if let length = leg.pointee.playback?.next(into: payload) {
                sendAudio(length, leg)
                return
            }
            finishPrompt(leg)
        }
        if leg.pointee.hasLiveSource, let spoke = leg.pointee.sourceSpokeAt {
            if now.since(spoke) < Self.fillAfter || !leg.pointee.keepsAlive {
                // Pacing was for keys alone.
                if !leg.pointee.digits.isActive { leg.pointee.isPacing = false }
                return
            }
        }
        silence.withUnsafeBytes { payload.copyMemory(from: $0) }
        sendAudio(silence.count, leg)
        leg.pointee.statistics.silenceSent &+= 1
        if leg.pointee.isWaitingForSource {
            leg.pointee.rewriter.skip()
            leg.pointee.isPacing = false
        }
    }

    private mutating func sendAudio(_ length: Int, _ leg: UnsafeMutablePointer<Leg>) {
        let output = leg.pointee.rewriter.generate(ticks: leg.pointee.frameTicks, now: now)
        RTPHeader(
            marker: output.begins, payloadType: leg.pointee.audioPayloadType, sequenceNumber: output.sequenceNumber,
            timestamp: output.timestamp, ssrc: leg.pointee.rewriter.ssrc
        ).write(into: scratch)
        enqueue(scratch, payload: length, to: leg)
        flush()
    }

    private mutating func send(_ event: TelephoneEvent, begins: Bool, _ leg: UnsafeMutablePointer<Leg>) {
        if begins { leg.pointee.eventTimestamp = leg.pointee.rewriter.beginEvent(now: now) }
        RTPHeader(
            marker: begins, payloadType: leg.pointee.eventPayloadType,
            sequenceNumber: leg.pointee.rewriter.nextEventPacket(), timestamp: leg.pointee.eventTimestamp,
            ssrc: leg.pointee.rewriter.ssrc
        ).write(into: scratch)
        event.write(into: UnsafeMutableRawBufferPointer(rebasing: scratch[RTPHeader.length...]))
        enqueue(scratch, payload: TelephoneEvent.length, to: leg)
        flush()
    }

    private mutating func finishPrompt(_ leg: UnsafeMutablePointer<Leg>) {
        let then = leg.pointee.playback?.then ?? .silence
        leg.pointee.playback = nil
        switch then {
        case .silence: setSource(.silence, leg)
        case .echo: setSource(.echo, leg)
        case .bridge:
            setSource(.bridge, leg)
            if leg.pointee.peer >= 0, let other = legs[leg.pointee.peer], other.pointee.source == .silence {
                setSource(.bridge, other)
            }
        }
        emit(.playFinished(leg.pointee.id), for: leg.pointee.session)
    }

    /// Changes whose packets the leg is sent. A pacing leg goes on pacing until a live source speaks.
    mutating func setSource(_ source: Leg.Source, _ leg: UnsafeMutablePointer<Leg>) {
        guard leg.pointee.source != source else { return }
        leg.pointee.source = source
        leg.pointee.sourceSpokeAt = nil
        if source != .prompt { leg.pointee.playback = nil }
        if !leg.pointee.hasLiveSource { beginPacing(leg) }
    }
}
