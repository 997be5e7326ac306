import Testing
import WabaBridge

struct RecordTests {
    struct NumberCase: CustomTestStringConvertible {
        let testDescription: String
        let text: String
        let expected: String?

        init(_ name: String, _ text: String, _ expected: String?) {
            (testDescription, self.text, self.expected) = (name, text, expected)
        }
    }

    @Test(arguments: [
        NumberCase("as it is", "+15550100001", "+15550100001"),
        NumberCase("as people write it", "+1 (555) 010-0001", "+15550100001"),
        NumberCase("no-break space", "+1\u{A0}555 0100001", "+15550100001"),
        NumberCase("shortest", "+1234567", "+1234567"),
        NumberCase("longest", "+123456789012345", "+123456789012345"),
        NumberCase("too short", "+123456", nil),
        NumberCase("too long", "+1234567890123456", nil),
        NumberCase("no plus", "15550100001", nil),
        NumberCase("leading zero", "+05550100001", nil),
        NumberCase("letters", "+1555010000a", nil),
        NumberCase("digits of another script", "+١٥٥٥٠١٠٠٠٠١", nil),
        NumberCase("empty", "", nil),
    ])
    func number(_ row: NumberCase) {
        #expect(NumberRecord.normalised(row.text) == row.expected)
    }

    struct PeerCase: CustomTestStringConvertible {
        let testDescription: String
        let peer: PeerRecord
        let wrong: [String]

        init(_ name: String, _ peer: PeerRecord, wrong: [String] = []) {
            (testDescription, self.peer, self.wrong) = (name, peer, wrong)
        }
    }

    @Test(arguments: [
        PeerCase("IPv4", PeerRecord(name: "asterisk", host: "192.0.2.10")),
        PeerCase("IPv6", PeerRecord(name: "asterisk", host: "2001:db8::1")),
        PeerCase("host name", PeerRecord(name: "pbx-1.example_2", host: "pbx.example.com", transport: .tls)),
        PeerCase("no name", PeerRecord(name: "", host: "192.0.2.10"), wrong: ["name"]),
        PeerCase("name with a space", PeerRecord(name: "my pbx", host: "192.0.2.10"), wrong: ["name"]),
        PeerCase("name of 65", PeerRecord(name: String(repeating: "a", count: 65), host: "h"), wrong: ["name"]),
        PeerCase("brackets", PeerRecord(name: "a", host: "[2001:db8::1]"), wrong: ["host"]),
        PeerCase("host with port", PeerRecord(name: "a", host: "pbx.example.com:5060"), wrong: ["host"]),
        PeerCase("almost an address", PeerRecord(name: "a", host: "192.0.2.300"), wrong: ["host"]),
        PeerCase("underscore in host", PeerRecord(name: "a", host: "my_pbx"), wrong: ["host"]),
        PeerCase("port 0", PeerRecord(name: "a", host: "h", port: 0), wrong: ["port"]),
        PeerCase("port too high", PeerRecord(name: "a", host: "h", port: 65_536), wrong: ["port"]),
        PeerCase("rings too short", PeerRecord(name: "a", host: "h", ringTimeout: .seconds(4)), wrong: ["ringTimeout"]),
        PeerCase(
            "rings half a second", PeerRecord(name: "a", host: "h", ringTimeout: .milliseconds(9_500)),
            wrong: ["ringTimeout"]),
        PeerCase(
            "own authority",
            PeerRecord(name: "a", host: "h", transport: .tls, tlsName: "pbx.example.com", tlsAuthority: "/ca.pem")),
        PeerCase(
            "TLS options without TLS", PeerRecord(name: "a", host: "h", tlsName: "h", tlsAuthority: "/ca.pem"),
            wrong: ["tlsName", "tlsAuthority"]),
        PeerCase(
            "TLS options in a wrong form",
            PeerRecord(name: "a", host: "h", transport: .tls, tlsName: "a b", tlsAuthority: "ca.pem"),
            wrong: ["tlsName", "tlsAuthority"]),
        PeerCase(
            "limits and sources",
            PeerRecord(
                name: "a", host: "h", qualifyInterval: nil, maxCalls: 1, maxCallsPerSecond: 10_000,
                sources: ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"])),
        PeerCase(
            "limits of nothing",
            PeerRecord(name: "a", host: "h", qualifyInterval: .seconds(4), maxCalls: 0, maxCallsPerSecond: 0),
            wrong: ["qualify", "maxCalls", "maxCallsPerSecond"]),
        PeerCase(
            "sources that are none, or nearly all",
            PeerRecord(name: "a", host: "h", sources: ["10.0.0.0/33", "h", "0.0.0.0/0", "::/8", "10.0.0.0/7"]),
            wrong: ["from", "from", "from", "from", "from"]),
        PeerCase(
            "digest without a password", PeerRecord(name: "a", host: "h", identifyBy: .digest), wrong: ["identify"]),
        PeerCase(
            "user without a password", PeerRecord(name: "a", host: "h", user: "u\"", realm: ""),
            wrong: ["user", "realm", "password"]),
        PeerCase("everything", PeerRecord(name: "?", host: "?", port: -1), wrong: ["name", "host", "port"]),
    ])
    func peer(_ row: PeerCase) {
        #expect(row.peer.problems().map(\.field) == row.wrong)
    }

    @Test func usualPorts() {
        #expect(PeerRecord.usualPort(.udp) == 5060)
        #expect(PeerRecord.usualPort(.tls) == 5061)
    }

    @Test func destinations() {
        func wrong(_ destination: NumberRecord.Destination) -> [String] {
            NumberRecord(number: "+15550100001", destination: destination).problems().map(\.field)
        }
        #expect(wrong(.application("echo")) == [])
        #expect(wrong(.application("dance")) == ["application"])
        #expect(wrong(.peer("asterisk", extension: "*100#")) == [])
        #expect(wrong(.peer("asterisk", extension: "1 0")) == ["extension"])
        #expect(wrong(.peer("asterisk", extension: "100@example.com")) == ["extension"])
        #expect(wrong(.peer("", extension: "")) == ["peer", "extension"])
        #expect(wrong(.peers([.init("a", weight: 1_000), .init("b")], .hash, extension: nil)) == [])
        #expect(wrong(.peers([], .order, extension: nil)) == ["peers"])
        #expect(wrong(.peers([.init("a"), .init("a")], .order, extension: nil)) == ["peers"])
        #expect(
            wrong(.peers([.init("a", weight: 0), .init("b", weight: 1_001)], .weight, extension: nil)) == [
                "weight", "weight",
            ])
    }

    @Test func membersAsTheyAreWritten() {
        #expect(NumberRecord.Member(written: "a") == .init("a"))
        #expect(NumberRecord.Member(written: "a=3") == .init("a", weight: 3))
        #expect(NumberRecord.Member(written: "a=") == nil)
        #expect(NumberRecord.Member(written: "a=b") == nil)
        #expect([NumberRecord.Member("a"), .init("a", weight: 3)].map(\.written) == ["a", "a=3"])
    }
}
