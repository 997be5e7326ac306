/// Why octets are no RTP or RTCP packet.
public enum RTPError: Error, Hashable, Sendable {
    case truncated(needed: Int, have: Int)
    /// Not version 2 (RFC 3550 §5.1).
    case version(UInt8)
    /// The padding count is 0 or reaches into the header.
    case padding(UInt8)
    /// An RTCP length or count that contradicts the packet.
    case malformed
}

/// A checked view of one RTP packet's header (RFC 3550 §5.1). CSRCs and the header extension are measured and skipped,
/// padding is left out of ``payload``.
public struct RTPHeader: Hashable, Sendable {
    public var marker: Bool
    /// 0…127.
    public var payloadType: UInt8
    public var sequenceNumber: UInt16
    public var timestamp: UInt32
    public var ssrc: UInt32
    /// Where the payload lies, in octets from the start of the packet. May be empty.
    public var payload: Range<Int>

    /// Octets of a header without CSRCs and extension: the only kind that is written here.
    public static let length = 12

    public init(marker: Bool, payloadType: UInt8, sequenceNumber: UInt16, timestamp: UInt32, ssrc: UInt32) {
        self.marker = marker
        self.payloadType = payloadType & 0x7f
        self.sequenceNumber = sequenceNumber
        self.timestamp = timestamp
        self.ssrc = ssrc
        payload = Self.length..<Self.length
    }

    public init(parsing packet: Span<UInt8>) throws(RTPError) {
        guard packet.count >= Self.length else { throw .truncated(needed: Self.length, have: packet.count) }
        guard packet[0] >> 6 == 2 else { throw .version(packet[0] >> 6) }
        var start = Self.length + 4 * Int(packet[0] & 0x0f)
        if packet[0] & 0x10 != 0 {
            guard packet.count >= start + 4 else { throw .truncated(needed: start + 4, have: packet.count) }
            start += 4 + 4 * Int(packet.bigEndian16(at: start + 2))
        }
        guard packet.count >= start else { throw .truncated(needed: start, have: packet.count) }
        var end = packet.count
        if packet[0] & 0x20 != 0 {
            let padding = packet[end - 1]
            guard padding > 0, Int(padding) <= end - start else { throw .padding(padding) }
            end -= Int(padding)
        }
        marker = packet[1] & 0x80 != 0
        payloadType = packet[1] & 0x7f
        sequenceNumber = packet.bigEndian16(at: 2)
        timestamp = packet.bigEndian32(at: 4)
        ssrc = packet.bigEndian32(at: 8)
        payload = start..<end
    }

    /// Writes the twelve octets of a header without CSRCs, extension and padding.
    @inline(__always)
    public func write(into packet: UnsafeMutableRawBufferPointer) {
        precondition(packet.count >= Self.length, "no room for an RTP header")
        packet[0] = 0x80
        packet[1] = payloadType | (marker ? 0x80 : 0)
        packet.storeBytes(of: sequenceNumber.bigEndian, toByteOffset: 2, as: UInt16.self)
        packet.storeBytes(of: timestamp.bigEndian, toByteOffset: 4, as: UInt32.self)
        packet.storeBytes(of: ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
    }

    /// True when the second octet is an RTCP packet type rather than marker and payload type (RFC 5761 §4).
    @inline(__always)
    static func isRTCP(secondOctet: UInt8) -> Bool { secondOctet >= 192 && secondOctet <= 223 }
}

extension Span where Element == UInt8 {
    /// Network order at `offset`; the caller has checked the length, else it traps.
    @inline(__always)
    func bigEndian16(at offset: Int) -> UInt16 { UInt16(self[offset]) << 8 | UInt16(self[offset + 1]) }

    @inline(__always)
    func bigEndian32(at offset: Int) -> UInt32 {
        UInt32(bigEndian16(at: offset)) << 16 | UInt32(bigEndian16(at: offset + 2))
    }
}
