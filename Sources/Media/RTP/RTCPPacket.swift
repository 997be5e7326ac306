/// One packet of an RTCP compound (RFC 3550 §6): the kinds that the engine reads and writes.
public enum RTCPPacket: Hashable, Sendable {
    case senderReport(SenderReport)
    case receiverReport(ssrc: UInt32, blocks: [ReportBlock])
    /// SDES with one chunk that holds a CNAME, at most 255 octets of UTF-8.
    case sourceDescription(ssrc: UInt32, cname: String)
    /// At most 31 sources; the reason is not kept.
    case bye(sources: [UInt32])
    /// Another packet type, or an SDES of another shape: skipped. Not written.
    case other(type: UInt8)

    /// RFC 3550 §6.4.1.
    public struct SenderReport: Hashable, Sendable {
        public var ssrc: UInt32
        /// 32.32 seconds since 1900.
        public var ntpTimestamp: UInt64
        public var rtpTimestamp: UInt32
        public var packets: UInt32
        public var octets: UInt32
        public var blocks: [ReportBlock]

        public init(
            ssrc: UInt32, ntpTimestamp: UInt64, rtpTimestamp: UInt32, packets: UInt32, octets: UInt32,
            blocks: [ReportBlock]
        ) {
            self.ssrc = ssrc
            self.ntpTimestamp = ntpTimestamp
            self.rtpTimestamp = rtpTimestamp
            self.packets = packets
            self.octets = octets
            self.blocks = blocks
        }
    }

    public struct ReportBlock: Hashable, Sendable {
        public var ssrc: UInt32
        /// Of the last interval, in 1/256.
        public var fractionLost: UInt8
        /// 24 bits, signed.
        public var lost: Int32
        public var highestSequenceNumber: UInt32
        /// In ticks of the media clock.
        public var jitter: UInt32
        /// Middle 32 bits of the last sender report's NTP timestamp; 0 when there was none.
        public var lastReport: UInt32
        /// Since that report came, in 1/65536 s.
        public var delay: UInt32

        public init(
            ssrc: UInt32, fractionLost: UInt8, lost: Int32, highestSequenceNumber: UInt32, jitter: UInt32,
            lastReport: UInt32, delay: UInt32
        ) {
            self.ssrc = ssrc
            self.fractionLost = fractionLost
            self.lost = lost
            self.highestSequenceNumber = highestSequenceNumber
            self.jitter = jitter
            self.lastReport = lastReport
            self.delay = delay
        }
    }

    private enum Kind {
        static let senderReport: UInt8 = 200
        static let receiverReport: UInt8 = 201
        static let sourceDescription: UInt8 = 202
        static let bye: UInt8 = 203
    }
    private static let blockLength = 24
    private static let maxCount = 31

    // MARK: reading

    /// Reads a compound packet: checks every length before it reads (RFC 3550 A.2), with the departure that a lone packet
    /// of any kind is taken (RFC 5506).
    public static func compound(parsing packet: Span<UInt8>) throws(RTPError) -> [RTCPPacket] {
        var packets: [RTCPPacket] = []
        var offset = 0
        repeat {
            guard packet.count - offset >= 4 else { throw .truncated(needed: offset + 4, have: packet.count) }
            guard packet[offset] >> 6 == 2 else { throw .version(packet[offset] >> 6) }
            let length = 4 + 4 * Int(packet.bigEndian16(at: offset + 2))
            guard packet.count - offset >= length else {
                throw .truncated(needed: offset + length, have: packet.count)
            }
            packets.append(try RTCPPacket(one: packet.extracting(offset..<offset + length)))
            offset += length
        } while offset < packet.count
        return packets
    }

