import SIPCore
import SIPEdge
import Simulators
import Testing

extension SimulatorSuite {
    /// Each rule about an INVITE of a business, broken on purpose: what Meta says to it (meta-calling §5.2, §7.4, §10.1).
    @Suite("What Meta refuses of a business's INVITE") struct InviteRefusalTests {
        struct Case: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let rule: MetaRule
            /// 200: noted, but not refused.
            let status: Int
            var phrase = ""
            var number: @Sendable (inout MetaNumber) -> Void = { _ in }
            var script: @Sendable (inout BusinessScript) -> Void = { _ in }

            init(
                _ description: String, _ rule: MetaRule, _ status: Int, _ phrase: String = "",
                script: @escaping @Sendable (inout BusinessScript) -> Void = { _ in },
                number: @escaping @Sendable (inout MetaNumber) -> Void = { _ in }
            ) {
                testDescription = description
                self.rule = rule
                self.status = status
                self.phrase = phrase
                self.number = number
                self.script = script
            }
        }

        static let cases = targets + businesses + users + offers

        static let targets = [
            Case("sips:", .requestURIScheme, 404) { $0.uri = "sips:\(Example.user)@wa.meta.vc" },
            Case("tel:", .requestURIScheme, 404) { $0.uri = "tel:\(Example.user)" },
            Case("an IPv4 address", .requestURIAddress, 404, "IP in request URI") {
                $0.uri = "sip:\(Example.user)@192.0.2.1;transport=tls"
            },
            Case("an IPv6 address", .requestURIAddress, 404, "IP in request URI") {
                $0.uri = "sip:\(Example.user)@[2001:db8::1];transport=tls"
            },
            Case("another host", .requestURIHost, 404) { $0.uri = "sip:\(Example.user)@meta.vc;transport=tls" },
            Case("a number without +", .requestURIUser, 500) { $0.uri = "sip:15550100199@wa.meta.vc;transport=tls" },
            Case("a name for a number", .requestURIUser, 500) { $0.uri = "sip:alice@wa.meta.vc;transport=tls" },
            Case("no transport parameter", .requestURITransport, 200) { $0.uri = "sip:\(Example.user)@wa.meta.vc" },
            Case("From without +", .fromUser, 500) { $0.from = "<sip:15550100001@\(Example.hostname)>" },
            Case("To of another user", .toUser, 200) { $0.to = "<sip:+15550100198@wa.meta.vc>" },
            Case("no Max-Forwards", .maxForwards, 200) { $0.maxForwards = nil },
        ]

        static let businesses = [
            Case("a number nobody registered", .fromNumber, 400, "invalid business number") {
                $0.from = "<sip:+15550100077@\(Example.hostname)>"
            },
            Case("another host in From", .fromHost, 403, "SIP server other.example.com from INVITE does not match") {
                $0.from = "<sip:\(Example.number)@other.example.com>"
            },
            Case("an address in From", .fromHost, 403, "does not match any SIP server") {
                $0.from = "<sip:\(Example.number)@192.0.2.10>"
            },
            Case("a top-level domain in From", .fromHost, 403, "does not match any SIP server") {
                $0.from = "<sip:\(Example.number)@com>"
            },
            Case("no payment", .payment, 403, "payment", number: { $0.hasPaymentIssue = true }),
            Case("another app", .appNotAuthorized, 403, "not authorized", number: { $0.isAppAuthorized = false }),
            Case("100rel required", .extensionRequired, 420) { $0.headers = ["Require: 100rel"] },
            Case("timer required", .extensionRequired, 420) { $0.headers = ["Require: timer"] },
            Case("a session timer", .sessionTimer, 200) { $0.headers = ["Session-Expires: 1800;refresher=uac"] },
            Case("no Contact", .contactMissing, 400) { $0.contact = nil },
            Case("an address in Contact", .contactForm, 200) {
                $0.contact = "<sip:\(Example.number)@192.0.2.10:5061;transport=tls>"
            },
            Case("no transport in Contact", .contactForm, 200) {
                $0.contact = "<sip:\(Example.number)@\(Example.hostname):5061>"
            },
            Case("no port in Contact", .contactForm, 200) {
                $0.contact = "<sip:\(Example.number)@\(Example.hostname);transport=tls>"
            },
        ]

