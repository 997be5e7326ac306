import CMediaIO

/// The way of a packet: socket → authenticate and decrypt in place → count → rewrite in place → encrypt → the other leg's
/// socket. Nothing here allocates, locks or logs; events are told outside it at the rate of people.
extension WorkerLoop {
    /// Failures in a row after which the owner is told that the keys do not fit.
    private static let failuresToTell = 50

    /// Reads a socket until it is dry or the budget is used up.
    mutating func receive(_ leg: UnsafeMutablePointer<Leg>, isRTCP: Bool) {
        let descriptor = isRTCP ? leg.pointee.rtcpSocket : leg.pointee.socket
        for _ in 0..<Self.budget {
            let count = cmio_receive(batch, descriptor)
            guard count > 0 else { return }
            for position in 0..<count {
                let length = Int(cmio_batch_length(batch, position))
                guard let data = cmio_batch_data(batch, position), let name = cmio_batch_source(batch, position) else {
                    continue
                }
                let packet = UnsafeMutableRawBufferPointer(start: data, count: Int(CMIO_SLOT))
                take(packet, length, from: MediaAddress(name), isRTCP: isRTCP, leg)
            }
            flush()
            // A batch that was not full emptied the socket; what came since wakes us again.
            if count < CMIO_BATCH { return }
        }
    }

    /// Tells RTP and RTCP apart (RFC 5761 §4); STUN and DTLS (RFC 7983 §7) get their places here.
    @inline(__always)
    private mutating func take(
        _ packet: UnsafeMutableRawBufferPointer, _ length: Int, from source: MediaAddress, isRTCP: Bool,
        _ leg: UnsafeMutablePointer<Leg>
    ) {
        guard length >= 8, packet[0] >> 6 == 2 else {
            leg.pointee.statistics.malformed &+= 1
            return
        }
        if isRTCP || RTPHeader.isRTCP(secondOctet: packet[1]) {
            takeRTCP(packet, length, from: source, leg)
        } else {
            takeRTP(packet, length, from: source, leg)
        }
    }

    @inline(__always)
    private mutating func takeRTP(
        _ packet: UnsafeMutableRawBufferPointer, _ received: Int, from source: MediaAddress,
        _ leg: UnsafeMutablePointer<Leg>
    ) {
        var length = received
        let isExpected = source == leg.pointee.remote
        guard leg.pointee.isConnected, isExpected || mayBePeer(leg, source) else {
            leg.pointee.statistics.strangers &+= 1
            return
        }
        if leg.pointee.isSecure {
            let outcome = leg.pointee.srtp?.unprotect(packet, length: &length) ?? .failed
            guard outcome == .ok else {
                refuse(leg, outcome, isExpected: isExpected)
                return
            }
            leg.pointee.authenticationFailures = 0
        }
        let octets = UnsafeRawBufferPointer(start: packet.baseAddress, count: length)
        guard let header = Self.header(of: octets) else {
            leg.pointee.statistics.malformed &+= 1
            return
        }
        let isAudio = header.payloadType == leg.pointee.audioPayloadType
        let isEvent = header.payloadType == leg.pointee.eventPayloadType
        guard isExpected || isAudio || isEvent else {
            // Not enough to take another port for the peer's.
            leg.pointee.statistics.strangers &+= 1
            return
        }
        let arrival = count(leg, header, isAudio: isAudio)
        if !isExpected { follow(leg, source, arrival) }
        guard isAudio || isEvent else {
            leg.pointee.statistics.unknownPayload &+= 1
            return
        }
        if let recording = leg.pointee.recording {
            Self.keep(recording, header, octets, now)
        }
        if isEvent {
            hear(leg, header, octets)
        } else if let press = leg.pointee.events.flush(now: now, audioTimestamp: header.timestamp) {
            emit(.digit(leg.pointee.id, press.key, duration: press.duration), for: leg.pointee.session)
        }
        route(packet, header, from: leg, isAudio: isAudio)
    }

    @inline(__always)
    private static func header(of octets: UnsafeRawBufferPointer) -> RTPHeader? {
        octets.withMemoryRebound(to: UInt8.self) { octets in
            do throws(RTPError) {
                return try RTPHeader(parsing: octets.span)
            } catch {
                return nil
            }
        }
    }

    // MARK: who may send

    /// Whether a packet from another address than the peer's is looked at. SRTP proves itself; plain RTP may come from
    /// another port of the peer's host until one is latched.
    @inline(__always)
    private func mayBePeer(_ leg: UnsafeMutablePointer<Leg>, _ source: MediaAddress) -> Bool {
        if leg.pointee.isSecure { return true }
        return leg.pointee.isSymmetric && !leg.pointee.isLatched && source.hasSameHost(as: leg.pointee.remote)
    }

