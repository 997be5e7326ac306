import CMediaIO

/// What sessions ask for. Commands for sessions and legs that are gone are passed over: their owner was faster than us.
extension WorkerLoop {
    mutating func obey() {
        for command in mailbox.take() {
            obey(command)
        }
    }

    private mutating func obey(_ command: MediaCommand) {
        switch command {
        case .register(let key, let record):
            sessions[key] = record
            legsOfSession[key] = (-1, -1)
        case .open(let key, let id, let sockets): open(key, id, sockets)
        case .connect(let key, let id, let parameters): connect(key, id, parameters)
        case .start(let key, let id, let instant): leg(key, id).map { start($0, at: instant) }
        case .play(let key, let id, let prompt, let loops, let then):
            guard let leg = leg(key, id) else { return }
            leg.pointee.playback = nil
            setSource(.prompt, leg)
            leg.pointee.playback = Leg.Playback(prompt, loops: loops, then: then)
            beginPacing(leg)
        case .silence(let key, let id): leg(key, id).map { setSource(.silence, $0) }
        case .echo(let key, let id): leg(key, id).map { setSource(.echo, $0) }
        case .bridge(let key):
            leg(key, .a).map { setSource(.bridge, $0) }
            leg(key, .b).map { setSource(.bridge, $0) }
        case .record(let key, let id, let recording):
            guard let leg = leg(key, id) else { return }
            leg.pointee.recording?.release()
            leg.pointee.recording = recording.map { Unmanaged.passRetained($0) }
        case .sendDigits(let key, let id, let digits, let duration, let gap):
            guard let leg = leg(key, id) else { return }
            guard leg.pointee.eventPayloadType != 0xff else {
                emit(.digitsSent(id), for: key)
                return
            }
            leg.pointee.digits.enqueue(digits, duration: duration, gap: gap)
            beginPacing(leg)
        case .close(let key): close(key)
        case .statistics(let key, let reply): reply(statistics(of: key))
        case .totals(let reply): reply(totals())
        case .stop:
            isStopping = true
        }
    }

    private func leg(_ key: SessionKey, _ id: LegID) -> UnsafeMutablePointer<Leg>? {
        guard let indices = legsOfSession[key] else { return nil }
        let index = id == .a ? indices.a : indices.b
        return index >= 0 ? legs[index] : nil
    }

    // MARK: legs

    private mutating func open(_ key: SessionKey, _ id: LegID, _ sockets: LegSockets) {
        guard var indices = legsOfSession[key], leg(key, id) == nil else {
            UDPSocket.close(sockets.rtp)
            UDPSocket.close(sockets.rtcp)
            pool.release(sockets.address.port)
            return
        }
        let index = freeIndices.popLast() ?? growTable()
        let leg = UnsafeMutablePointer<Leg>.allocate(capacity: 1)
        leg.initialize(to: Leg(session: key, id: id, index: index, sockets: sockets, now: now))
        legs[index] = leg
        if id == .a { indices.a = index } else { indices.b = index }
        legsOfSession[key] = indices
        let other = id == .a ? indices.b : indices.a
        if other >= 0 {
            leg.pointee.peer = other
            legs[other]?.pointee.peer = index
        }
        let status = cmio_epoll_add(epoll, sockets.rtp, UInt64(index))
        let rtcpStatus =
            sockets.rtcp < 0 ? 0 : cmio_epoll_add(epoll, sockets.rtcp, UInt64(index) | Self.rtcpToken)
        if status < 0 || rtcpStatus < 0 {
            let error = SystemError(code: -min(status, rtcpStatus))
            fail(leg, PortPool.describe(error, sockets.address))
        }
    }

    /// Doubles the table of legs and returns the first new index.
    private mutating func growTable() -> Int {
        let larger = max(64, legCapacity * 2)
        let table = UnsafeMutablePointer<UnsafeMutablePointer<Leg>?>.allocate(capacity: larger)
        table.initialize(repeating: nil, count: larger)
        table.update(from: legs, count: legCapacity)
        legs.deallocate()
        legs = table
        wheel.reserve(larger)
        let first = legCapacity
        legCapacity = larger
        freeIndices.append(contentsOf: (first + 1..<larger).reversed())
        return first
    }

    private func fail(_ leg: UnsafeMutablePointer<Leg>, _ error: MediaError) {
        emit(.ended(leg.pointee.id, .failed(error)), for: leg.pointee.session)
    }

