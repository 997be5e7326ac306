import Synchronization

/// The RTP packets one leg received, kept undecoded in memory that is reserved once, for `RecordingDecoder` after the call
/// (design decision 6).
///
/// One thread appends (the leg's media worker); any thread may call `finish()` and read what has been appended. A packet
/// is published by one atomic store, so neither side ever waits for the other.
public final class PacketRecording: @unchecked Sendable {
    /// One packet as it arrived.
    public struct Packet: Sendable {
        public let payloadType: UInt8
        public let marker: Bool
        public let sequence: UInt16
        /// Media clock, 48 kHz for Opus.
        public let timestamp: UInt32
        /// Nanoseconds of the engine's monotonic clock.
        public let arrival: Int64
        fileprivate let offset: Int
        fileprivate let count: Int
    }

    public let capacityPackets: Int
    public let capacityOctets: Int

    // Written by the appending thread below `published`, read by others only below it.
    private let packets: UnsafeMutablePointer<Packet>
    private let octets: UnsafeMutableRawPointer
    /// Of the appending thread alone.
    private var usedOctets = 0
    private let published = Atomic<Int>(0)
    private let refused = Atomic<Int>(0)
    private let finished = Atomic<Bool>(false)

    /// Reserves address space for the whole recording; pages become memory as they are written.
    public init(capacityPackets: Int, capacityOctets: Int) {
        precondition(
            capacityPackets >= 0 && capacityOctets >= 0, "a recording's capacity is a count of packets and of octets")
        self.capacityPackets = capacityPackets
        self.capacityOctets = capacityOctets
        packets = .allocate(capacity: capacityPackets)
        octets = .allocate(byteCount: capacityOctets, alignment: 1)
    }

    /// Room for this much speech at 20 ms a packet and up to 32 kbit/s, with a tenth to spare.
    public convenience init(seconds: Int) {
        let packets = max(seconds, 1) * 55
        self.init(capacityPackets: packets, capacityOctets: packets * 80)
    }

    deinit {
        packets.deallocate()
        octets.deallocate()
    }

    /// Keeps one packet, or counts it in `overflowed` when it no longer fits; does nothing after `finish()`.
    ///
    /// From one thread only. Takes no lock and allocates nothing; `payload` is copied.
    @inline(__always)
    public func append(
        _ payload: UnsafeRawBufferPointer, payloadType: UInt8, sequence: UInt16, timestamp: UInt32, marker: Bool,
        arrival nanoseconds: Int64
    ) {
        guard !finished.load(ordering: .relaxed) else { return }
        let index = published.load(ordering: .relaxed)
        guard index < capacityPackets, payload.count <= capacityOctets - usedOctets else {
            refused.wrappingAdd(1, ordering: .relaxed)
            return
        }
        if let source = payload.baseAddress {
            (octets + usedOctets).copyMemory(from: source, byteCount: payload.count)
        }
        (packets + index).initialize(
            to: Packet(
                payloadType: payloadType, marker: marker, sequence: sequence, timestamp: timestamp,
                arrival: nanoseconds, offset: usedOctets, count: payload.count))
        usedOctets += payload.count
        published.store(index + 1, ordering: .releasing)
    }

    /// Ends the recording: later packets are ignored. May be called by either side, more than once.
    public func finish() {
        finished.store(true, ordering: .releasing)
    }

    public var isFinished: Bool { finished.load(ordering: .acquiring) }

    /// Packets that did not fit any more.
    public var overflowed: Int { refused.load(ordering: .relaxed) }

    /// Packets kept so far; those below it never change.
    public var count: Int { published.load(ordering: .acquiring) }

    /// The packet of that arrival order, below `count`.
    public subscript(index: Int) -> Packet {
        precondition(index >= 0 && index < count, "no such packet in the recording")
        return packets[index]
    }

    /// Lends the packet's RTP payload, valid inside `body` only.
    public func withPayload<R, E: Error>(
        of packet: Packet, _ body: (Span<UInt8>) throws(E) -> R
    ) throws(E) -> R {
        let payload = UnsafeRawBufferPointer(start: octets + packet.offset, count: packet.count)
        return try body(payload.bindMemory(to: UInt8.self).span)
    }
}
