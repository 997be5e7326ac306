import Testing

@testable import SIPCore

@Suite struct StreamFramerTests {
    /// All frames up to nil or the error.
    private func drain(_ framer: inout StreamFramer) -> (frames: [StreamFramer.Frame], error: MalformedMessage?) {
        var frames: [StreamFramer.Frame] = []
        do throws(MalformedMessage) {
            while let frame = try framer.next() { frames.append(frame) }
            return (frames, nil)
        } catch {
            return (frames, error)
        }
    }

    @Test(arguments: [1, 2, 3, 7, 64, 1_000, 100_000])
    func messagesComeOutWhateverTheChunks(_ size: Int) throws {
        let examples = MetaExamples.all + RFC3261Examples.all
        let stream = examples.flatMap(\.octets)
        var framer = StreamFramer()
        var frames: [StreamFramer.Frame] = []
        var rest = stream[...]
        while !rest.isEmpty {
            framer.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
            let step = drain(&framer)
            #expect(step.error == nil)
            frames += step.frames
        }
        #expect(frames == (try examples.map { .message(try Message($0.octets)) }))
        #expect(!framer.isMidMessage)
        #expect(framer.buffered == 0)
    }

    @Test func pingsAreTold() throws {
        var framer = StreamFramer()
        framer.append(Array("\r\n\r".utf8))
        #expect(drain(&framer).frames == [])
        #expect(!framer.isMidMessage)
        framer.append(Array("\n\r\n\r\n\r\n".utf8))
        #expect(drain(&framer).frames == [.keepAlive, .keepAlive])
        framer.append(MetaExamples.ack)
        #expect(drain(&framer).frames == [.message(try Message(MetaExamples.ack))])
    }

    @Test func midMessageIsTold() throws {
        var framer = StreamFramer()
        #expect(!framer.isMidMessage)
        framer.append(Array(MetaExamples.invite.prefix(1)))
        _ = drain(&framer)
        #expect(framer.isMidMessage)
        framer.append(Array(MetaExamples.invite[1..<1_500]))
        _ = drain(&framer)
        #expect(framer.isMidMessage)
        framer.append(Array(MetaExamples.invite[1_500...]))
        #expect(drain(&framer).frames.count == 1)
        #expect(!framer.isMidMessage)
    }

    @Test func wrongMessageDoesNotHurtTheNext() throws {
        var framer = StreamFramer()
        let wrong = Torture.request(cseq: "CSeq: 8 INVITE", "Content-Type: text/plain", body: "OPTIONS not a message")
        framer.append((MetaExamples.ack + wrong + MetaExamples.ack))
        let (frames, error) = drain(&framer)
        #expect(error == nil)
        #expect(frames.count == 3)
        #expect(frames.first == frames.last)
    }

    struct Fatal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var octets: [UInt8]
        var reason: MalformedMessage.Reason
        var isAnswerable = false
    }

    @Test(arguments: [
        Fatal(testDescription: "HTTP", octets: Array("GET / HTTP/1.1\r\n".utf8), reason: .notSIP),
        Fatal(testDescription: "octet no method has", octets: [0x16, 0x03, 0x01], reason: .notSIP),
        Fatal(testDescription: "CR alone", octets: Array("\rOPTIONS".utf8), reason: .notSIP),
        Fatal(testDescription: "bare LF", octets: Array("OPTIONS sip:b SIP/2.0\n".utf8), reason: .notSIP),
        Fatal(testDescription: "garbage after a message", octets: MetaExamples.ack + [0x7F, 0, 1], reason: .notSIP),
        Fatal(
            testDescription: "two lengths that differ", octets: Torture.options("l: 0", "l: 5"),
            reason: .repeated(.contentLength), isAnswerable: true),
        Fatal(
            testDescription: "body without a length",
            octets: Array(Torture.options("Content-Type: a/b").text.replacing("Content-Length: 0\r\n", with: "").utf8),
            reason: .missing(.contentLength), isAnswerable: true),
        Fatal(
            testDescription: "body too large", octets: Torture.options("Content-Length: 262145"),
            reason: .bodyTooLarge(limit: 262_144), isAnswerable: true),
        Fatal(
            testDescription: "endless line", octets: [UInt8](repeating: 65, count: 65_537),
            reason: .headTooLarge(limit: 65_536)),
        Fatal(
            testDescription: "endless fields",
            octets: Array(Torture.request().dropLast(2)) + Array("X: ".utf8) + [UInt8](repeating: 65, count: 65_536),
            reason: .headTooLarge(limit: 65_536), isAnswerable: true),
    ])
    func streamIsGivenUp(_ fatal: Fatal) {
        var framer = StreamFramer()
        framer.append(fatal.octets)
        let (_, error) = drain(&framer)
        #expect(error?.reason == fatal.reason)
        #expect((error?.request != nil) == fatal.isAnswerable)
        #expect(framer.buffered == 0)
        #expect(!framer.isMidMessage)
        framer.append(MetaExamples.ack)
        let again = drain(&framer)
        #expect(again.frames.isEmpty)
        #expect(again.error == error)
    }

    @Test func largestMessagePasses() throws {
        let body = [UInt8](repeating: 0x80, count: 262_144)
        let octets = Torture.options("Content-Type: a/b", "Content-Length: \(body.count)") + body
        var framer = StreamFramer()
        framer.append((octets + MetaExamples.ack))
        let (frames, error) = drain(&framer)
        #expect(error == nil)
        #expect(frames.count == 2)
    }

    @Test func undrainedOctetsAreBounded() {
        var framer = StreamFramer(limits: MessageLimits(maxHead: 1_000, maxBody: 1_000))
        let chunk = [UInt8](repeating: 65, count: 100_000)
        for _ in 0..<10 { framer.append(chunk) }
        #expect(framer.buffered < 300_000)
        #expect(drain(&framer).error?.status == 513)
    }

    @Test func messagesAheadOfAnOverflowAreDelivered() {
        var framer = StreamFramer(limits: MessageLimits(maxHead: 1_000, maxBody: 1_000))
        let chunk = MetaExamples.ack
        for _ in 0..<(400_000 / chunk.count) { framer.append(chunk) }
        let (frames, error) = drain(&framer)
        #expect(frames.count > 500)
        #expect(error?.reason == .bufferFull(limit: 264_144))
    }
}
