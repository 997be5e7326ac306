import ArgumentParser
import SIPCore
import Testing

@testable import Ibis

struct SIPInspectTests {
    private static let options = """
        OPTIONS sip:sip.example.com SIP/2.0
        Via: SIP/2.0/TLS 192.0.2.10:5061;branch=z9hG4bK1
        From: <sip:192.0.2.10>;tag=1
        To: <sip:sip.example.com>
        Call-ID: a\u{1B}[2J
        CSeq: 7 OPTIONS
        Content-Type: application/sdp

        v=0
        o=- 1 1 IN IP4 192.0.2.10
        s=-
        c=IN IP4 192.0.2.10
        t=0 0
        m=audio 20000 RTP/SAVP 111
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd
        a=rtpmap:111 opus/48000/2
        a=ptime:20

        """

    private func code(_ arguments: [String]) async throws -> Int32? {
        let command = try #require(try IbisCommand.parseAsRoot(["sip", "inspect"] + arguments) as? SIPInspectCommand)
        do {
            try await command.run()
            return 0
        } catch let exit as ExitCode {
            return exit.rawValue
        }
    }

    @Test func exitCodes() async throws {
        let directory = try TemporaryDirectory()
        let good = try directory.write(Self.options, to: "good.txt")
        let bad = try directory.write(Self.options.replacing("CSeq: 7", with: "CSeq: x"), to: "bad.txt")
        let empty = try directory.write("", to: "empty.txt")
        let large = try directory.write(String(repeating: "x", count: 1 << 20 + 1), to: "large.txt")
        for json in [[], ["--json"]] {
            #expect(try await code([good] + json) == 0)
            #expect(try await code([bad] + json) == 1)
            #expect(try await code([directory.file("none.txt")] + json) == 2)
            #expect(try await code([empty] + json) == 2)
            #expect(try await code([large] + json) == 2)
        }
        let standard = try #require(try IbisCommand.parseAsRoot(["sip", "inspect"]) as? SIPInspectCommand)
        #expect(standard.file == "-" && !standard.json)
        #expect(try (IbisCommand.parseAsRoot(["sip", "inspect", "-", "--json"]) as? SIPInspectCommand)?.file == "-")
    }

    @Test func textForPeople() {
        let text = InspectionText(MessageInspection(Array(Self.options.utf8))).text
        for expected in [
            "Valid: request OPTIONS sip:sip.example.com\n", "  CSeq: 7 OPTIONS\n", "  Call-ID: a\\u{1b}[2J\n",
            "  audio at 192.0.2.10 port 20000, RTP/SAVP, sendrecv\n", "    111 opus/48000/2\n",
            "    crypto 1 AES_CM_128_HMAC_SHA1_80 <key hidden>\n", "    packets of 20 ms\n",
            "[line-feeds]", "[not-meta]", "problem: Over TCP and TLS it is refused with 400",
        ] {
            #expect(text.contains(expected), "\(expected) in \(text)")
        }
        #expect(!text.contains("AAECAwQF") && !text.contains("\u{1B}"))

        let bad = InspectionText(
            MessageInspection(Array(Self.options.replacing("CSeq: 7", with: "CSeq: x").utf8))
        ).text
        #expect(
            bad.hasPrefix("Malformed: CSeq is malformed (line 6, offset 155).\nIt is answered 400 Bad Request.\n"),
            "\(bad)")
        let none = InspectionText(MessageInspection(Array("hello\n".utf8))).text
        #expect(
            none.hasPrefix("Malformed: This is not SIP (line 1, offset 0).\nIt is not answered"))
    }

    @Test func jsonIsStable() throws {
        let bye = """
            BYE sip:+15550100001@sip.example.com;transport=tls SIP/2.0
            Via: SIP/2.0/TLS 192.0.2.10:5061;branch=z9hG4bK1
            From: <sip:+15550100199@wa.meta.vc>;tag=1
            To: <sip:+15550100001@sip.example.com>;tag=2
            Call-ID: a
            CSeq: 7 BYE


            """
        let inspection = MessageInspection(Array(bye.utf8))
        #expect(try inspection.json() == MessageInspection(Array(bye.utf8)).json())
        #expect(
            try inspection.json() == """
                {
                  "bodyOctets" : 0,
                  "fields" : [
                    {
                      "name" : "Via",
                      "value" : "SIP/2.0/TLS 192.0.2.10:5061;branch=z9hG4bK1"
                    },
                    {
                      "name" : "From",
                      "value" : "<sip:+15550100199@wa.meta.vc>;tag=1"
                    },
                    {
                      "name" : "To",
                      "value" : "<sip:+15550100001@sip.example.com>;tag=2"
                    },
                    {
                      "name" : "Call-ID",
                      "value" : "a"
                    },
                    {
                      "name" : "CSeq",
                      "value" : "7 BYE"
                    }
                  ],
                  "kind" : "request",
                  "method" : "BYE",
                  "remarks" : [
                    {
                      "code" : "line-feeds",
                      "severity" : "note",
                      "text" : "The lines end with LF alone; it was read as if they ended with CRLF, as they must on the wire"
                    }
                  ],
                  "requestURI" : "sip:+15550100001@sip.example.com;transport=tls",
                  "valid" : true,
                  "way" : "fromMeta"
                }
                """)
    }
}
