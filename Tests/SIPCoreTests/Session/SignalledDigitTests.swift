import Testing

@testable import SIPCore

@Suite struct SignalledDigitTests {
    struct Row: CustomTestStringConvertible {
        var type: String?
        var body: String
        var reading: SignalledDigit.Reading
        var testDescription: String { "\(type ?? "-") \(body.debugDescription)" }
    }
    static let relay = "application/dtmf-relay"
    private static func digit(_ digit: Character, _ milliseconds: Int = 160) -> SignalledDigit.Reading {
        .digit(SignalledDigit(digit: digit, duration: .milliseconds(milliseconds)))
    }

    static let rows: [Row] = [
        .init(type: relay, body: "Signal=5\r\nDuration=250\r\n", reading: digit("5", 250)),
        .init(type: relay, body: "Signal= #\nDuration= 100", reading: digit("#", 100)),
        .init(type: "Application/DTMF-Relay; x=y", body: "signal=a", reading: digit("A")),
        .init(type: relay, body: "Signal=10", reading: digit("*")),
        .init(type: relay, body: "Signal=11", reading: digit("#")),
        .init(type: relay, body: "Signal=1\nDuration=999999999", reading: digit("1", 5_000)),
        .init(type: relay, body: "Signal=1\nDuration=1", reading: digit("1", 40)),
        .init(type: relay, body: "Signal=1\nDuration=99999999999999999999", reading: digit("1")),
        .init(type: relay, body: "Signal=16", reading: .malformed),
        .init(type: relay, body: "Signal=", reading: .malformed),
        .init(type: relay, body: "5", reading: .malformed),
        .init(type: relay, body: "Signal=1" + String(repeating: "\n", count: 300), reading: .malformed),
        .init(type: "application/dtmf", body: "*", reading: digit("*")),
        .init(type: "application/dtmf", body: " 7\r\n", reading: digit("7")),
        .init(type: "application/dtmf", body: "77", reading: .malformed),
        .init(type: "application/dtmf", body: "\u{e9}", reading: .malformed),
        .init(type: "application/media_control+xml", body: "<x/>", reading: .otherType),
        .init(type: nil, body: "5", reading: .otherType),
        .init(type: relay, body: "", reading: .empty),
    ]

    @Test(arguments: rows) func isRead(_ row: Row) {
        let headers = row.type.map { [HeaderField(.contentType, $0)] } ?? []
        let info = Requests.make(.info, headers: headers, body: Array(row.body.utf8))
        #expect(SignalledDigit.read(info) == row.reading)
    }

    @Test func octetsThatAreNoText() {
        let info = Requests.make(.info, headers: [HeaderField(.contentType, Self.relay)], body: [0xFF, 0xFE])
        #expect(SignalledDigit.read(info) == .malformed)
    }
}
