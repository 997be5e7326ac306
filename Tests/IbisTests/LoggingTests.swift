import Logging
import Synchronization
import Testing

@testable import Ibis

struct LoggingTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    /// What a logger with this handler writes.
    private func written(
        _ format: Configuration.Log.Format, level: Logger.Level = .info, _ body: (Logger) -> Void
    ) -> [String] {
        let lines = Lines()
        let logger = Logger(label: "edge") { label in
            IbisLogHandler(label: label, level: level, format: format, now: { 1_769_860_800_123 }) { line in
                lines.all.withLock { $0.append(line) }
            }
        }
        body(logger)
        return lines.all.withLock { $0 }
    }

    @Test func text() {
        let lines = written(.text) { logger in
            var logger = logger
            logger[metadataKey: "sip.status"] = "200"
            logger.info("Call answered", metadata: ["call.id": "7f", "reason": "as asked", "empty": ""])
            logger.debug("not shown")
        }
        #expect(
            lines == [
                "2026-01-31T12:00:00.123Z info     edge: Call answered  call.id=7f empty=\"\" reason=\"as asked\" "
                    + "sip.status=200\n"
            ])
    }

    @Test func json() {
        let lines = written(.json) { $0.warning("Odd \"thing\"", metadata: ["sip.peer": ["host": "192.0.2.1"]]) }
        #expect(
            lines == [
                #"{"time":"2026-01-31T12:00:00.123Z","level":"warning","label":"edge","message":"Odd \"thing\"","#
                    + #""sip.peer.host":"192.0.2.1"}"# + "\n"
            ])
    }

    @Test func nothingBeginsANewLine() {
        for format in Configuration.Log.Format.allCases {
            let lines = written(format) { $0.info("a\nb", metadata: ["x": "c\r\nd\u{1B}[0m"]) }
            #expect(lines.first?.split(separator: "\n").count == 1)
            #expect(lines.first?.contains("\u{1B}") == false)
        }
    }

    @Test func eventsWinOverTheLoggersMetadata() {
        let lines = written(.text) { logger in
            var logger = logger
            logger[metadataKey: "call.id"] = "1"
            logger.info("x", metadata: ["call.id": "2"])
        }
        #expect(lines.first?.contains("call.id=2") == true)
        #expect(lines.first?.contains("call.id=1") == false)
    }

    @Test func metadataKeysThatAreSecret() {
        let lines = written(.text) { $0.info("x", metadata: ["sip.password": "hunter2", "graph": ["token": "abc"]]) }
        #expect(lines.first?.hasSuffix("x  graph.token=[removed] sip.password=[removed]\n") == true)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_767_225_599_000, "2025-12-31T23:59:59.000Z"), (1_767_225_600_000, "2026-01-01T00:00:00.000Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ])
    func timestamps(_ milliseconds: Int64, _ text: String) {
        #expect(LogLine.timestamp(milliseconds) == text)
    }

    struct Secret: CustomTestStringConvertible {
        let testDescription: String
        let text: String
        let clean: String

        init(_ name: String, _ text: String, _ clean: String) {
            (testDescription, self.text, self.clean) = (name, text, clean)
        }
    }

    @Test(arguments: [
        Secret("phone number", "sip:+15550100001@example.com", "sip:+…0001@example.com"),
        Secret("two numbers", "+15550100001 to +15550100002;x", "+…0001 to +…0002;x"),
        Secret("short digits stay", "+100 and a+b", "+100 and a+b"),
        Secret(
            "SRTP key", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32",
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[removed]|2^20|1:32"),
        Secret("SRTP key at the end", "inline:abc", "inline:[removed]"),
        Secret("SRTP key in an escaped dump", "inline:abc\\r\\nm=", "inline:[removed]\\r\\nm="),
        Secret(
            "digest", "Digest username=\"u\", response=\"6629fae49393a05397450978507c4ef1\", uri=\"sip:x\"",
            "Digest username=\"u\", response=\"[removed]\", uri=\"sip:x\""),
        Secret("nothing secret", "plain words", "plain words"),
        Secret("other scripts stay whole", "звонок: +15550100001", "звонок: +…0001"),
    ])
    func secrets(_ row: Secret) {
        #expect(Redaction.clean(row.text) == row.clean)
        let lines = written(.text) { $0.info("\(row.text)") }
        #expect(lines.first?.contains("5550100001") == false)
    }
}
