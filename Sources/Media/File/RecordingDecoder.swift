/// What was said, and how it arrived.
public struct DecodedRecording: Sendable {
    /// Mono at 48 kHz, beginning with the first packet sent.
    public let samples: [Int16]
    public let statistics: RecordingStatistics
    /// When the first packet (in order of sending) arrived, in nanoseconds of the engine's monotonic clock; nil when there
    /// is no audio. Two recordings of a call are laid side by side by it.
    public let firstArrival: Int64?

    public var sampleRate: Int { OpusFrame.clockRate }
}

/// Turns a recording into sound, after the call and off the media threads.
///
/// Audio stands where its RTP timestamp puts it. Lost packets are recovered from the FEC copy in the next packet or
/// concealed; time in which nothing was sent is silence. Arrival times bound what timestamps may claim, so that a sender
/// cannot stretch a short call into hours.
public struct RecordingDecoder: Sendable {
    /// Sound past this is cut off.
    public let maximumSeconds: Int

    /// Loss is concealed for this long at most; libopus has faded out by then.
    private static let maximumConcealment = 9_600
    /// 2.5 ms, the grain of concealment.
    private static let grain = 120

    public init(maximumSeconds: Int = 1_800) {
        self.maximumSeconds = max(maximumSeconds, 0)
    }

    /// Throws only where libopus cannot be set up.
    ///
    /// - Parameter payloadType: Of Opus in this call; other packets, such as telephone events, are not heard.
    public func decode(_ recording: PacketRecording, payloadType: UInt8) throws(OpusError) -> DecodedRecording {
        let packets = (0..<recording.count).map { recording[$0] }
        let timeline = RecordingTimeline(packets, payloadType: payloadType)
        var run = Run(
            decoder: try OpusDecoder(), statistics: timeline.statistics,
            limit: maximumSeconds * OpusFrame.clockRate)
        var lost = 0
        for entry in timeline.entries {
            lost += entry.lostBefore
            guard entry.packet.payloadType == payloadType else { continue }
            let heard = recording.withPayload(of: entry.packet) { payload in
                run.add(payload, entry.packet, lostBefore: lost)
            }
            // What could not be decoded was lost as much as what never came.
            lost = heard ? 0 : lost + 1
            guard !run.statistics.isCut else { break }
        }
        run.statistics.overflowed = recording.overflowed
        return DecodedRecording(samples: run.samples, statistics: run.statistics, firstArrival: run.firstArrival)
    }

    /// The state of one decoding.
    private struct Run: ~Copyable {
        var decoder: OpusDecoder
        var statistics: RecordingStatistics
        let limit: Int
        var samples: [Int16] = []
        var firstArrival: Int64?
        private var previous: (timestamp: UInt32, duration: Int, arrival: Int64)?

        init(decoder: consuming OpusDecoder, statistics: RecordingStatistics, limit: Int) {
            self.decoder = decoder
            self.statistics = statistics
            self.limit = limit
        }

        /// False when the payload is no Opus packet, so that its length is unknown.
        mutating func add(_ payload: Span<UInt8>, _ packet: PacketRecording.Packet, lostBefore: Int) -> Bool {
            guard let duration = OpusFrame.duration(of: payload) else {
                statistics.undecodable += 1
                return false
            }
            let gap = gap(before: packet)
            guard samples.count + gap + duration <= limit else {
                statistics.isCut = true
                return true
            }
            fill(gap, lostBefore: lostBefore, frame: previous?.duration ?? duration, duration, payload)
            decode(payload, duration)
            previous = (packet.timestamp, duration, packet.arrival)
            return true
        }

        /// Samples between the end of the previous packet and this one; never negative.
        private mutating func gap(before packet: PacketRecording.Packet) -> Int {
            guard let previous, let firstArrival else {
                firstArrival = packet.arrival
                return 0
            }
            let step = Int(Int32(bitPattern: packet.timestamp &- previous.timestamp))
            let gap = max(step - previous.duration, 0)
            let tolerance = Int(RecordingTimeline.jumpMilliseconds) * 48
            let elapsed = Run.samples(from: firstArrival, to: packet.arrival)
            guard step > -tolerance, samples.count + gap <= elapsed + tolerance else {
                statistics.timestampJumps += 1
                return max(Run.samples(from: previous.arrival, to: packet.arrival) - previous.duration, 0)
            }
            return gap
        }

        private mutating func fill(
            _ gap: Int, lostBefore: Int, frame: Int, _ duration: Int, _ payload: Span<UInt8>
        ) {
            var rest = gap
            let (lostSamples, overflow) = frame.multipliedReportingOverflow(by: lostBefore)
            var lost = min(overflow ? gap : lostSamples, gap)
            // In-band FEC stands for the frame right before this one.
            let recovered = lost >= duration ? duration : 0
            lost = min(lost - recovered, Self.maximumConcealment) / RecordingDecoder.grain * RecordingDecoder.grain
            rest -= recovered
            if lost > 0 { rest -= conceal(lost) }
            statistics.silentSamples += rest
            samples.append(contentsOf: repeatElement(0, count: rest))
            if recovered > 0 { recover(recovered, payload) }
        }

        private static var maximumConcealment: Int { RecordingDecoder.maximumConcealment }

        private mutating func conceal(_ count: Int) -> Int {
            var done = 0
            while done < count {
                var pcm = Run.frame
                var span = pcm.mutableSpan
                guard
                    let written = try? decoder.conceal(samples: min(count - done, OpusFrame.samples20ms), into: &span),
                    written > 0
                else { break }
                samples.append(contentsOf: pcm[..<written])
                done += written
            }
            statistics.concealedSamples += done
            return done
        }

        private mutating func recover(_ count: Int, _ payload: Span<UInt8>) {
            var pcm = Run.frame
            var span = pcm.mutableSpan
            let written = (try? decoder.recover(samples: count, before: payload, into: &span)) ?? 0
            samples.append(contentsOf: pcm[..<written])
            samples.append(contentsOf: repeatElement(0, count: count - written))
            statistics.recoveredSamples += written
        }

        private mutating func decode(_ payload: Span<UInt8>, _ duration: Int) {
            var pcm = Run.frame
            var span = pcm.mutableSpan
            do {
                let written = try decoder.decode(payload, into: &span)
                samples.append(contentsOf: pcm[..<written])
            } catch {
                statistics.undecodable += 1
                let concealed = conceal(duration)
                samples.append(contentsOf: repeatElement(0, count: duration - concealed))
            }
        }

        private static var frame: [Int16] { [Int16](repeating: 0, count: OpusDecoder.maximumFrame) }

        private static func samples(from start: Int64, to end: Int64) -> Int {
            // 48 samples in a million nanoseconds; a difference beyond a day is capped.
            let nanoseconds = min(max(end &- start, 0), 86_400_000_000_000)
            return Int(nanoseconds) / 62_500 * 3 + Int(nanoseconds) % 62_500 * 3 / 62_500
        }
    }
}