        static let users = [
            Case("no permission", .permission, 403, "no approved call permission", number: { $0.permittedUsers = [] }),
            Case("too many calls a day", .dailyLimit, 403, "per day", number: { $0.dailyLimit = 0 }),
        ]

        static let offers = [
            Case("no offer", .sdpMissing, 403, "SDP validation") { $0.sdpChange = { $0 = [] } },
            Case("another type of body", .sdpMalformed, 403, "SDP validation") { $0.contentType = "text/plain" },
            Case("no SDP at all", .sdpMalformed, 403, "SDP validation") { $0.sdpChange = { $0 = ["hello"] } },
            Case("plain RTP", .sdpProfile, 403, "SDP validation") {
                $0.sdpChange = { $0.replace("RTP/SAVP", "RTP/AVP") }
            },
            Case("the profile of DTLS", .sdpProfile, 403, "SDP validation") {
                $0.sdpChange = { $0.replace("RTP/SAVP", "UDP/TLS/RTP/SAVPF") }
            },
            Case("no key", .sdpCrypto, 403, "SDP validation") { $0.sdpChange = { $0.drop("a=crypto") } },
            Case("AES-256 alone", .sdpCrypto, 403, "SDP validation") {
                $0.sdpChange = { $0.replace("AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80") }
            },
            Case("a key with an MKI", .sdpCrypto, 403, "SDP validation") {
                $0.sdpChange = { lines in
                    lines = lines.map { $0.hasPrefix("a=crypto") ? $0 + "|2^20|1:4" : $0 }
                }
            },
            Case("no Opus", .sdpCodec, 403, "SDP validation") {
                $0.sdpChange = {
                    $0.drop("a=fmtp:111")
                    $0.replace("opus/48000/2", "PCMA/8000")
                }
            },
            Case("Opus with one channel", .sdpCodec, 403, "SDP validation") {
                $0.sdpChange = { $0.replace("opus/48000/2", "opus/48000") }
            },
            Case("Opus at 16 kHz", .sdpCodec, 403, "SDP validation") {
                $0.sdpChange = { $0.replace("opus/48000/2", "opus/16000/2") }
            },
            Case("two streams", .sdpOneStream, 403, "SDP validation") {
                $0.sdpChange = { $0.append("m=video 20004 RTP/SAVP 96") }
            },
            Case("no address", .sdpAddress, 403, "SDP validation") {
                $0.sdpChange = { $0.replace("IN IP4 \(Example.businessAddress)", "IN IP4 0.0.0.0") }
            },
            Case("30 ms packets", .sdpPacketTime, 200) { $0.sdpChange = { $0.replace("a=ptime:20", "a=ptime:30") } },
            Case("events of 48 kHz", .sdpEvents, 200) {
                $0.sdpChange = { $0.replace("telephone-event/8000", "telephone-event/48000") }
            },
            Case("126 for another codec", .sdpEvents, 200) {
                $0.sdpChange = {
                    $0.replace("telephone-event/8000", "PCMA/8000")
                    $0.drop("a=fmtp:126")
                }
            },
            Case("held from the start", .sdpDirection, 200) {
                $0.sdpChange = { $0.replace("a=sendrecv", "a=sendonly") }
            },
        ]

        @Test("each is refused as Meta words it, or noted", arguments: cases)
        func refused(_ example: Case) async throws {
            var number = Example.account
            example.number(&number)
            let account = number
            try await MetaSimulator.run({ $0.numbers = [account] }) { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                example.script(&script)
                let answer = try await business.invite(&script)
                #expect(answer.status == example.status)
                #expect(answer.reason.lowercased().contains(example.phrase.lowercased()))
                if example.status == 403 {
                    // meta-calling §12.2 (8): the phrase again in Warning, Record-Route in the error.
                    #expect(answer.headers[first: .warning] == "399 wa.meta.vc \"\(answer.reason)\"")
                    #expect(answer.headers.recordRoutes.count == 2)
                }
                if example.status != 200 {
                    let report = try #require(await meta.nextTakenCall())
                    #expect(report.outcome == .refused(status: answer.status, reason: answer.reason))
                }
                #expect(await meta.rules == [example.rule])
                await business.wire.close()
            }
        }

