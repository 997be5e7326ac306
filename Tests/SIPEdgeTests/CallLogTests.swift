import NIOCore
import SIPCore
import Testing

@testable import SIPEdge

@Suite("The messages kept of calls") struct CallLogTests {
    private func invite(_ callID: String = "one", body: String = "") -> Message {
        .request(
            Request(
                method: .invite,
                uri: SIPURI("sip:+15550100001@sip.example.com") ?? .init(scheme: .sip, host: "example.com"),
                headers: [
                    HeaderField(name: .from, value: "<sip:+15550100199@wa.meta.vc>;tag=a"),
                    HeaderField(name: .callID, value: callID), HeaderField(name: .cseq, value: "1 INVITE"),
                    HeaderField(
                        name: .proxyAuthorization, value: "Digest username=\"x\", response=\"0123456789abcdef\""),
                ], body: Array(body.utf8)))
    }

    @Test("without secrets and numbers, as text and as a ladder")
    func trace() throws {
        let log = CallLog(maximumCalls: 10)
        let record = try #require(log.begin("call"))
        let crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
        record.append(invite(body: crypto + "\r\n"), isSent: false, leg: "meta")
        record.append(.response(Response(status: 100)), isSent: true, leg: "meta")
        record.append(invite("two"), isSent: true, leg: "peer")
        record.append(.response(Response(status: 486)), isSent: false, leg: "peer")
        record.append(.response(Response(status: 480)), isSent: true, leg: "meta")
        let trace = CallTrace(try #require(log.capture("call")), withText: true)
        #expect(
            trace.entries.map(\.line) == [
                "INVITE sip:…0001@sip.example.com", "100 Trying", "INVITE sip:…0001@sip.example.com", "486 Busy Here",
                "480 Temporarily Unavailable",
            ])
        let whole = trace.entries.map(\.text).joined()
        for secret in ["15550100001", "15550100199", "AAECAw", "0123456789abcdef"] {
            #expect(!whole.contains(secret), "\(secret)")
        }
        #expect(whole.contains("tag=a"))
        let summary = try #require(log.summaries(limit: 5).first)
        #expect(summary.status == 480)
        #expect(summary.messages == 5)
        let lines = trace.ladder.split(separator: "\n")
        #expect(lines.count == 6)
        #expect(lines[1].contains("INVITE sip:…0001@sip.example.com --"))
        #expect(lines[2].contains("<--") && lines[2].hasSuffix("100 Trying"))
        #expect(lines[3].contains(String(repeating: " ", count: 48)) && lines[3].hasSuffix(">"))
    }

