import Media

/// What a WhatsApp user sends: a prompt again and again, silence without one, keys in between. One packet every 20 ms.
struct MetaVoice {
    private(set) var ssrc: UInt32
    private let audio: UInt8
    private let event: UInt8?
    var prompt: Prompt?
    var events = TelephoneEventSender()
    private var frame = 0
    private var sequence = UInt16.random(in: .min ... .max)
    private var timestamp = UInt32.random(in: .min ... .max)
    private var eventTimestamp: UInt32 = 0
    private var isFirst = true
    private var hasChanged = false
    private var sentPackets: UInt32 = 0

    private static let silence = OpusFrame.silence20ms

    init(ssrc: UInt32, audio: UInt8, event: UInt8?) {
        self.ssrc = ssrc
        self.audio = audio
        self.event = event
    }

    /// From here on another source, as a business must never do.
    mutating func changeSSRC() {
        guard !hasChanged else { return }
        hasChanged = true
        ssrc = ~ssrc
        sequence = .random(in: .min ... .max)
    }

    /// The packet that is due.
    mutating func next() -> [UInt8]? {
        defer { timestamp &+= 960 }
        if let event, events.isActive {
            switch events.step() {
            case .send(let key, let begins):
                // Event packets have the audio's clock and sequence, and durations of 8 kHz (meta-calling §11.6).
                if begins { eventTimestamp = timestamp }
                var payload = [UInt8](repeating: 0, count: TelephoneEvent.length)
                payload.withUnsafeMutableBytes { key.write(into: $0) }
                return packet(event, eventTimestamp, marker: begins, payload)
            case .pause, .finished: break
            }
        }
        var payload = Self.silence
        if let prompt, prompt.frameCount > 0 {
            payload = prompt.withFrame(frame % prompt.frameCount) { Array($0) }
            frame += 1
        }
        return packet(audio, timestamp, marker: isFirst, payload)
    }

    private mutating func packet(_ type: UInt8, _ timestamp: UInt32, marker: Bool, _ payload: [UInt8]) -> [UInt8] {
        isFirst = false
        sequence &+= 1
        sentPackets &+= 1
        var octets = [UInt8](repeating: 0, count: RTPHeader.length)
        octets.withUnsafeMutableBytes { buffer in
            RTPHeader(marker: marker, payloadType: type, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc)
                .write(into: buffer)
        }
        return octets + payload
    }

    /// SR or RR with SDES (RFC 3550 §6.1).
    func report(
        ntp: UInt64, cname: String, receiver: inout ReceiverStatistics?, _ statistics: LegStatistics
    ) -> [RTCPPacket] {
        var blocks: [RTCPPacket.ReportBlock] = []
        if var source = receiver {
            let (fraction, lost) = source.takeReport()
            blocks = [
                RTCPPacket.ReportBlock(
                    ssrc: source.ssrc, fractionLost: fraction, lost: lost,
                    highestSequenceNumber: source.extendedHighest,
                    jitter: source.jitter, lastReport: 0, delay: 0)
            ]
            receiver = source
        }
        return [
            .senderReport(
                RTCPPacket.SenderReport(
                    ssrc: ssrc, ntpTimestamp: ntp, rtpTimestamp: timestamp, packets: sentPackets,
                    octets: UInt32(truncatingIfNeeded: statistics.octetsSent), blocks: blocks)),
            .sourceDescription(ssrc: ssrc, cname: cname),
        ]
    }
}
