import Testing

@testable import SIPEdge

@Suite("Secrets stay out of logs") struct RedactionTests {
    @Test(
        "numbers keep four digits",
        arguments: [
            ("+15550100199", "…0199"), ("sip:+15550100001@example.com:5061", "sip:…0001@example.com:5061"),
            ("CSeq 9989", "CSeq 9989"), ("US.10000000000000000001", "US.…0001"), ("", ""), ("123456", "123456"),
            ("1234567", "…4567"),
        ])
    func numbers(text: String, shown: String) {
        #expect(Redaction.numbers(text) == shown)
    }

    @Test("keys, passwords and digest answers go whole")
    func message() {
        let text = [
            "INVITE sip:+15550100001@sip.example.com SIP/2.0",
            "Proxy-Authorization: Digest username=\"15550100001\", response=\"7e685eccfc755d7fb22d0b33ec2ef4d3\"",
            "", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd",
            "a=ice-pwd:AAECAwQFBgcICQoLDA0ODw==", "a=ptime:20",
        ].joined(separator: "\r\n")
        let shown = Redaction.message(text)
        for secret in ["15550100001", "7e685", "AAECAwQF", "inline"] { #expect(!shown.contains(secret)) }
        #expect(shown.contains("a=ptime:20"))
        #expect(shown.contains("…0001@sip.example.com"))
    }
}