    @Test("calls, messages of a call and octets are bounded, the oldest call gives way")
    func bounds() throws {
        let log = CallLog(maximumCalls: 3)
        for number in 0..<10 { log.begin("\(number)")?.append(invite(), isSent: false, leg: "meta") }
        #expect(log.summaries(limit: 10).map(\.id) == ["9", "8", "7"])
        let record = try #require(log.begin("long"))
        for _ in 0..<150 { record.append(invite(), isSent: false, leg: "meta") }
        let trace = CallTrace(try #require(log.capture("long")))
        #expect(trace.entries.count == CallLog.maximumMessages)
        #expect(trace.dropped == 50)
        #expect(trace.ladder.contains("and 50 more"))

        let large = CallLog(maximumCalls: 1_000)
        let body = String(repeating: "x", count: 250_000)
        for number in 0..<200 { large.begin("\(number)")?.append(invite(body: body), isSent: false, leg: "meta") }
        #expect(large.octets <= CallLog.maximumOctets)
        #expect(large.count < 80 && large.count > 40)
        // A call that was pushed out and still talks takes nothing more.
        let before = large.octets
        let old = try #require(large.begin("old"))
        for number in 0..<200 { large.begin("n\(number)")?.append(invite(body: body), isSent: false, leg: "meta") }
        old.append(invite(body: body), isSent: false, leg: "meta")
        #expect(large.capture("old") == nil)
        #expect(large.octets <= CallLog.maximumOctets && before > 0)
    }

    @Test("nothing is kept when nothing is asked for")
    func off() {
        let log = CallLog(maximumCalls: 0)
        #expect(log.begin("call") == nil)
        #expect(log.summaries(limit: 10).isEmpty)
    }
}

@Suite("What a capture server gets") struct HEPTests {
    @Test("the octets of the specification")
    func octets() throws {
        let packet = HEP3Packet(
            source: .init(address: [192, 0, 2, 1], port: 5_060),
            destination: .init(address: [192, 0, 2, 2], port: 5_061),
            transport: .udp, seconds: 0x0102_0304, microseconds: 5, captureID: 2_001, password: "pw", correlation: "c1",
            payload: Array("OPTIONS".utf8))
        let expected: [[UInt8]] = [
            Array("HEP3".utf8), [0, 122],
            [0, 0, 0, 1, 0, 7, 2],  // IPv4
            [0, 0, 0, 2, 0, 7, 17],  // UDP
            [0, 0, 0, 3, 0, 10, 192, 0, 2, 1], [0, 0, 0, 4, 0, 10, 192, 0, 2, 2],
            [0, 0, 0, 7, 0, 8, 0x13, 0xC4], [0, 0, 0, 8, 0, 8, 0x13, 0xC5],
            [0, 0, 0, 9, 0, 10, 1, 2, 3, 4], [0, 0, 0, 10, 0, 10, 0, 0, 0, 5],
            [0, 0, 0, 11, 0, 7, 1],  // SIP
            [0, 0, 0, 12, 0, 10, 0, 0, 7, 0xD1],
            [0, 0, 0, 14, 0, 8] + Array("pw".utf8),
            [0, 0, 0, 17, 0, 8] + Array("c1".utf8),
            [0, 0, 0, 15, 0, 13] + Array("OPTIONS".utf8),
        ]
        let octets = try #require(packet.encoded())
        #expect(octets == Array(expected.joined()))
        #expect(octets.count == 122)
    }

    @Test("IPv6 has chunks of its own, no password has none, and what is too large is not sent")
    func others() throws {
        var packet = HEP3Packet(
            source: .init(address: [UInt8](repeating: 1, count: 16), port: 1),
            destination: .init(address: [UInt8](repeating: 2, count: 16), port: 2), transport: .tcp, seconds: 0,
            microseconds: 0, captureID: 0, password: nil, correlation: "", payload: [])
        let octets = try #require(packet.encoded())
        #expect(Array(octets[6..<20]) == [0, 0, 0, 1, 0, 7, 10, 0, 0, 0, 2, 0, 7, 6])
        #expect(Array(octets[20..<26]) == [0, 0, 0, 5, 0, 22])
        #expect(!octets.contains(14))
        packet.payload = [UInt8](repeating: 0, count: 60_000)
        #expect(packet.encoded() == nil)
    }

    @Test("keys and digest answers are covered, the length stays")
    func secrets() {
        let text = [
            "INVITE sip:a@example.com SIP/2.0", "Authorization: Digest response=\"abc\",", "\tcnonce=\"def\"",
            "proxy-authorization:Digest response=\"ghi\"", "Call-ID: keep", "",
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:SECRET", "A=ICE-PWD:pass", "a=rtpmap:111 opus/48000/2",
        ].joined(separator: "\r\n")
        var octets = Array(text.utf8)
        SecretMask.cover(&octets)
        let covered = String(decoding: octets, as: UTF8.self)
        #expect(octets.count == text.utf8.count)
        for secret in ["abc", "def", "ghi", "SECRET", "pass"] { #expect(!covered.contains(secret), "\(covered)") }
        #expect(covered.contains("Call-ID: keep\r\n\r\na=crypto:x"))
        #expect(covered.hasSuffix("a=rtpmap:111 opus/48000/2"))
    }

    @Test(
        "the Call-ID in octets",
        arguments: [
            ("INVITE a SIP/2.0\r\nVia: x\r\nCall-ID:  a@b \r\n\r\n", "a@b"),
            ("SIP/2.0 200 OK\r\ni: short\r\n\r\n", "short"),
            ("INVITE a SIP/2.0\r\nFrom: x\r\n\r\nCall-ID: body\r\n", ""), ("", ""),
        ])
    func callID(text: String, found: String) {
        #expect(HEPExporter.callID(in: Array(text.utf8)) == found)
    }
}