    /// Sends to where a good packet came from, from now on. Late packets do not turn the stream back to an older address.
    private mutating func follow(
        _ leg: UnsafeMutablePointer<Leg>, _ source: MediaAddress, _ arrival: ReceiverStatistics.Arrival
    ) {
        guard leg.pointee.isSymmetric, arrival == .inOrder || arrival == .restarted else { return }
        leg.pointee.isLatched = true
        leg.pointee.remote = source
        leg.pointee.remoteName = SocketName(source, ipv6: leg.pointee.address.isIPv6)
    }

    private mutating func refuse(_ leg: UnsafeMutablePointer<Leg>, _ outcome: SRTPOutcome, isExpected: Bool) {
        switch outcome {
        case .ok: return
        case .replayed: leg.pointee.statistics.replayed &+= 1
        case .malformed, .failed: leg.pointee.statistics.malformed &+= 1
        case .unauthenticated where !isExpected: leg.pointee.statistics.strangers &+= 1
        case .unauthenticated:
            leg.pointee.statistics.unauthenticated &+= 1
            leg.pointee.authenticationFailures += 1
            guard leg.pointee.authenticationFailures >= Self.failuresToTell, !leg.pointee.toldAuthentication else {
                return
            }
            leg.pointee.toldAuthentication = true
            emit(
                .authenticationFailing(leg.pointee.id, count: leg.pointee.authenticationFailures),
                for: leg.pointee.session)
        }
    }

    // MARK: counting

    @inline(__always)
    private mutating func count(
        _ leg: UnsafeMutablePointer<Leg>, _ header: RTPHeader, isAudio: Bool
    ) -> ReceiverStatistics.Arrival {
        leg.pointee.statistics.packetsReceived &+= 1
        leg.pointee.statistics.octetsReceived &+= UInt64(header.payload.count)
        if leg.pointee.lastReceived == nil {
            leg.pointee.statistics.firstPacketReceivedAfterOpen = Duration(
                wholeNanoseconds: now.since(leg.pointee.openedAt))
            emit(.firstPacket(leg.pointee.id), for: leg.pointee.session)
        }
        leg.pointee.lastReceived = now
        leg.pointee.toldNoMedia = false
        if leg.pointee.receiver?.ssrc != header.ssrc { changeSource(leg, header.ssrc) }
        return leg.pointee.receiver?.arrived(
            sequenceNumber: header.sequenceNumber, timestamp: isAudio ? header.timestamp : nil, now: now) ?? .suspect
    }

    /// The peer sends with another SSRC: its sequence numbers are counted anew, what was counted stays.
    private func changeSource(_ leg: UnsafeMutablePointer<Leg>, _ ssrc: UInt32) {
        leg.pointee.earlier = leg.pointee.snapshot()
        leg.pointee.receiver = ReceiverStatistics(
            ssrc: ssrc, clockRate: leg.pointee.rewriter.clockRate)
        leg.pointee.toldBye = false
    }

    private static func keep(
        _ recording: Unmanaged<PacketRecording>, _ header: RTPHeader, _ octets: UnsafeRawBufferPointer,
        _ now: MediaInstant
    ) {
        recording._withUnsafeGuaranteedRef { recording in
            recording.append(
                UnsafeRawBufferPointer(rebasing: octets[header.payload]), payloadType: header.payloadType,
                sequence: header.sequenceNumber, timestamp: header.timestamp, marker: header.marker,
                arrival: Int64(truncatingIfNeeded: now.nanoseconds))
        }
    }

    private mutating func hear(
        _ leg: UnsafeMutablePointer<Leg>, _ header: RTPHeader, _ octets: UnsafeRawBufferPointer
    ) {
        let event = octets.withMemoryRebound(to: UInt8.self) { octets in
            TelephoneEvent(parsing: octets.span.extracting(header.payload))
        }
        guard let event else {
            leg.pointee.statistics.malformed &+= 1
            return
        }
        if let press = leg.pointee.events.received(event, timestamp: header.timestamp, now: now) {
            emit(.digit(leg.pointee.id, press.key, duration: press.duration), for: leg.pointee.session)
        }
    }

    // MARK: sending on

