import CMediaIO

/// RTCP of a leg: reports about every five seconds, BYE at the end, and what the peer's reports say (RFC 3550 §6).
extension WorkerLoop {
    static let reportInterval: UInt64 = 5_000_000_000
    /// Seconds between 1900 and 1970.
    private static let ntpEpoch: UInt64 = 2_208_988_800

    /// 32.32 seconds since 1900.
    private func ntpTime() -> UInt64 {
        let wall = now.nanoseconds &+ wallOffset
        let (seconds, rest) = wall.quotientAndRemainder(dividingBy: 1_000_000_000)
        return (seconds &+ Self.ntpEpoch) << 32 | (rest << 32) / 1_000_000_000
    }

    /// Sender report when we sent since the last one, else receiver report; SDES; BYE when `isLast`.
    mutating func sendReport(_ leg: UnsafeMutablePointer<Leg>, isLast: Bool) {
        guard let parameters = leg.pointee.parameters else { return }
        // Half to one and a half of the interval, so that calls do not report in step (§6.2).
        leg.pointee.report.next = now + UInt64.random(in: Self.reportInterval / 2...Self.reportInterval * 3 / 2)
        let ssrc = leg.pointee.rewriter.ssrc
        let blocks = block(leg).map { [$0] } ?? []
        var octets: [UInt8] = []
        if leg.pointee.statistics.packetsSent != leg.pointee.report.sentAtReport {
            leg.pointee.report.sentAtReport = leg.pointee.statistics.packetsSent
            let report = RTCPPacket.SenderReport(
                ssrc: ssrc, ntpTimestamp: ntpTime(), rtpTimestamp: leg.pointee.rewriter.timestamp(at: now),
                packets: UInt32(truncatingIfNeeded: leg.pointee.statistics.packetsSent),
                octets: UInt32(truncatingIfNeeded: leg.pointee.statistics.octetsSent), blocks: blocks)
            RTCPPacket.senderReport(report).write(into: &octets)
        } else {
            RTCPPacket.receiverReport(ssrc: ssrc, blocks: blocks).write(into: &octets)
        }
        RTCPPacket.sourceDescription(ssrc: ssrc, cname: parameters.cname).write(into: &octets)
        if isLast { RTCPPacket.bye(sources: [ssrc]).write(into: &octets) }
        send(octets, leg)
    }

    private mutating func send(_ octets: [UInt8], _ leg: UnsafeMutablePointer<Leg>) {
        flush()
        var length = octets.count
        guard length + SRTPSession.trailer <= scratch.count else { return }
        octets.withUnsafeBytes { scratch.copyMemory(from: $0) }
        if leg.pointee.isSecure {
            guard (leg.pointee.srtp?.protectRTCP(scratch, length: &length) ?? .failed) == .ok else {
                leg.pointee.statistics.sendFailures &+= 1
                return
            }
        }
        let muxed = leg.pointee.rtcpSocket < 0
        let remote = leg.pointee.remote
        // Without mux the peer's RTCP port is the one above its RTP port (RFC 3550 §11).
        guard muxed || remote.port < .max else { return }
        var name = SocketName(muxed ? remote : remote.with(port: remote.port + 1), ipv6: leg.pointee.address.isIPv6)
        var packet = cmio_packet(data: scratch.baseAddress, length: length)
        let descriptor = muxed ? leg.pointee.socket : leg.pointee.rtcpSocket
        if cmio_send(descriptor, &name.storage, name.length, &packet, 1) == 1 {
            leg.pointee.statistics.rtcpSent &+= 1
        } else {
            leg.pointee.statistics.sendFailures &+= 1
        }
    }

    private func block(_ leg: UnsafeMutablePointer<Leg>) -> RTCPPacket.ReportBlock? {
        guard let receiver = leg.pointee.receiver, let report = leg.pointee.receiver?.takeReport() else { return nil }
        let state = leg.pointee.report
        let delay = state.lastSenderReport == 0 ? 0 : now.since(state.lastSenderReportAt)
        return RTCPPacket.ReportBlock(
            ssrc: receiver.ssrc, fractionLost: report.fraction, lost: report.lost,
            highestSequenceNumber: receiver.extendedHighest, jitter: receiver.jitter,
            lastReport: state.lastSenderReport,
            delay: UInt32(truncatingIfNeeded: min(delay, 65_000_000_000_000) &* 65_536 / 1_000_000_000))
    }

    // MARK: the peer's

    mutating func takeRTCP(
        _ packet: UnsafeMutableRawBufferPointer, _ received: Int, from source: MediaAddress,
        _ leg: UnsafeMutablePointer<Leg>
    ) {
        var length = received
        guard leg.pointee.isConnected else {
            leg.pointee.statistics.strangers &+= 1
            return
        }
        if leg.pointee.isSecure {
            let outcome = leg.pointee.srtp?.unprotectRTCP(packet, length: &length) ?? .failed
            switch outcome {
            case .ok: break
            case .replayed: leg.pointee.statistics.replayed &+= 1
            case .malformed, .failed: leg.pointee.statistics.malformed &+= 1
            case .unauthenticated where !source.hasSameHost(as: leg.pointee.remote):
                leg.pointee.statistics.strangers &+= 1
            case .unauthenticated: leg.pointee.statistics.unauthenticated &+= 1
            }
            guard outcome == .ok else { return }
        } else if !source.hasSameHost(as: leg.pointee.remote) {
            leg.pointee.statistics.strangers &+= 1
            return
        }
        let octets = UnsafeRawBufferPointer(start: packet.baseAddress, count: length)
        let packets = octets.withMemoryRebound(to: UInt8.self) { octets in
            do throws(RTPError) {
                return try RTCPPacket.compound(parsing: octets.span)
            } catch {
                return []
            }
        }
        guard !packets.isEmpty else {
            leg.pointee.statistics.malformed &+= 1
            return
        }
        leg.pointee.statistics.rtcpReceived &+= 1
        for packet in packets { read(packet, leg) }
    }

    private mutating func read(_ packet: RTCPPacket, _ leg: UnsafeMutablePointer<Leg>) {
        switch packet {
        case .senderReport(let report):
            leg.pointee.report.lastSenderReport = UInt32(truncatingIfNeeded: report.ntpTimestamp >> 16)
            leg.pointee.report.lastSenderReportAt = now
            report.blocks.forEach { read($0, leg) }
        case .receiverReport(_, let blocks):
            blocks.forEach { read($0, leg) }
        case .bye(let sources):
            guard let ssrc = leg.pointee.receiver?.ssrc, sources.contains(ssrc), !leg.pointee.toldBye else { return }
            leg.pointee.toldBye = true
            emit(.ended(leg.pointee.id, .bye), for: leg.pointee.session)
        case .sourceDescription, .other:
            break
        }
    }

    private func read(_ block: RTCPPacket.ReportBlock, _ leg: UnsafeMutablePointer<Leg>) {
        guard block.ssrc == leg.pointee.rewriter.ssrc else { return }
        leg.pointee.statistics.remoteFractionLost = Double(block.fractionLost) / 256
        leg.pointee.statistics.remoteLost = Int64(block.lost)
        guard block.lastReport != 0 else { return }
        // §6.4.1: now, minus when our report was made, minus how long the peer held it; in 1/65536 s.
        let ticks = UInt32(truncatingIfNeeded: ntpTime() >> 16) &- block.lastReport &- block.delay
        // Beyond a minute it is a forged or confused block.
        guard ticks < 60 << 16 else { return }
        leg.pointee.statistics.roundTrip = .nanoseconds(Int64(ticks) * 1_000_000_000 / 65_536)
    }
}
