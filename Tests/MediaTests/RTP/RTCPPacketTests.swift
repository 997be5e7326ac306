import Testing

@testable import Media

@Suite("RTCP", .tags(.engine))
struct RTCPPacketTests {
    static let block = RTCPPacket.ReportBlock(
        ssrc: 0x0102_0304, fractionLost: 77, lost: -3, highestSequenceNumber: 0x0001_ffff, jitter: 960,
        lastReport: 0xaabb_ccdd, delay: 65_536)
    static let report = RTCPPacket.SenderReport(
        ssrc: 9, ntpTimestamp: 0x0123_4567_89ab_cdef, rtpTimestamp: 48_000, packets: 50, octets: 3_000, blocks: [block])

    static let packets: [RTCPPacket] = [
        .senderReport(report), .receiverReport(ssrc: 5, blocks: []), .receiverReport(ssrc: 5, blocks: [block, block]),
        .sourceDescription(ssrc: 5, cname: ""), .sourceDescription(ssrc: 5, cname: "a"),
        .sourceDescription(ssrc: 5, cname: "abc@example.com"),
        .sourceDescription(ssrc: 5, cname: String(repeating: "x", count: 255)), .bye(sources: [5]), .bye(sources: []),
    ]

    @Test(arguments: packets) func readsWhatItWrites(_ packet: RTCPPacket) throws {
        var octets: [UInt8] = []
        packet.write(into: &octets)
        #expect(octets.count % 4 == 0)
        #expect(try RTCPPacket.compound(parsing: octets.span) == [packet])
    }

    @Test func readsCompounds() throws {
        var octets: [UInt8] = []
        for packet in Self.packets { packet.write(into: &octets) }
        #expect(try RTCPPacket.compound(parsing: octets.span) == Self.packets)
        for count in 0..<octets.count {
            // Cut between packets is a shorter compound, cut elsewhere is an error; neither traps.
            let cut = Array(octets.prefix(count))
            if let read = try? RTCPPacket.compound(parsing: cut.span) {
                #expect(read == Array(Self.packets.prefix(read.count)))
            }
        }
    }

    struct Wrong: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var octets: [UInt8]
        var error: RTPError
    }

    static let wrong: [Wrong] = [
        Wrong(testDescription: "nothing", octets: [], error: .truncated(needed: 4, have: 0)),
        Wrong(testDescription: "version 1", octets: [0x41, 201, 0, 1, 0, 0, 0, 1], error: .version(1)),
        Wrong(
            testDescription: "length beyond the end", octets: [0x80, 201, 0, 9, 0, 0, 0, 1],
            error: .truncated(needed: 40, have: 8)),
        Wrong(testDescription: "more blocks than octets", octets: [0x82, 201, 0, 1, 0, 0, 0, 1], error: .malformed),
        Wrong(testDescription: "sender report too short", octets: [0x80, 200, 0, 1, 0, 0, 0, 1], error: .malformed),
        Wrong(
            testDescription: "BYE of 31 sources in one word", octets: [0x9f, 203, 0, 1, 0, 0, 0, 1], error: .malformed),
        Wrong(testDescription: "padding that is none", octets: [0xa0, 201, 0, 1, 0, 0, 0, 0], error: .padding(0)),
        Wrong(testDescription: "receiver report of no words", octets: [0x80, 201, 0, 0], error: .malformed),
    ]

    @Test(arguments: wrong) func refuses(_ example: Wrong) {
        #expect(throws: example.error) { try RTCPPacket.compound(parsing: example.octets.span) }
    }

    @Test func skipsWhatItDoesNotKnow() throws {
        let feedback: [UInt8] = [0x8f, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]
        #expect(try RTCPPacket.compound(parsing: feedback.span) == [.other(type: 205)])
        let oddDescription: [UInt8] = [0x82, 202, 0, 1, 0, 0, 0, 1]
        #expect(try RTCPPacket.compound(parsing: oddDescription.span) == [.other(type: 202)])
    }

    @Test func cutsWhatDoesNotFit() throws {
        var octets: [UInt8] = []
        RTCPPacket.receiverReport(ssrc: 1, blocks: [RTCPPacket.ReportBlock](repeating: Self.block, count: 40))
            .write(into: &octets)
        RTCPPacket.sourceDescription(ssrc: 1, cname: String(repeating: "y", count: 999)).write(into: &octets)
        let read = try RTCPPacket.compound(parsing: octets.span)
        #expect(
            read == [
                .receiverReport(ssrc: 1, blocks: [RTCPPacket.ReportBlock](repeating: Self.block, count: 31)),
                .sourceDescription(ssrc: 1, cname: String(repeating: "y", count: 255)),
            ])
    }
}