        struct Stray: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let method: String
            let rule: MetaRule
            /// Nil: nothing is answered.
            let status: Int?
        }

        static let strays = [
            Stray(testDescription: "REGISTER", method: "REGISTER", rule: .register, status: 403),
            Stray(testDescription: "OPTIONS", method: "OPTIONS", rule: .optionsUnanswered, status: nil),
            Stray(testDescription: "MESSAGE", method: "MESSAGE", rule: .methodNotAllowed, status: 405),
            Stray(testDescription: "SUBSCRIBE", method: "SUBSCRIBE", rule: .methodNotAllowed, status: 405),
            Stray(testDescription: "PUBLISH", method: "PUBLISH", rule: .methodNotAllowed, status: 405),
        ]

        @Test("other requests", arguments: strays)
        func stray(_ example: Stray) async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                script.method = example.method
                try await business.wire.send(script.invite)
                if let status = example.status {
                    #expect(try await business.wire.response().status == status)
                } else {
                    // What comes next is the answer to the next request.
                    try await eventually { await meta.rules == [example.rule] }
                    try await business.wire.send(BusinessScript().invite)
                    #expect(try await business.wire.response().headers.cseq?.method == .invite)
                }
                #expect(await meta.rules == [example.rule])
                await business.wire.close()
            }
        }

        @Test("a second call to the same user")
        func duplicate() async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                var first = BusinessScript()
                try await business.call(&first)
                var second = BusinessScript()
                let answer = try await business.invite(&second)
                #expect(answer.status == 403 && answer.reason.hasPrefix("Duplicate call"))
                #expect(await meta.rules == [.duplicateCall])
                var other = BusinessScript()
                other.uri = "sip:+15550100198@wa.meta.vc;transport=tls"
                other.to = "<sip:+15550100198@wa.meta.vc>"
                #expect(try await business.invite(&other).status == 200)
                await business.wire.close()
            }
        }

        @Test("after the first call the user may be called again, as often as the day allows")
        func again() async throws {
            var number = Example.account
            number.dailyLimit = 1
            let account = number
            try await MetaSimulator.run({ $0.numbers = [account] }) { meta in
                let business = try await Business(meta)
                var script = BusinessScript()
                try await business.call(&script)
                try await business.wire.send(script.request("BYE", cseq: script.cseq + 1))
                _ = try await business.wire.response(to: .bye)
                var second = BusinessScript()
                let answer = try await business.invite(&second)
                #expect(answer.status == 403 && answer.reason.contains("per day"))
                #expect(await meta.rules == [.dailyLimit])
                await business.wire.close()
            }
        }

        @Test("a key that was used before")
        func oldKey() async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                var first = BusinessScript()
                _ = try await business.invite(&first)
                var second = BusinessScript()
                second.uri = "sip:+15550100198@wa.meta.vc;transport=tls"
                second.to = "<sip:+15550100198@wa.meta.vc>"
                second.key = first.key
                _ = try await business.invite(&second)
                #expect(await meta.rules == [.sdpKeyReused])
                await business.wire.close()
            }
        }

        @Test("a BSUID, a parent's BSUID, and the parent of the configured host are good")
        func good() async throws {
            try await MetaSimulator.run { meta in
                let business = try await Business(meta)
                for user in ["US.13491208655302741918", "US.ENT.13491208655302741918"] {
                    var script = BusinessScript()
                    script.uri = "sip:\(user)@wa.meta.vc;transport=tls"
                    script.to = "<sip:\(user)@wa.meta.vc>"
                    script.from = "<sip:\(Example.number)@example.com>"
                    #expect(try await business.invite(&script).status == 200)
                }
                #expect(await meta.violations == [])
                await business.wire.close()
            }
        }
    }
}

extension [String] {
    mutating func replace(_ old: String, _ new: String) { self = map { $0.replacing(old, with: new) } }
    mutating func drop(_ prefix: String) { removeAll { $0.hasPrefix(prefix) } }
}
