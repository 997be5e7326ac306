import Testing

@testable import Ibis
@testable import WabaBridge

struct StoreDocumentTests {
    private let snapshot = StoreSnapshot(
        numbers: [
            NumberRecord(number: "+15550100001", destination: .application("echo")),
            NumberRecord(number: "+15550100002", destination: .peer("asterisk", extension: "100")),
            NumberRecord(number: "+15550100003", destination: .peer("no", extension: nil)),
        ],
        peers: [
            PeerRecord(name: "asterisk", host: "192.0.2.10"),
            PeerRecord(
                name: "no", host: "2001:db8::1", port: 5071, transport: .tls, secureMedia: true,
                ringTimeout: .seconds(20), tlsName: "pbx.example.com", tlsAuthority: "/etc/ibis/ca.pem"),
        ])

    @Test func comesBackAsItWas() throws {
        let text = try StoreDocument.text(snapshot)
        #expect(try StoreDocument.parse(text, file: "x.yaml") == snapshot)
        let empty = try StoreDocument.text(StoreSnapshot())
        #expect(try StoreDocument.parse(empty, file: "x.yaml") == StoreSnapshot())
    }

    @Test func throughTheStore() async throws {
        let store = try await Store.inMemory()
        let summary = try await store.importing(
            StoreDocument.parse(StoreDocument.text(snapshot), file: "x.yaml"), removingOthers: true)
        #expect(summary == Store.ImportSummary(added: 5, changed: 0, removed: 0))
        #expect(try await store.snapshot() == snapshot)
    }

    @Test func whatIsUsualMayBeLeftOut() throws {
        let text = """
            ibis: 1
            peers:
              - {name: asterisk, host: 192.0.2.10}
            numbers:
              - {number: "+15550100001", peer: asterisk}
            """
        let peer = PeerRecord(name: "asterisk", host: "192.0.2.10")
        let number = NumberRecord(number: "+15550100001", destination: .peer("asterisk", extension: nil))
        #expect(try StoreDocument.parse(text, file: "x") == StoreSnapshot(numbers: [number], peers: [peer]))
    }

    struct Wrong: CustomTestStringConvertible {
        let testDescription: String
        let yaml: String
        let expected: [String]

        init(_ name: String, _ yaml: String, _ expected: [String]) {
            (testDescription, self.yaml, self.expected) = (name, yaml, expected)
        }
    }

    @Test(arguments: [
        Wrong("empty", "", ["x.yaml, line 1 | must hold ibis, peers and numbers, as ibis export writes them"]),
        Wrong(
            "no version", "numbers: []",
            ["ibis  (x.yaml, line 1) | must be 1, the shape of file that this version of Ibis reads"]),
        Wrong(
            "later version", "ibis: 2",
            ["ibis: 2  (x.yaml, line 1) | must be 1, the shape of file that this version of Ibis reads"]),
        Wrong(
            "number without a destination", "ibis: 1\nnumbers:\n  - number: '+15550100001'",
            ["numbers[0]: +15550100001  (x.yaml, line 3) | must have either peer or application"]),
        Wrong(
            "both destinations",
            "ibis: 1\npeers:\n  - {name: a, host: h}\nnumbers:\n  - {number: '+15550100001', peer: a, application: echo}",
            ["numbers[0]: +15550100001  (x.yaml, line 5) | must have either peer or application"]),
        Wrong(
            "no such peer", "ibis: 1\nnumbers:\n  - number: '+15550100001'\n    peer: nobody",
            ["numbers[0].peer: nobody  (x.yaml, line 4) | must be the name of a peer in this file"]),
        Wrong(
            "many at once",
            """
            ibis: 1
            peers:
              - name: a
                hots: h
              - name: b
                host: h
                port: many
                secureMedia: perhaps
            numbers:
              - number: 15550100001
                application: dance
            """,
            [
                "peers[0].hots  (x.yaml, line 4) | there is no such key; did you mean host?",
                "peers[0].host  (x.yaml, line 3) | is missing",
                "peers[1].port: many  (x.yaml, line 7) | must be a port, 1 to 65535",
                "peers[1].secureMedia: perhaps  (x.yaml, line 8) | must be true or false",
                "numbers[0].number: 15550100001  (x.yaml, line 10) | must be an international number, + and 7 to 15 "
                    + "digits, such as +15550100001",
                "numbers[0].application: dance  (x.yaml, line 11) | must be one of: echo",
            ]),
        Wrong(
            "twice",
            "ibis: 1\nnumbers:\n- {number: '+15550100001', application: echo}\n"
                + "- {number: '+15550100001', application: echo}",
            ["numbers: +15550100001  (x.yaml, line 4) | is there already, in line 3: keep one of them"]),
        Wrong(
            "not a list", "ibis: 1\nnumbers: 5",
            ["numbers: 5  (x.yaml, line 2) | must be a list, each entry beginning with -"]),
    ])
    func wrong(_ row: Wrong) throws {
        do {
            _ = try StoreDocument.parse(row.yaml, file: "x.yaml")
            Issue.record("was taken")
        } catch {
            #expect(error.list.map { $0.description.replacing("\n    ", with: " | ") } == row.expected)
        }
    }
}