    private mutating func connect(_ key: SessionKey, _ id: LegID, _ parameters: LegParameters) {
        guard let leg = leg(key, id), leg.pointee.parameters != parameters else { return }
        guard !parameters.remote.isIPv6 || leg.pointee.address.isIPv6 else {
            fail(
                leg,
                MediaError(
                    code: .addressUnavailable,
                    message: "the peer's media is at \(parameters.remote.host), but the leg is bound to IPv4",
                    remedy: "set media.bindAddress to :: to serve both families"))
            return
        }
        let previous = leg.pointee.parameters
        if previous?.srtp != parameters.srtp {
            // Same keys: the session stays, as its rollover counters and replay windows are the call's.
            do throws(MediaError) {
                leg.pointee.srtp = nil
                if let keys = parameters.srtp { leg.pointee.srtp = try SRTPSession(keys: keys) }
                leg.pointee.authenticationFailures = 0
                leg.pointee.toldAuthentication = false
            } catch {
                fail(leg, error)
                return
            }
        }
        if previous == nil {
            let rate = max(1, parameters.clockRate)
            leg.pointee.rewriter = Rewriter(
                ssrc: parameters.ssrc, firstSequenceNumber: .random(in: 0...0x7fff),
                firstTimestamp: .random(in: 0...(.max)), clockRate: rate)
            leg.pointee.clock = PlayoutClock(origin: now, rate: rate)
            leg.pointee.frameTicks = max(1, rate / 50)
            leg.pointee.events = TelephoneEventReceiver(clockRate: rate)
        }
        if previous?.remote != parameters.remote {
            leg.pointee.remote = parameters.remote
            leg.pointee.remoteName = SocketName(parameters.remote, ipv6: leg.pointee.address.isIPv6)
            leg.pointee.hasRemote = !parameters.remote.isUnspecified && parameters.remote.port != 0
            leg.pointee.isLatched = false
        }
        if parameters.rtcpMux, leg.pointee.rtcpSocket >= 0 {
            UDPSocket.close(leg.pointee.rtcpSocket)
            leg.pointee.rtcpSocket = -1
        }
        leg.pointee.isSecure = parameters.srtp != nil
        leg.pointee.audioPayloadType = parameters.audioPayloadType & 0x7f
        leg.pointee.eventPayloadType = parameters.eventPayloadType.map { $0 & 0x7f } ?? 0xff
        leg.pointee.isSymmetric = parameters.symmetric
        leg.pointee.keepsAlive = parameters.keepAlive
        leg.pointee.waitsForSource = parameters.waitsForSource
        leg.pointee.parameters = parameters
        resume(leg)
    }

    private mutating func start(_ leg: UnsafeMutablePointer<Leg>, at instant: MediaInstant) {
        guard !leg.pointee.isStarted else { return }
        leg.pointee.isStarted = true
        leg.pointee.startedAt = instant
        resume(leg)
    }

    /// After a change of what the leg may send: the first packet goes out now, or pacing ends.
    private mutating func resume(_ leg: UnsafeMutablePointer<Leg>) {
        guard leg.pointee.isSending else {
            leg.pointee.isPacing = false
            return
        }
        if leg.pointee.report.next == .never { leg.pointee.report.next = now + Self.reportInterval / 5 }
        beginPacing(leg)
    }

    // MARK: ends

    private mutating func close(_ key: SessionKey) {
        guard let indices = legsOfSession.removeValue(forKey: key) else { return }
        let record = sessions.removeValue(forKey: key)
        close(indices.a, record)
        close(indices.b, record)
    }

    private mutating func close(_ index: Int, _ record: SessionRecord?) {
        guard index >= 0, let leg = legs[index] else { return }
        if leg.pointee.isSending { sendReport(leg, isLast: true) }
        let statistics = leg.pointee.snapshot()
        record?.final.keep(statistics, of: leg.pointee.id)
        closedLegs.add(statistics)
        wheel.cancel(index)
        legs[index] = nil
        freeIndices.append(index)
        let port = leg.pointee.address.port
        leg.deinitialize(count: 1)
        leg.deallocate()
        // After the sockets, so that the port is free when it is handed out again.
        pool.release(port)
    }

    private func statistics(of key: SessionKey) -> [LegID: LegStatistics]? {
        guard legsOfSession[key] != nil else { return nil }
        var result: [LegID: LegStatistics] = [:]
        for id in LegID.allCases {
            if let leg = leg(key, id) { result[id] = leg.pointee.snapshot() }
        }
        return result
    }

    /// The end of the worker: every session is closed, and whoever still asks is answered.
    mutating func closeEverything() {
        for key in Array(legsOfSession.keys) { close(key) }
        for command in mailbox.shut() {
            switch command {
            case .open(_, _, let sockets):
                UDPSocket.close(sockets.rtp)
                UDPSocket.close(sockets.rtcp)
                pool.release(sockets.address.port)
            case .statistics(_, let reply): reply(nil)
            case .totals(let reply): reply(totals())
            default: break
            }
        }
        published.put(totals())
    }
}
