import Testing

@testable import Ibis
@testable import WabaBridge

struct StoreDocumentTests {
    private let snapshot = StoreSnapshot(
        numbers: [
            NumberRecord(number: "+15550100001", destination: .application("echo")),
            NumberRecord(number: "+15550100002", destination: .peer("asterisk", extension: "100")),
            NumberRecord(number: "+15550100003", destination: .peer("no", extension: nil)),
            NumberRecord(
                number: "+15550100004",
                destination: .peers([.init("no", weight: 3), .init("asterisk")], .hash, extension: "7")),
            NumberRecord(number: "+15550100005", destination: .peers([.init("no", weight: 2)], .order, extension: nil)),
        ],
        peers: [
            PeerRecord(
                name: "asterisk", host: "192.0.2.10", qualifyInterval: nil, maxCalls: 30, maxCallsPerSecond: 5,
                sources: ["10.0.0.0/8", "2001:db8::/32"]),
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
        #expect(summary == Store.ImportSummary(added: 7, changed: 0, removed: 0))
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

    @Test func passwordsOfPeersAreWrittenWhenAskedFor() throws {
        let directory = try TemporaryDirectory()
        let box = try SecretBox.open(keyFile: directory.file("key"), text: nil, making: true)
        let peer = PeerRecord(
            name: "a", host: "192.0.2.10", sources: ["0.0.0.0/0"], identifyBy: .digest, user: "ibis",
            password: try box.seal("EXAMPLE-peer-password", for: .peer("a")), realm: "pbx.example.com")
        let without = try StoreDocument.text(StoreSnapshot(peers: [peer]))
        #expect(!without.contains("EXAMPLE"))
        var bare = peer
        bare.password = nil
        #expect(try StoreDocument.parse(without, file: "x.yaml").peers == [bare])
        let with = try StoreDocument.text(StoreSnapshot(peers: [peer]), secrets: box)
        let back = try StoreDocument.parse(with, file: "x.yaml") { secret, owner throws(StoreError) in
            #expect(secret == "EXAMPLE-peer-password" && owner == .peer("a"))
            return try box.seal(secret, for: owner)
        }
        let sealed = try #require(back.peers.first?.password)
        #expect(try box.open(sealed, for: .peer("a")) == "EXAMPLE-peer-password")
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
            ["numbers[0]: +15550100001  (x.yaml, line 3) | must have one of peer, peers and application"]),
        Wrong(
            "both destinations",
            "ibis: 1\npeers:\n  - {name: a, host: h}\nnumbers:\n  - {number: '+15550100001', peer: a, application: echo}",
            ["numbers[0]: +15550100001  (x.yaml, line 5) | must have one of peer, peers and application"]),
        Wrong(
            "no such peer", "ibis: 1\nnumbers:\n  - number: '+15550100001'\n    peer: nobody",
            ["numbers[0].peer: nobody  (x.yaml, line 4) | must be the name of a peer in this file"]),
        Wrong(
            "weights and spread",
            "ibis: 1\npeers:\n  - {name: a, host: h}\nnumbers:\n"
                + "  - {number: '+15550100001', peers: ['a=many'], spread: dice}\n"
                + "  - {number: '+15550100002', peers: [a, a=2]}\n  - {number: '+15550100003', peers: []}",
            [
                "numbers[0].peers: a=many  (x.yaml, line 5) | must be the name of a peer in this file, with =weight "
                    + "behind it or not",
                "numbers[0].spread: dice  (x.yaml, line 5) | must be one of: order, weight, hash",
                "numbers[1].peers: a  (x.yaml, line 6) | must be a list in which each peer stands once",
                "numbers[2].peers  (x.yaml, line 7) | must be a list of texts",
            ]),
        Wrong(
            "what a peer may be",
            "ibis: 1\npeers:\n  - {name: a, host: h, qualify: often, maxCalls: 0}\n"
                + "  - {name: b, host: h, from: [0.0.0.0/0, 10.0.0.0/33], identify: address}\n"
                + "  - {name: c, host: h, identify: digest}\n  - {name: d, host: h, qualify: 1s, maxCalls: 0}",
            [
                "peers[0].qualify: often  (x.yaml, line 3) | must be 5s to 3600s, or never",
                "peers[1].from: 0.0.0.0/0  (x.yaml, line 4) | must be narrower, unless the peer is identified by user "
                    + "and password",
                "peers[1].from: 10.0.0.0/33  (x.yaml, line 4) | must be an address or a range, such as 10.0.0.0/24",
                "peers[2].identify: digest  (x.yaml, line 5) | must be address while there is no user and password",
                "peers[3].qualify: 1.0 seconds  (x.yaml, line 6) | must be 5 to 3600 whole seconds, or never",
                "peers[3].maxCalls: 0  (x.yaml, line 6) | must be 1 to 100000",
            ]),
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