    private init(one packet: Span<UInt8>) throws(RTPError) {
        let count = Int(packet[0] & 0x1f)
        var end = packet.count
        if packet[0] & 0x20 != 0 {
            let padding = packet[end - 1]
            guard padding > 0, padding % 4 == 0, Int(padding) <= end - 4 else { throw .padding(padding) }
            end -= Int(padding)
        }
        switch packet[1] {
        case Kind.senderReport:
            guard end >= 28 + count * Self.blockLength else { throw .malformed }
            self = .senderReport(
                SenderReport(
                    ssrc: packet.bigEndian32(at: 4),
                    ntpTimestamp: UInt64(packet.bigEndian32(at: 8)) << 32 | UInt64(packet.bigEndian32(at: 12)),
                    rtpTimestamp: packet.bigEndian32(at: 16), packets: packet.bigEndian32(at: 20),
                    octets: packet.bigEndian32(at: 24), blocks: Self.blocks(packet, at: 28, count: count)))
        case Kind.receiverReport:
            guard end >= 8 + count * Self.blockLength else { throw .malformed }
            self = .receiverReport(
                ssrc: packet.bigEndian32(at: 4), blocks: Self.blocks(packet, at: 8, count: count))
        case Kind.bye:
            guard end >= 4 + count * 4 else { throw .malformed }
            self = .bye(sources: (0..<count).map { packet.bigEndian32(at: 4 + 4 * $0) })
        case Kind.sourceDescription:
            guard count == 1, end >= 10, packet[8] == 1, end >= 10 + Int(packet[9]) else {
                self = .other(type: packet[1])
                return
            }
            let text = packet.extracting(10..<10 + Int(packet[9]))
            self = .sourceDescription(
                ssrc: packet.bigEndian32(at: 4),
                cname: String(decoding: (0..<text.count).map { text[$0] }, as: UTF8.self))
        default:
            self = .other(type: packet[1])
        }
    }

    private static func blocks(_ packet: Span<UInt8>, at start: Int, count: Int) -> [ReportBlock] {
        (0..<count).map { index in
            let at = start + index * blockLength
            let lost = packet.bigEndian32(at: at + 4)
            return ReportBlock(
                ssrc: packet.bigEndian32(at: at), fractionLost: UInt8(lost >> 24),
                lost: Int32(bitPattern: lost << 8) >> 8, highestSequenceNumber: packet.bigEndian32(at: at + 8),
                jitter: packet.bigEndian32(at: at + 12), lastReport: packet.bigEndian32(at: at + 16),
                delay: packet.bigEndian32(at: at + 20))
        }
    }

    // MARK: writing

    /// Appends the packet's octets, a multiple of four. Lists beyond 31 and names beyond 255 octets are cut.
    public func write(into octets: inout [UInt8]) {
        let start = octets.count
        switch self {
        case .senderReport(let report):
            Self.begin(Kind.senderReport, count: report.blocks.count, &octets)
            octets.appendWord(report.ssrc)
            octets.appendWord(UInt32(report.ntpTimestamp >> 32))
            octets.appendWord(UInt32(truncatingIfNeeded: report.ntpTimestamp))
            octets.appendWord(report.rtpTimestamp)
            octets.appendWord(report.packets)
            octets.appendWord(report.octets)
            report.blocks.prefix(Self.maxCount).forEach { $0.write(into: &octets) }
        case .receiverReport(let ssrc, let blocks):
            Self.begin(Kind.receiverReport, count: blocks.count, &octets)
            octets.appendWord(ssrc)
            blocks.prefix(Self.maxCount).forEach { $0.write(into: &octets) }
        case .sourceDescription(let ssrc, let cname):
            Self.begin(Kind.sourceDescription, count: 1, &octets)
            octets.appendWord(ssrc)
            let name = cname.utf8.prefix(255)
            octets.append(1)
            octets.append(UInt8(name.count))
            octets.append(contentsOf: name)
            // At least one null octet ends the chunk (RFC 3550 §6.5).
            repeat { octets.append(0) } while (octets.count - start) % 4 != 0
        case .bye(let sources):
            Self.begin(Kind.bye, count: sources.count, &octets)
            sources.prefix(Self.maxCount).forEach { octets.appendWord($0) }
        case .other:
            return
        }
        let words = (octets.count - start) / 4 - 1
        octets[start + 2] = UInt8(truncatingIfNeeded: words >> 8)
        octets[start + 3] = UInt8(truncatingIfNeeded: words)
    }

    private static func begin(_ kind: UInt8, count: Int, _ octets: inout [UInt8]) {
        octets.append(contentsOf: [0x80 | UInt8(min(count, maxCount)), kind, 0, 0])
    }
}

extension RTCPPacket.ReportBlock {
    fileprivate func write(into octets: inout [UInt8]) {
        octets.appendWord(ssrc)
        octets.appendWord(UInt32(fractionLost) << 24 | UInt32(bitPattern: lost) & 0xff_ffff)
        octets.appendWord(highestSequenceNumber)
        octets.appendWord(jitter)
        octets.appendWord(lastReport)
        octets.appendWord(delay)
    }
}

extension [UInt8] {
    /// Network order.
    fileprivate mutating func appendWord(_ word: UInt32) {
        append(contentsOf: [
            UInt8(word >> 24), UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 8),
            UInt8(truncatingIfNeeded: word),
        ])
    }
}
