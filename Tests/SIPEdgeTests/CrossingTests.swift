import SIPCore
import SIPEdge
import Simulators
import Testing

extension EdgeSuite {
    /// Everything that leaves is built from typed values: what one side says beyond them never reaches the other.
    @Suite("What crosses from one leg to the other") struct CrossingTests {
        /// In every place of a message that can hold something unknown.
        private static let mark = "cr0ss"

        @Test("nothing unknown, no private address, no name of the PBX, either way")
        func nothingUnknown() async throws {
            let signalling = try await Datagrams(address: RelayTests.pbxAddress)
            let peer = Peer(name: "pbx", host: RelayTests.pbxAddress, port: signalling.port)
            try await TestEdge.run(TestEdge.relay(to: peer)) { test in
                let wire = try await test.wire()
                var call = MetaCall()
                call.uri = "sip:+15550100001;\(Self.mark)=1@sip.example.com;transport=tls;\(Self.mark)=2"
                call.headers = [
                    "X-\(Self.mark): \(Self.mark)", "Subject: \(Self.mark)", "Organization: \(Self.mark)",
                    "Alert-Info: <http://example.com/\(Self.mark)>", "Call-Info: <http://example.com/\(Self.mark)>",
                    "Supported: \(Self.mark)", "Accept-Language: \(Self.mark)", "P-Charging-Vector: \(Self.mark)",
                    "P-Asserted-Identity: <sip:\(Self.mark)@example.com>", "Privacy: \(Self.mark)",
                    "Referred-By: <sip:\(Self.mark)@example.com>", "Replaces: \(Self.mark);to-tag=1;from-tag=2",
                    "Geolocation: <cid:\(Self.mark)@example.com>", "x-wa-meta-\(Self.mark): \(Self.mark)",
                    "Reply-To: <sip:\(Self.mark)@example.com>", "Date: \(Self.mark)", "Warning: 399 a \"\(Self.mark)\"",
                    "Reason: Q.850;cause=16;text=\"\(Self.mark)\"", "Timestamp: 1", "User-To-User: \(Self.mark)",
                ]
                call.body =
                    call.sdp.replacing("s=-", with: "s=\(Self.mark)")
                    .replacing("o=- ", with: "o=\(Self.mark) ")
                    .replacing(
                        "a=mid:audio",
                        with: "a=mid:audio\r\na=\(Self.mark):1\r\na=candidate:1 1 UDP 1 10.1.2.3 9 typ host"
                    )
                    .replacing("useinbandfec=1", with: "useinbandfec=1;\(Self.mark)=1")
                    + "a=tool:\(Self.mark)\r\nm=video 0 RTP/SAVP 99\r\n"
                try await wire.send(
                    call.invite.replacing("tag=\(call.tag)\r\n", with: "tag=\(call.tag);\(Self.mark)=9\r\n"))
                let invite = try await signalling.request(.invite)
                Self.check(
                    invite.encoded(),
                    lacks: [
                        Self.mark, "10.1.2.3", "wa.meta.vc", "127.69.171", "fbinfra", "Facebook", call.callID, call.tag,
                        MetaCall.crypto.suffix(40).description, "sip.example.com",
                    ])

                var answer = invite.response(200, toTag: Self.mark + "pbx")
                answer.reason = Self.mark
                for (name, value) in [
                    (
                        "Contact",
                        "<sip:\(Self.mark)@\(RelayTests.pbxAddress):\(signalling.port);\(Self.mark)=1>;\(Self.mark)=2"
                    ),
                    ("Server", "Asterisk \(Self.mark)"), ("X-\(Self.mark)", "10.9.8.7"), ("Supported", Self.mark),
                    ("Allow", "INVITE, \(Self.mark)"), ("P-Asserted-Identity", "\"\(Self.mark)\" <sip:9@pbx.lan>"),
                    ("Remote-Party-ID", "<sip:\(Self.mark)@pbx.lan>"), ("Session-Expires", "1800;refresher=uac"),
                    ("Warning", "399 pbx.lan \"\(Self.mark)\""), ("Organization", Self.mark),
                    ("Content-Type", "application/sdp;\(Self.mark)=1"),
                ] {
                    if let header = HeaderName(name) { answer.headers.append(header, value) }
                }
                answer.body = Array(
                    MetaCall.lines([
                        "v=0", "o=\(Self.mark) 1 1 IN IP4 10.9.8.7", "s=\(Self.mark)",
                        "c=IN IP4 \(RelayTests.pbxAddress)",
                        "t=0 0", "a=tool:\(Self.mark)", "m=audio 40000 RTP/AVP 111 101", "a=rtpmap:111 opus/48000/2",
                        "a=fmtp:111 useinbandfec=1;\(Self.mark)=1", "a=rtpmap:101 telephone-event/8000",
                        "a=\(Self.mark):1", "a=candidate:1 1 UDP 1 10.9.8.7 9 typ host", "a=label:\(Self.mark)",
                    ]).utf8)
                try await signalling.send(answer.encoded(), to: TestEdge.address, test.peerPort)
                let toMeta = try await wire.response()
                #expect(toMeta.status == 200)
                // Its own header fields come back to Meta as the RFC asks: From, Via, Call-ID.
                let own = toMeta.encoded()
                let text = String(decoding: own, as: UTF8.self).replacing(";\(Self.mark)=9", with: "")
                Self.check(
                    Array(text.utf8),
                    lacks: [
                        Self.mark, "10.9.8.7", "pbx.lan", RelayTests.pbxAddress, "Asterisk", "Session-Expires",
                    ])
                call.answered(toMeta)
                try await wire.send(call.ack)
                let ack = try await signalling.request(.ack)
                #expect(!String(decoding: ack.encoded(), as: UTF8.self).contains("wa.meta.vc"))

                try await wire.send(
                    call.bye(headers: [
                        "X-\(Self.mark): \(Self.mark)", "Reason: Q.850;cause=16;text=\"\(Self.mark)\"",
                    ]))
                #expect(try await wire.response().status == 200)
                let bye = try await signalling.request(.bye)
                Self.check(bye.encoded(), lacks: ["X-\(Self.mark)", "\"\(Self.mark)\"", "wa.meta.vc", "Facebook"])
                try await signalling.send(bye.response(200).encoded(), to: TestEdge.address, test.peerPort)
                await wire.close()
            }
            await signalling.close()
        }

        private static func check(
            _ octets: [UInt8], lacks forbidden: [String], sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let text = String(decoding: octets, as: UTF8.self)
            for word in forbidden {
                #expect(!text.contains(word), "\(word) crosses: \(text)", sourceLocation: sourceLocation)
            }
        }
    }
}