    @inline(__always)
    private mutating func route(
        _ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader, from leg: UnsafeMutablePointer<Leg>, isAudio: Bool
    ) {
        let echoes = isAudio && leg.pointee.source == .echo && leg.pointee.isSending
        if leg.pointee.peer >= 0, let other = legs[leg.pointee.peer], other.pointee.source == .bridge {
            // Both at once is rare: the echo gets a copy, the packet itself goes to the bridge.
            if echoes { echoCopy(packet, header, leg) }
            guard other.pointee.isSending else { return }
            let type = isAudio ? other.pointee.audioPayloadType : other.pointee.eventPayloadType
            guard type != 0xff else {
                leg.pointee.statistics.unknownPayload &+= 1
                return
            }
            relay(packet, header, payloadType: type, isEvent: !isAudio, from: leg, to: other)
        } else if echoes {
            relay(
                packet, header, payloadType: leg.pointee.audioPayloadType, isEvent: false, from: leg, to: leg)
        }
    }

    private mutating func echoCopy(
        _ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader, _ leg: UnsafeMutablePointer<Leg>
    ) {
        flush()
        scratch.copyMemory(from: UnsafeRawBufferPointer(rebasing: packet[0..<header.payload.upperBound]))
        relay(scratch, header, payloadType: leg.pointee.audioPayloadType, isEvent: false, from: leg, to: leg)
        flush()
    }

    /// Rewrites the packet in place: a bare header goes right before the payload, so CSRCs, extension and padding that
    /// were agreed with the sender alone fall away. It is sent by the next ``flush()``.
    @inline(__always)
    private mutating func relay(
        _ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader, payloadType: UInt8, isEvent: Bool,
        from leg: UnsafeMutablePointer<Leg>, to target: UnsafeMutablePointer<Leg>
    ) {
        guard !target.pointee.digits.isPressing else { return }
        let input = Rewriter.Input(
            ssrc: header.ssrc, sequenceNumber: header.sequenceNumber, timestamp: header.timestamp, isEvent: isEvent)
        guard let output = target.pointee.rewriter.rewrite(input, now: now) else {
            leg.pointee.statistics.late &+= 1
            return
        }
        target.pointee.sourceSpokeAt = now
        if target.pointee.isPacing, !target.pointee.digits.isActive { target.pointee.isPacing = false }
        let start = header.payload.lowerBound - RTPHeader.length
        let rewritten = UnsafeMutableRawBufferPointer(rebasing: packet[start...])
        RTPHeader(
            marker: isEvent ? header.marker : header.marker || output.begins, payloadType: payloadType,
            sequenceNumber: output.sequenceNumber, timestamp: output.timestamp, ssrc: target.pointee.rewriter.ssrc
        ).write(into: rewritten)
        enqueue(rewritten, payload: header.payload.count, to: target)
    }

    /// Protects a packet whose header and payload are in place, and lines it up for the leg's socket.
    @inline(__always)
    mutating func enqueue(
        _ packet: UnsafeMutableRawBufferPointer, payload: Int, to leg: UnsafeMutablePointer<Leg>
    ) {
        var length = RTPHeader.length + payload
        if leg.pointee.isSecure {
            guard (leg.pointee.srtp?.protect(packet, length: &length) ?? .failed) == .ok else {
                leg.pointee.statistics.sendFailures &+= 1
                return
            }
        }
        if outgoingCount == CMIO_BATCH || outgoingLeg != leg { flush() }
        outgoingLeg = leg
        outgoing[outgoingCount] = cmio_packet(data: packet.baseAddress, length: length)
        outgoingCount += 1
        leg.pointee.statistics.octetsSent &+= UInt64(payload)
        leg.pointee.lastSent = now
    }

    /// Sends what is lined up.
    @inline(__always)
    mutating func flush() {
        guard outgoingCount > 0, let leg = outgoingLeg else { return }
        if leg.pointee.statistics.packetsSent == 0 {
            leg.pointee.statistics.firstPacketSentAfterStart = Duration(
                wholeNanoseconds: MediaInstant.monotonic().since(leg.pointee.startedAt))
        }
        var sent = 0
        while sent < outgoingCount {
            let taken = cmio_send(
                leg.pointee.socket, &leg.pointee.remoteName.storage, leg.pointee.remoteName.length, outgoing + sent,
                Int32(truncatingIfNeeded: outgoingCount - sent))
            guard taken > 0 else {
                // A full socket buffer or no route: real time media is not kept for later.
                leg.pointee.statistics.sendFailures &+= UInt64(outgoingCount - sent)
                break
            }
            sent += Int(taken)
        }
        leg.pointee.statistics.packetsSent &+= UInt64(sent)
        outgoingCount = 0
        outgoingLeg = nil
    }
}
