import Testing

@testable import Media

@Suite("RTP header", .tags(.engine))
struct RTPHeaderTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var octets: [UInt8]
        var payload: Range<Int>?
        var error: RTPError?
    }

    static let fixed: [UInt8] = [0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe, 0xba, 0xbe]

    static let cases: [Case] = [
        Case(testDescription: "plain", octets: [0x80, 0xef] + fixed + [1, 2, 3], payload: 12..<15),
        Case(testDescription: "no payload", octets: [0x80, 0xef] + fixed, payload: 12..<12),
        Case(
            testDescription: "two CSRCs", octets: [0x82, 0xef] + fixed + [UInt8](repeating: 9, count: 8) + [1],
            payload: 20..<21),
        Case(
            testDescription: "extension of one word",
            octets: [0x90, 0xef] + fixed + [0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0] + [1, 2], payload: 20..<22),
        Case(testDescription: "padding", octets: [0xa0, 0xef] + fixed + [1, 2, 0, 0, 3], payload: 12..<14),
        Case(testDescription: "padding alone", octets: [0xa0, 0xef] + fixed + [0, 2], payload: 12..<12),
        Case(testDescription: "empty", octets: [], error: .truncated(needed: 12, have: 0)),
        Case(
            testDescription: "eleven octets", octets: [0x80, 0xef] + fixed.dropLast(),
            error: .truncated(needed: 12, have: 11)),
        Case(testDescription: "version 1", octets: [0x40, 0xef] + fixed, error: .version(1)),
        Case(testDescription: "STUN", octets: [0x00, 0x01] + fixed + [0, 0, 0, 0, 0, 0, 0, 0], error: .version(0)),
        Case(
            testDescription: "CSRCs beyond the end", octets: [0x8f, 0xef] + fixed,
            error: .truncated(needed: 72, have: 12)),
        Case(
            testDescription: "extension without its head", octets: [0x90, 0xef] + fixed,
            error: .truncated(needed: 16, have: 12)),
        Case(
            testDescription: "extension of 65,535 words", octets: [0x90, 0xef] + fixed + [0, 0, 0xff, 0xff],
            error: .truncated(needed: 16 + 4 * 65_535, have: 16)),
        Case(testDescription: "padding of zero", octets: [0xa0, 0xef] + fixed + [0], error: .padding(0)),
        Case(testDescription: "padding into the header", octets: [0xa0, 0xef] + fixed + [1, 3], error: .padding(3)),
    ]

    @Test(arguments: cases) func reads(_ example: Case) {
        do throws(RTPError) {
            let header = try RTPHeader(parsing: example.octets.span)
            #expect(header.payload == example.payload)
            #expect(header.marker)
            #expect(header.payloadType == 111)
            #expect(header.sequenceNumber == 0x1234)
            #expect(header.timestamp == 0xdeca_fbad)
            #expect(header.ssrc == 0xcafe_babe)
        } catch {
            #expect(error == example.error)
        }
    }

    @Test func writesWhatItReads() throws {
        let header = RTPHeader(
            marker: true, payloadType: 126, sequenceNumber: 65_535, timestamp: .max, ssrc: 0x8000_0001)
        var octets = [UInt8](repeating: 0xff, count: 12)
        octets.withUnsafeMutableBytes { header.write(into: $0) }
        #expect(try RTPHeader(parsing: octets.span) == header)
    }

    @Test func randomOctetsDoNotTrap() {
        var random = SplitMix(state: 3)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<90, using: &random)
            var octets = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            if count > 0, Bool.random(using: &random) { octets[0] = 0x80 | octets[0] & 0x3f }
            if let header = try? RTPHeader(parsing: octets.span) {
                #expect(header.payload.upperBound <= count)
            }
            _ = try? RTCPPacket.compound(parsing: octets.span)
            if let event = TelephoneEvent(parsing: octets.span) { #expect(event.volume < 64) }
        }
    }
}
